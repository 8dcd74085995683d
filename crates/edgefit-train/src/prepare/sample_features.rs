//! [`SampleFeatures`]: what a frozen backbone makes of a sample.

/// What a frozen backbone makes of a sample.
#[derive(Debug)]
pub(crate) struct SampleFeatures {
    /// Empty where the sample did not go through the backbone.
    pub features: Vec<f32>,
    /// The values at the freeze boundary, where they were wanted.
    pub boundary: Vec<f32>,
    /// An image as [`THUMBNAIL`](crate::prepare::features::THUMBNAIL)² RGB pixels; nothing of an array.
    pub pixels: Vec<u8>,
}

#[cfg(test)]
impl SampleFeatures {
    /// Those of so many samples of which nothing was computed.
    pub(crate) fn none(samples: usize) -> Vec<Result<Self, String>> {
        let none = |_| {
            Ok(SampleFeatures {
                features: Vec::new(),
                boundary: Vec::new(),
                pixels: Vec::new(),
            })
        };
        (0..samples).map(none).collect()
    }
}
