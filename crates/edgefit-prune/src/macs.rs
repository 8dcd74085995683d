//! [`Macs`]: the multiply-accumulates of a model as a function of its widths.

use edgefit_cost::{Costs, Totals};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};

use crate::error::Result;
use crate::ranking::{Ranking, Widths};
use crate::side::Side;
use crate::structure::Structure;

/// Multiply-accumulates of one run of a model whose groups lose channels in the order of a ranking.
#[derive(Debug, Clone)]
pub struct Macs<'s> {
    structure: &'s Structure,
    layers: Vec<[Side; 2]>,
    /// Of the products that no channel of a layer takes part in.
    others: u64,
}

impl<'s> Macs<'s> {
    /// Of `structure` with the channels in the order of `ranking`.
    ///
    /// # Errors
    /// A shape of the model cannot be known.
    pub fn of(structure: &'s Structure, ranking: &Ranking) -> Result<Self> {
        let total = totals(&structure.graph)?.macs;
        let side = |count, labels| Side::of(structure, ranking, count, labels);
        let layers = &structure.layers;
        let known: u64 = layers.iter().map(|layer| layer.macs).sum();
        Ok(Macs {
            structure,
            layers: layers
                .iter()
                .map(|layer| {
                    let read = side(layer.inputs, layer.read.as_ref());
                    [read, side(layer.outputs, Some(&layer.made))]
                })
                .collect(),
            others: total.saturating_sub(known),
        })
    }

    /// With `widths`.
    pub fn with(&self, widths: &Widths) -> u64 {
        let layers = self.structure.layers.iter().zip(&self.layers);
        let layers = layers.map(|(layer, [read, made])| {
            let left = |side: &Side| side.left(widths);
            layer.macs_of(left(read), left(made))
        });
        self.others + layers.sum::<u64>()
    }
}

/// What `graph` costs for one sample.
///
/// # Errors
/// A shape of it cannot be known.
pub(crate) fn totals(graph: &Graph) -> Result<Totals> {
    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    Ok(Costs::of(graph, &inference).totals)
}
