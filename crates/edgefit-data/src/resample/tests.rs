//! Held to what Pillow 13.0 makes of the same images, which `pillow.py` wrote into `pillow.txt`.

use edgefit_base::hash::sha256_hex;

use super::*;

fn noise(width: u32, height: u32) -> RgbImage {
    let values = (0..u64::from(3 * width * height)).map(|at| {
        let value = (at.wrapping_mul(at).wrapping_mul(2_654_435_761) >> 7) as u8;
        match at / 600 % 2 {
            0 => value,
            _ => value / 128 * 255,
        }
    });
    RgbImage::from_raw(width, height, values.collect()).unwrap()
}

#[test]
fn each_value_is_that_of_pillow() {
    for case in include_str!("pillow.txt").lines() {
        let mut words = case.split(' ');
        let [own_width, own_height, width, height, left, top, wide, high] =
            std::array::from_fn(|_| words.next().unwrap().parse::<f64>().unwrap());
        let area = CropBox {
            left,
            top,
            width: wide,
            height: high,
        };
        let image = noise(own_width as u32, own_height as u32);
        let made = resample(&image, width as u32, height as u32, area);
        let hash = sha256_hex(made.as_raw());
        assert!(hash.starts_with(words.next().unwrap()), "{case}: {hash}");
    }
}

#[test]
fn a_few_values_of_pillow() {
    let area = CropBox {
        left: 0.0,
        top: 0.0,
        width: 5.0,
        height: 4.0,
    };
    let pillow = [
        104, 117, 173, 58, 61, 175, 93, 95, 102, 111, 128, 126, 93, 127, 161, 82, 131, 112,
    ];
    assert_eq!(*resample(&noise(5, 4), 3, 2, area).as_raw(), pillow);
}

#[test]
fn an_even_image_stays_even_at_any_size() {
    let even = RgbImage::from_pixel(37, 23, image::Rgb([255, 128, 0]));
    for (width, height) in [(1, 1), (5, 50), (37, 23), (300, 2)] {
        let area = CropBox {
            left: 0.0,
            top: 0.0,
            width: 37.0,
            height: 23.0,
        };
        let made = resample(&even, width, height, area);
        assert_eq!(made.dimensions(), (width, height));
        assert!(made.pixels().all(|pixel| pixel.0 == [255, 128, 0]));
    }
}
