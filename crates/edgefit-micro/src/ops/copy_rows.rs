//! [`CopyRows`]: a part of an image into a part of another.

use super::window::Image;

/// Copies runs of bytes that lie as far apart as rows of images do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyRows {
    /// Number of runs.
    pub rows: usize,
    /// Bytes of a run.
    pub bytes: usize,
    /// Where the first begins, and the distance to the next, in what is read.
    pub input: [usize; 2],
    /// The same in what is written; the rest of it stays.
    pub output: [usize; 2],
}

impl CopyRows {
    /// What lies at `at` (row, column) of `image` and has the size of `part`, as an image of its own.
    pub fn out_of(image: Image, part: Image, at: [usize; 2]) -> Self {
        let row = |image: Image| image.width * image.channels;
        CopyRows {
            rows: part.height,
            bytes: row(part),
            input: [at[0] * row(image) + at[1] * image.channels, row(image)],
            output: [0, row(part)],
        }
    }

    /// `part` to the place `at` of `image`.
    pub fn into(image: Image, part: Image, at: [usize; 2]) -> Self {
        let CopyRows { input, output, .. } = CopyRows::out_of(image, part, at);
        CopyRows {
            input: output,
            output: input,
            ..CopyRows::out_of(image, part, at)
        }
    }

    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        for row in 0..self.rows {
            let [from, to] = [self.input, self.output].map(|[start, step]| start + row * step);
            output[to..to + self.bytes].copy_from_slice(&input[from..from + self.bytes]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_comes_out_and_goes_back() {
        let image = |height, width| Image {
            height,
            width,
            channels: 2,
        };
        let whole: Vec<i8> = (0..24).collect();
        let mut part = vec![0; 8];
        CopyRows::out_of(image(3, 4), image(2, 2), [1, 1]).run(&whole, &mut part);
        assert_eq!(part, [10, 11, 12, 13, 18, 19, 20, 21]);
        let mut back = vec![0; 24];
        CopyRows::into(image(3, 4), image(2, 2), [1, 1]).run(&part, &mut back);
        assert_eq!(back[8..14], [0, 0, 10, 11, 12, 13]);
        assert_eq!(back[18..22], [18, 19, 20, 21]);
    }
}
