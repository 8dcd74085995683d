//! Labels as a file that is packed behind the model: an archive that ZIP readers find from its end.

/// Name of the file.
pub(super) const FILE: &str = "labels.txt";

/// Appends an archive with the labels, one a line, stored as they are. What would end a line is a space.
pub(super) fn append(model: &mut Vec<u8>, labels: &[String]) {
    let line = |label: &String| format!("{}\n", label.replace(['\n', '\r'], " "));
    let text: String = labels.iter().map(line).collect();
    let start = model.len() as u32;
    // Of APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
    let common = |version: &[u16]| {
        let mut bytes: Vec<u8> = version.iter().flat_map(|half| half.to_le_bytes()).collect();
        // Version 1.0, names in UTF-8, stored, 1 January 1980.
        for half in [10u16, 1 << 11, 0, 0, 0x21] {
            bytes.extend(half.to_le_bytes());
        }
        for word in [crc32(text.as_bytes()), text.len() as u32, text.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend((FILE.len() as u16).to_le_bytes());
        bytes
    };
    model.extend(b"PK\x03\x04");
    model.extend(common(&[]));
    model.extend([0; 2]);
    model.extend(FILE.as_bytes());
    model.extend(text.as_bytes());
    let directory = model.len() as u32;
    model.extend(b"PK\x01\x02");
    model.extend(common(&[10]));
    // Neither extra field nor comment, the first disk, no attributes.
    model.extend([0; 12]);
    model.extend(start.to_le_bytes());
    model.extend(FILE.as_bytes());
    let bytes = model.len() as u32 - directory;
    model.extend(b"PK\x05\x06");
    for half in [0u16, 0, 1, 1] {
        model.extend(half.to_le_bytes());
    }
    model.extend(bytes.to_le_bytes());
    model.extend(directory.to_le_bytes());
    model.extend([0; 2]);
}

/// The checksum of ZIP, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, &byte: &u8| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
