//! Windows that slide over images.

/// Size of an image whose channels come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Image {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Image {
    /// Sizes as they lie in memory, one sample in front.
    pub fn dims(&self) -> Vec<usize> {
        vec![1, self.height, self.width, self.channels]
    }

    /// Number of bytes.
    pub fn bytes(&self) -> usize {
        self.height * self.width * self.channels
    }
}

/// A window: along the height, then along the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Number of elements.
    pub kernel: [usize; 2],
    /// Step.
    pub stride: [usize; 2],
    /// Distance of neighbouring elements.
    pub dilation: [usize; 2],
    /// Padding before the first element of the image.
    pub before: [usize; 2],
}

impl Window {
    /// The elements of the window at `at` along `axis` that lie within `size`, and where.
    pub(super) fn inside(
        &self,
        axis: usize,
        at: usize,
        size: usize,
    ) -> impl Iterator<Item = (usize, usize)> + Clone {
        let [start, before] = [at * self.stride[axis], self.before[axis]];
        let dilation = self.dilation[axis];
        (0..self.kernel[axis]).filter_map(move |element| {
            let place = (start + element * dilation).checked_sub(before)?;
            (place < size).then_some((element, place))
        })
    }
}
