//! Trained weights, back in their graph.

use edgefit_burn::Weights;
use edgefit_graph::{Graph, Tensor};

use crate::error::{Error, Result};

/// Loads weights into the graph that they were trained in, or into one that contains it.
///
/// # Errors
/// The graph has no such weight.
pub(crate) fn load_weights(graph: &mut Graph, weights: &Weights) -> Result<()> {
    for (name, values) in weights {
        let old = graph.initializers.get_mut(name);
        let written = old.and_then(|old| {
            let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            *old = Tensor::from_f64(old.dtype(), old.dims().to_vec(), &values)?;
            Some(())
        });
        written.ok_or_else(|| Error::Stopped(format!("the model has no weight '{name}'")))?;
    }
    Ok(())
}
