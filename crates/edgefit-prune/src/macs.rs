//! [`Macs`]: the multiply-accumulates of a model as a function of its widths.

use edgefit_cost::{Costs, Totals};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};

use crate::channels::Labels;
use crate::error::Result;
use crate::ranking::{Ranking, Widths};
use crate::structure::Structure;

/// Multiply-accumulates of one run of a model whose groups lose channels in the order of a ranking.
#[derive(Debug, Clone)]
pub struct Macs<'s> {
    structure: &'s Structure,
    layers: Vec<[Side; 2]>,
    /// Of the products that no channel of a layer takes part in.
    others: u64,
}

/// Channels along one dimension of a layer.
#[derive(Debug, Clone)]
struct Side {
    count: usize,
    /// For each group that has some of them, how many go with its first unit, its first two and so on.
    lost: Vec<(usize, Vec<usize>)>,
}

impl<'s> Macs<'s> {
    /// Of `structure` with the channels in the order of `ranking`.
    ///
    /// # Errors
    /// A shape of the model cannot be known.
    pub fn of(structure: &'s Structure, ranking: &Ranking) -> Result<Self> {
        let total = totals(&structure.graph)?.macs;
        let side = |count: usize, labels: Option<&Labels>| Side {
            count,
            lost: labels.map_or_else(Vec::new, |labels| lost(structure, ranking, labels)),
        };
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

impl Side {
    fn left(&self, widths: &Widths) -> usize {
        let lost = self
            .lost
            .iter()
            .map(|(group, lost)| match widths.0[*group] {
                0 => 0,
                removed => lost.get(removed - 1).copied().unwrap_or(0),
            });
        self.count - lost.sum::<usize>()
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

fn lost(structure: &Structure, ranking: &Ranking, labels: &Labels) -> Vec<(usize, Vec<usize>)> {
    let mut made = Vec::new();
    for (group, ranked) in ranking.groups.iter().enumerate() {
        let mut counts = vec![0; structure.groups()[group].units.len()];
        for unit in structure.units_in(labels, group).into_iter().flatten() {
            counts[unit] += 1;
        }
        if counts.iter().any(|&count| count > 0) {
            let mut sum = 0;
            let lost = ranked.order.iter().map(|&unit| {
                sum += counts[unit];
                sum
            });
            made.push((group, lost.collect()));
        }
    }
    made
}
