//! [`Parts`]: what a project is made of.

use super::library::Library;
use super::name::Name;
use crate::plan::ArenaPlan;
use crate::program::Program;

/// What a project is made of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The program.
    pub program: &'a Program,
    /// Where its values lie.
    pub plan: &'a ArenaPlan,
    /// How functions, macros and files are called.
    pub name: &'a Name,
    /// What runs convolutions and products instead of edgefit's own kernels.
    pub library: Option<&'a Library>,
}
