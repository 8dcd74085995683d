//! The values and slopes of activations, and loops over them, vectorised for the processor at hand.
//!
//! Each computation is a type, because pulp compiles functions for a processor that are always inlined,
//! and no closures.

use std::mem::MaybeUninit;

use pulp::{Arch, Simd, WithSimd};

use super::super::float::Float;
use super::super::sums::Sum;
use super::Activation;

/// A function of one element.
trait Curve<T>: Copy {
    fn value(self, x: T) -> T;

    /// From what [`Activation::kept`] says.
    fn slope(self, kept: T) -> T;
}

#[derive(Clone, Copy)]
struct Identity;

impl<T: Float> Curve<T> for Identity {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x
    }

    #[inline(always)]
    fn slope(self, _: T) -> T {
        T::of(1.0)
    }
}

#[derive(Clone, Copy)]
struct Clamp<T> {
    low: T,
    high: T,
}

impl<T: Float> Curve<T> for Clamp<T> {
    #[inline(always)]
    fn value(self, x: T) -> T {
        let x = if x < self.low { self.low } else { x };
        if x > self.high { self.high } else { x }
    }

    #[inline(always)]
    fn slope(self, y: T) -> T {
        let outside = (y <= self.low) | (y >= self.high);
        T::of(if outside { 0.0 } else { 1.0 })
    }
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl<T: Float> Curve<T> for Sigmoid {
    #[inline(always)]
    fn value(self, x: T) -> T {
        T::of(1.0) / (T::of(1.0) + (-x).exp())
    }

    #[inline(always)]
    fn slope(self, y: T) -> T {
        y * (T::of(1.0) - y)
    }
}

#[derive(Clone, Copy)]
struct HardSigmoid<T> {
    slope: T,
    offset: T,
}

impl<T: Float> Curve<T> for HardSigmoid<T> {
    #[inline(always)]
    fn value(self, x: T) -> T {
        unit(x * self.slope + self.offset)
    }

    #[inline(always)]
    fn slope(self, y: T) -> T {
        self.slope * unit_clamp().slope(y)
    }
}

#[derive(Clone, Copy)]
struct HardSwish;

impl<T: Float> Curve<T> for HardSwish {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x * unit(x * T::of(1.0 / 6.0) + T::of(0.5))
    }

    #[inline(always)]
    fn slope(self, x: T) -> T {
        let inside = x * T::of(1.0 / 3.0) + T::of(0.5);
        let inside = if x < T::of(-3.0) { T::of(0.0) } else { inside };
        if x > T::of(3.0) { T::of(1.0) } else { inside }
    }
}

#[derive(Clone, Copy)]
struct Silu;

impl<T: Float> Curve<T> for Silu {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x * Sigmoid.value(x)
    }

    #[inline(always)]
    fn slope(self, x: T) -> T {
        let y = Sigmoid.value(x);
        y + x * y * (T::of(1.0) - y)
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl<T: Float> Curve<T> for Gelu {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x * x.normal().0
    }

    #[inline(always)]
    fn slope(self, x: T) -> T {
        let (below, density) = x.normal();
        below + x * density * T::of(0.398_942_280_401_432_7)
    }
}

#[inline(always)]
fn unit_clamp<T: Float>() -> Clamp<T> {
    Clamp {
        low: T::of(0.0),
        high: T::of(1.0),
    }
}

#[inline(always)]
fn unit<T: Float>(x: T) -> T {
    unit_clamp().value(x)
}

/// Binds `$curve` to the curve of an activation.
macro_rules! on_curve {
    ($activation:expr, $curve:ident => $body:expr) => {
        match $activation {
            Activation::Identity => on_curve!(@ $curve = Identity, $body),
            Activation::Clamp { low, high } => {
                let (low, high) = (T::of(low), T::of(high));
                on_curve!(@ $curve = Clamp { low, high }, $body)
            }
            Activation::Sigmoid => on_curve!(@ $curve = Sigmoid, $body),
            Activation::HardSigmoid { slope, offset } => {
                let (slope, offset) = (T::of(slope), T::of(offset));
                on_curve!(@ $curve = HardSigmoid { slope, offset }, $body)
            }
            Activation::HardSwish => on_curve!(@ $curve = HardSwish, $body),
            Activation::Silu => on_curve!(@ $curve = Silu, $body),
            Activation::Gelu => on_curve!(@ $curve = Gelu, $body),
        }
    };
    (@ $curve:ident = $made:expr, $body:expr) => {{
        let $curve = $made;
        $body
    }};
}

