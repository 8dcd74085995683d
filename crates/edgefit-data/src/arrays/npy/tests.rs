//! Arrays of every type, order and kind of damage, against what `np.save` writes.

use half::f16;

use super::Npy;

/// An array in C order as `np.save` writes it.
pub fn npy(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    file(
        &format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}"),
        elements,
    )
}

/// An array in Fortran order as `np.save` writes it.
fn fortran_npy(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    file(
        &format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': ({shape}), }}"),
        elements,
    )
}

fn file(header: &str, elements: &[u8]) -> Vec<u8> {
    [
        b"\x93NUMPY\x01\x00",
        &(header.len() as u16).to_le_bytes()[..],
        header.as_bytes(),
        elements,
    ]
    .concat()
}

fn open(bytes: &[u8]) -> Result<Npy<&[u8]>, String> {
    Npy::new(bytes, bytes.len() as u64)
}

#[test]
fn every_type_and_byte_order_is_read() {
    macro_rules! bytes {
        ($values:expr, $bytes:ident) => {
            $values
                .iter()
                .flat_map(|value| value.$bytes())
                .collect::<Vec<u8>>()
        };
    }
    let halves = [-1.5f32, 100.0].map(f16::from_f32);
    for (descr, elements, expected) in [
        ("<f2", bytes!(halves, to_le_bytes), [-1.5, 100.0]),
        (">f2", bytes!(halves, to_be_bytes), [-1.5, 100.0]),
        ("<f4", bytes!([-1.5f32, 100.0], to_le_bytes), [-1.5, 100.0]),
        (">f4", bytes!([-1.5f32, 100.0], to_be_bytes), [-1.5, 100.0]),
        ("<f8", bytes!([-1.5f64, 100.0], to_le_bytes), [-1.5, 100.0]),
        (">f8", bytes!([-1.5f64, 100.0], to_be_bytes), [-1.5, 100.0]),
        ("|i1", bytes!([-3i8, 100], to_le_bytes), [-3.0, 100.0]),
        ("<i2", bytes!([-300i16, 100], to_le_bytes), [-300.0, 100.0]),
        (">i4", bytes!([-300i32, 100], to_be_bytes), [-300.0, 100.0]),
        (">i8", bytes!([-300i64, 100], to_be_bytes), [-300.0, 100.0]),
        ("|u1", bytes!([200u8, 100], to_le_bytes), [200.0, 100.0]),
        (">u2", bytes!([60_000u16, 1], to_be_bytes), [60_000.0, 1.0]),
        (
            "<u4",
            bytes!([1u32 << 31, 1], to_le_bytes),
            [2f32.powi(31), 1.0],
        ),
        (
            "<u8",
            bytes!([1u64 << 63, 1], to_le_bytes),
            [2f32.powi(63), 1.0],
        ),
        ("|b1", vec![1, 0], [1.0, 0.0]),
    ] {
        let npy = npy(descr, "2,", &elements);
        assert_eq!(open(&npy).unwrap().floats().unwrap(), expected, "{descr}");
    }
    let smallest = npy(">i8", "1,", &i64::MIN.to_be_bytes());
    let smallest = open(&smallest).unwrap().integers().unwrap();
    assert_eq!(smallest, [i128::from(i64::MIN)]);
    let largest = npy("<u8", "1,", &[0xff; 8]);
    let largest = open(&largest).unwrap().integers().unwrap();
    assert_eq!(largest, [i128::from(u64::MAX)]);
}

#[test]
fn names_are_read_in_both_byte_orders() {
    let names = ["añb", "c"];
    for (descr, big_endian) in [("<U3", false), (">U3", true)] {
        let letters = names.iter().flat_map(|name| {
            let letters = name.chars().map(u32::from).chain([0, 0]);
            letters.take(3).collect::<Vec<_>>()
        });
        let elements: Vec<u8> = letters
            .flat_map(|letter| {
                if big_endian {
                    letter.to_be_bytes()
                } else {
                    letter.to_le_bytes()
                }
            })
            .collect();
        let npy = npy(descr, "2,", &elements);
        assert_eq!(open(&npy).unwrap().texts().unwrap(), names);
    }
}

#[test]
fn fortran_order_becomes_c_order() {
    // np.asfortranarray(np.arange(24).reshape(2, 3, 4)): element (i, j, k) is 12 i + 4 j + k.
    let mut elements = Vec::new();
    for k in 0..4u8 {
        for j in 0..3 {
            elements.extend([4 * j + k, 12 + 4 * j + k]);
        }
    }
    let npy = fortran_npy("|u1", "2, 3, 4", &elements);
    let expected: Vec<i128> = (0..24).collect();
    assert_eq!(open(&npy).unwrap().integers().unwrap(), expected);
}

#[test]
fn every_truncation_and_every_false_header_is_an_error() {
    let good = npy("<f4", "2, 3", &[0; 24]);
    assert!(open(&good).unwrap().floats().is_ok());
    for length in 0..good.len() {
        let truncated = &good[..length];
        assert!(open(truncated).is_err(), "{length}");
        // A size that is claimed and not there.
        let npy = Npy::new(truncated, good.len() as u64);
        assert!(npy.and_then(Npy::floats).is_err(), "{length}");
    }
    let mut long_header = good.clone();
    long_header[6] = 2;
    long_header[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    for (bytes, expected) in [
        (npy("<f4", "1000000000000, 3", &[0; 24]), "promises"),
        (npy("<f4", "18446744073709551615, 3", &[0; 24]), "promises"),
        (npy("<f4", "99999999999999999999, 3", &[0; 24]), "dimension"),
        (npy("<f4", "-2, -3", &[0; 24]), "dimension"),
        (npy("<f4", &"1, ".repeat(65), &[0; 4]), "65 dimensions"),
        (npy("<U0", "1000000000000,", &[]), "type '<U0'"),
        (npy("|O", "2,", &[0; 24]), "pickled"),
        (npy("<c8", "3,", &[0; 24]), "type '<c8'"),
        (npy("", "3,", &[0; 24]), "type ''"),
        (npy("<f4', 'é", "3,", &[0; 24]), "promises"),
        (npy("é", "3,", &[0; 24]), "type 'é'"),
        (long_header, "claims 4294967295 bytes"),
        (b"PK\x03\x04 not an array".to_vec(), "not an .npy array"),
    ] {
        let error = open(&bytes).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn no_byte_of_a_header_makes_it_panic() {
    let good = fortran_npy("<i2", "2, 3", &[0; 12]);
    for index in 0..good.len() - 12 {
        for byte in 0..=u8::MAX {
            let mut bytes = good.clone();
            bytes[index] = byte;
            let _ = open(&bytes).and_then(Npy::integers);
        }
    }
}
