//! What is computed of one plane, vectorised for the processor at hand.
//!
//! Each computation is a type, because pulp compiles functions for a processor that are always inlined,
//! and no closures.

use pulp::{Simd, WithSimd};

use super::super::super::activation::Activation;
use super::super::super::float::Float;
use super::super::super::sums::sum;
use super::layout::{KernelElement, LANES, Layout, Phases};

/// Writes a plane of the result with the row pitch of a phase.
pub(super) struct Forward<'a, T> {
    pub layout: &'a Layout,
    pub elements: &'a [KernelElement],
    pub x: &'a [T],
    pub weight: &'a [T],
    pub phases: &'a mut Phases<T>,
    pub pitched: &'a mut [T],
}

impl<T: Float> WithSimd for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.layout.split(self.x, self.phases);
        for (index, made) in self.pitched.chunks_exact_mut(LANES).enumerate() {
            let mut sums = [T::default(); LANES];
            for (element, &weight) in self.elements.iter().zip(self.weight) {
                let phase = self.phases.phase(element.phase);
                add_scaled(&mut sums, &phase[element.start + index * LANES..], weight);
            }
            made.copy_from_slice(&sums);
        }
    }
}

/// A plane of the gradient of the result, and what its activation kept.
pub(super) struct PitchedGradient<'a, T> {
    pub layout: &'a Layout,
    pub gradient: &'a [T],
    pub kept: &'a [T],
    pub activation: Activation,
}

impl<T: Float> PitchedGradient<'_, T> {
    /// Writes the gradient before the activation with the row pitch of a phase, and returns its sum.
    pub fn write(&self, pitched: &mut [T], row: &mut Vec<T>) -> T {
        if self.activation == Activation::Identity {
            self.layout.pitch_rows(self.gradient, pitched);
            return sum(self.gradient);
        }
        row.clear();
        let to = &mut row.spare_capacity_mut()[..self.gradient.len()];
        let sum = self.activation.pull_back(self.gradient, self.kept, to);
        // SAFETY: all of them were written.
        unsafe { row.set_len(self.gradient.len()) };
        self.layout.pitch_rows(row, pitched);
        sum
    }
}

/// Writes a plane `made` of the gradient of the input.
pub(super) struct InputGradient<'a, T> {
    pub layout: &'a Layout,
    pub elements: &'a [KernelElement],
    /// Zeros in front of the gradient.
    pub margin: usize,
    pub weight: &'a [T],
    pub phases: &'a mut Phases<T>,
    /// The gradient with the row pitch of a phase.
    pub pitched: &'a [T],
    pub made: &'a mut [T],
}

impl<T: Float> WithSimd for InputGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let whole = self.layout.phase_size().next_multiple_of(LANES);
        for phase in 0..self.layout.phase_count() {
            let made = &mut self.phases.phase_mut(phase)[..whole];
            for (index, made) in made.chunks_exact_mut(LANES).enumerate() {
                let mut sums = [T::default(); LANES];
                for (element, &weight) in self.elements.iter().zip(self.weight) {
                    if element.phase == phase {
                        let from = &self.pitched[self.margin + index * LANES - element.start..];
                        add_scaled(&mut sums, from, weight);
                    }
                }
                made.copy_from_slice(&sums);
            }
        }
        self.layout.join(self.phases, self.made);
    }
}

/// Adds what a plane contributes to the gradient of its channel's weight.
pub(super) struct WeightGradient<'a, T> {
    pub layout: &'a Layout,
    pub elements: &'a [KernelElement],
    pub x: &'a [T],
    pub phases: &'a mut Phases<T>,
    /// The gradient with the row pitch of a phase.
    pub pitched: &'a [T],
    /// Sums of products for each element of the channel's kernel, which are added to.
    pub sums: &'a mut [[T; LANES]],
}

impl<T: Float> WithSimd for WeightGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.layout.split(self.x, self.phases);
        // What follows the last element of the gradient is zero.
        let whole = self.layout.pitched_output().next_multiple_of(LANES);
        for (sums, element) in self.sums.iter_mut().zip(self.elements) {
            let phase = &self.phases.phase(element.phase)[element.start..][..whole];
            add_products(sums, phase, &self.pitched[..whole]);
        }
    }
}

#[inline(always)]
fn add_scaled<T: Float>(sums: &mut [T; LANES], from: &[T], factor: T) {
    for (sum, from) in sums.iter_mut().zip(&from[..LANES]) {
        *sum += factor * *from;
    }
}

/// The number of elements is a multiple of LANES.
#[inline(always)]
fn add_products<T: Float>(all: &mut [T; LANES], a: &[T], b: &[T]) {
    // A copy that stays in registers.
    let mut sums = *all;
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += *a * *b;
        }
    }
    *all = sums;
}
