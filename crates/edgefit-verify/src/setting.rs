//! What is compared with what.

use edgefit_engine::{EngineName, Execution};
use edgefit_graph::Graph;

use crate::counterparts::Counterparts;
use crate::tolerance::Tolerance;

/// What is compared with what.
pub struct Setting<'a> {
    /// The model.
    pub graph: &'a Graph,
    /// Another version of it, to compare engine by engine; without, the engines are compared.
    pub other: Option<&'a Graph>,
    /// How the nodes of the two correspond.
    pub counterparts: Option<Counterparts>,
    /// One for each output.
    pub tolerances: &'a [Tolerance],
    /// The engine that one of each two has to be.
    pub only: Option<EngineName>,
    /// How ONNX Runtime runs the models.
    pub execution: Execution,
}
