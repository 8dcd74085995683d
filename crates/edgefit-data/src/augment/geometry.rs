//! Rotation, shear and translation.

use image::{Rgb, RgbImage};

/// The image turned around its centre, in degrees.
pub(super) fn rotated(image: &RgbImage, degrees: f32) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    warped(image, [[cos, -sin], [sin, cos]], [0.0; 2])
}

/// The image with every row (`x`) or column (`y`) moved by a share of its distance to the centre.
pub(super) fn sheared(image: &RgbImage, x: f32, y: f32) -> RgbImage {
    warped(image, [[1.0, x], [y, 1.0]], [0.0; 2])
}

/// The image moved by a share of its width and height.
pub(super) fn translated(image: &RgbImage, x: f32, y: f32) -> RgbImage {
    let shift = [x * image.width() as f32, y * image.height() as f32];
    warped(image, [[1.0, 0.0], [0.0, 1.0]], shift)
}

/// Reads every pixel from `matrix` × its position from the centre, plus `shift`, bilinearly. Beyond the
/// border the image is mirrored, so that no corner is empty.
fn warped(image: &RgbImage, matrix: [[f32; 2]; 2], shift: [f32; 2]) -> RgbImage {
    let (width, height) = image.dimensions();
    let centre = [width, height].map(|side| (side as f32 - 1.0) / 2.0);
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 - centre[0], y as f32 - centre[1]);
        let source = |axis: usize| {
            let [from_x, from_y] = matrix[axis];
            from_x * x + from_y * y + shift[axis] + centre[axis]
        };
        bilinear(image, source(0), source(1))
    })
}

fn bilinear(image: &RgbImage, x: f32, y: f32) -> Rgb<u8> {
    let (left, top) = (x.floor(), y.floor());
    let columns = [left, left + 1.0].map(|x| mirrored(x as i64, image.width()));
    let rows = [top, top + 1.0].map(|y| mirrored(y as i64, image.height()));
    let mix = |from: f32, to: f32, share: f32| from + (to - from) * share;
    let [above, below] = rows.map(|y| {
        let [left_pixel, right_pixel] = columns.map(|x| image.get_pixel(x, y).0.map(f32::from));
        [0, 1, 2].map(|channel| mix(left_pixel[channel], right_pixel[channel], x - left))
    });
    Rgb([0, 1, 2].map(|channel| (mix(above[channel], below[channel], y - top) + 0.5) as u8))
}

/// The coordinate inside that is seen when the border is a mirror.
fn mirrored(coordinate: i64, side: u32) -> u32 {
    let side = i64::from(side);
    if (0..side).contains(&coordinate) {
        return coordinate as u32;
    }
    let coordinate = coordinate.rem_euclid(2 * side);
    coordinate.min(2 * side - 1 - coordinate) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([(x * 40) as u8, (y * 40) as u8, 7])
        })
    }

    #[test]
    fn quarter_turns_add_up_to_nothing() {
        let image = numbered(5, 5);
        let turned = rotated(&image, 90.0);
        assert_ne!(turned, image);
        assert_eq!(rotated(&rotated(&turned, 90.0), 180.0), image);
        assert_eq!(rotated(&numbered(6, 3), 0.0), numbered(6, 3));
    }

    #[test]
    fn shifts_and_shears_move_pixels_and_mirror_the_border() {
        let image = numbered(5, 5);
        let reds = |image: &RgbImage, y| (0..5).map(|x| image.get_pixel(x, y)[0] / 40).collect();
        let row: Vec<u8> = reds(&translated(&image, 0.4, 0.0), 0);
        assert_eq!(row, [2, 3, 4, 4, 3]);
        let slanted = sheared(&image, 1.0, 0.0);
        let rows: [Vec<u8>; 2] = [reds(&slanted, 2), reds(&slanted, 3)];
        assert_eq!(rows, [[0, 1, 2, 3, 4], [1, 2, 3, 4, 4]]);
    }

    #[test]
    fn mirrors_repeat() {
        let seen: Vec<u32> = (-4..7).map(|x| mirrored(x, 3)).collect();
        assert_eq!(seen, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(mirrored(-1000, 1), 0);
    }
}
