//! The gradient of the sums of a convolution from that of their activation.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::super::activation::Activation;
use super::super::float::{Float, vec_written_by};
use super::super::sums::sum;

/// The planes of a batch, one after the other: (samples, channels, elements of a plane).
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes {
    pub channels: usize,
    pub each: usize,
}

impl Planes {
    /// `gradient` times the slopes at `kept`, and the sums of that over all but the channels.
    pub fn before_activation<'g, T: Float>(
        &self,
        gradient: &'g [T],
        kept: &[T],
        activation: Activation,
    ) -> (Cow<'g, [T]>, Vec<T>) {
        if activation == Activation::Identity {
            let sums: Vec<T> = gradient.par_chunks_exact(self.each).map(sum).collect();
            return (gradient.into(), self.by_channel(&sums));
        }
        let mut sums = vec![T::default(); gradient.len() / self.each];
        let write = |made: &mut [MaybeUninit<T>]| {
            let planes = gradient.par_chunks_exact(self.each);
            let planes = planes.zip(kept.par_chunks_exact(self.each));
            let made = made.par_chunks_exact_mut(self.each).zip(&mut sums);
            made.zip(planes)
                .for_each(|((made, sum), (gradient, kept))| {
                    *sum = activation.pull_back(gradient, kept, made);
                });
        };
        // SAFETY: every plane is written.
        let made = unsafe { vec_written_by(gradient.len(), write) };
        (made.into(), self.by_channel(&sums))
    }

    /// The sums of channels from those of planes, in the order of the samples.
    fn by_channel<T: Float>(&self, sums: &[T]) -> Vec<T> {
        let mut all = vec![T::default(); self.channels];
        for sample in sums.chunks_exact(self.channels) {
            for (all, sum) in all.iter_mut().zip(sample) {
                *all += *sum;
            }
        }
        all
    }
}
