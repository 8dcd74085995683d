//! The gradient of every differentiable op against central differences.
//!
//! The whole executor runs in 64-bit floats here, so that the differences are good to about 1e-8 and a
//! wrong factor, edge or axis cannot hide in rounding.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod case;
mod convolution;
mod elementwise;
mod fused;
mod movement;
mod normalization;
mod plain_convolution;
mod plain_product;
mod quantize;
mod windows;
