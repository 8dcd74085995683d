//! [`Int8Done`]: stage int8, when it is over.

use edgefit_graph::Graph;

use crate::run::int8_report::Int8Report;
use crate::stages::stage::Done;

/// Stage int8, when it is over.
pub(crate) struct Int8Done {
    pub report: Int8Report,
    /// Its training, where it was trained.
    pub done: Option<Done>,
    /// The better one.
    pub graph: Graph,
}