impl Activation {
    /// Replaces each element by the activation of it and `bias`.
    pub fn apply<T: Float>(self, row: &mut [T], bias: T) {
        let arch = Arch::new();
        on_curve!(self, curve => arch.dispatch(Apply { curve, row, bias }));
    }

    /// Writes the activation of each of `row` plus the element of `biases` in its place, and the sum itself
    /// in place.
    pub fn apply_row<T: Float>(
        self,
        row: &mut [T],
        biases: &[T],
        to: Option<&mut [MaybeUninit<T>]>,
    ) {
        let arch = Arch::new();
        on_curve!(self, curve => arch.dispatch(ApplyRow { curve, row, biases, to }));
    }

    /// Writes the activation of each of `from`.
    pub fn write<T: Float>(self, from: &[T], to: &mut [MaybeUninit<T>]) {
        let arch = Arch::new();
        on_curve!(self, curve => arch.dispatch(Write { curve, from, to }));
    }

    /// Writes `gradient` times the slopes at `kept`, and returns the sum.
    pub fn pull_back<T: Float>(self, gradient: &[T], kept: &[T], to: &mut [MaybeUninit<T>]) -> T {
        assert!(gradient.len() == to.len() && kept.len() == to.len());
        let arch = Arch::new();
        on_curve!(self, curve => arch.dispatch(PullBack { curve, gradient, kept, to }))
    }

    /// Multiplies `gradient` by the slopes at `kept`.
    pub fn pull_back_in_place<T: Float>(self, gradient: &mut [T], kept: &[T]) {
        let arch = Arch::new();
        on_curve!(self, curve => arch.dispatch(PullBackInPlace { curve, gradient, kept }))
    }
}

/// Writes `factor` times each of `from`.
pub(in crate::ops) fn scaled<T: Float>(from: &[T], factor: T, to: &mut [MaybeUninit<T>]) {
    let curve = Times(factor);
    Arch::new().dispatch(Write { curve, from, to });
}

#[derive(Clone, Copy)]
struct Times<T>(T);

impl<T: Float> Curve<T> for Times<T> {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x * self.0
    }

    #[inline(always)]
    fn slope(self, _: T) -> T {
        self.0
    }
}

struct Apply<'a, T, C> {
    curve: C,
    row: &'a mut [T],
    bias: T,
}

impl<T: Float, C: Curve<T>> WithSimd for Apply<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.row {
            *value = self.curve.value(*value + self.bias);
        }
    }
}

struct ApplyRow<'a, T, C> {
    curve: C,
    row: &'a mut [T],
    biases: &'a [T],
    to: Option<&'a mut [MaybeUninit<T>]>,
}

impl<T: Float, C: Curve<T>> WithSimd for ApplyRow<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let row = self.row.iter_mut().zip(self.biases);
        match self.to {
            None => row.for_each(|(value, bias)| *value = self.curve.value(*value + *bias)),
            Some(to) => row.zip(to).for_each(|((value, bias), to)| {
                *value += *bias;
                to.write(self.curve.value(*value));
            }),
        }
    }
}

struct Write<'a, T, C> {
    curve: C,
    from: &'a [T],
    to: &'a mut [MaybeUninit<T>],
}

impl<T: Float, C: Curve<T>> WithSimd for Write<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (from, to) in self.from.iter().zip(self.to) {
            to.write(self.curve.value(*from));
        }
    }
}

struct PullBack<'a, T, C> {
    curve: C,
    gradient: &'a [T],
    kept: &'a [T],
    to: &'a mut [MaybeUninit<T>],
}

impl<T: Float, C: Curve<T>> WithSimd for PullBack<'_, T, C> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let from = self.gradient.iter().zip(self.kept);
        for (to, (gradient, kept)) in self.to.iter_mut().zip(from) {
            to.write(*gradient * self.curve.slope(*kept));
        }
        // SAFETY: the caller gives as many of each, so that all were written.
        Sum(unsafe { self.to.assume_init_ref() }).with_simd(simd)
    }
}

struct PullBackInPlace<'a, T, C> {
    curve: C,
    gradient: &'a mut [T],
    kept: &'a [T],
}

impl<T: Float, C: Curve<T>> WithSimd for PullBackInPlace<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (gradient, kept) in self.gradient.iter_mut().zip(self.kept) {
            *gradient = *gradient * self.curve.slope(*kept);
        }
    }
}
