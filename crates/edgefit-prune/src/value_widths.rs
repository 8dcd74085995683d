//! [`ValueWidths`]: how much of some values and constants is left, as a function of the widths of groups.

use crate::ranking::{Ranking, Widths};
use crate::side::Side;
use crate::structure::Structure;

/// How much of some values and constants of a model is left, as a function of its widths.
#[derive(Debug, Clone)]
pub struct ValueWidths {
    /// Of each the dimensions that lose channels.
    values: Vec<Vec<Side>>,
}

impl ValueWidths {
    /// Of the values and initializers `names`, with the channels in the order of `ranking`. A name that is not
    /// followed stays as it is.
    pub fn of<'n>(
        structure: &Structure,
        ranking: &Ranking,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let sides = |name: &str| {
            let axes = structure.values.get(name);
            let axes = axes.or_else(|| structure.constants.get(name));
            let labels = axes.into_iter().flatten().flatten();
            labels
                .map(|labels| Side::of(structure, ranking, labels.len(), Some(labels)))
                .collect()
        };
        ValueWidths {
            values: names.into_iter().map(sides).collect(),
        }
    }

    /// The share of the elements of the value at `index` that is left with `widths`.
    pub fn share(&self, index: usize, widths: &Widths) -> f64 {
        let shares = self.values[index].iter();
        shares
            .map(|side| side.left(widths) as f64 / side.count.max(1) as f64)
            .product()
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Attribute, Graph, Node, Tensor, ValueInfo};

    use super::*;
    use crate::ranking::Ranked;

    #[test]
    fn a_value_shrinks_with_its_group_and_a_weight_along_both_of_its_dimensions() {
        // x → a of 8 channels → b of 8 channels → y, whose channels stay.
        let mut graph = Graph::new("chain", 17);
        let dims = [1, 4, 2, 2].map(edgefit_graph::Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        for (name, from, to, shape) in [
            ("first", "x", "a", [8, 4, 1, 1]),
            ("second", "a", "b", [8, 8, 1, 1]),
            ("third", "b", "y", [4, 8, 1, 1]),
        ] {
            let weight = format!("{name}.w");
            let values: Vec<f32> = (0..shape.iter().product()).map(|at| at as f32).collect();
            let tensor = Tensor::from_values(shape.to_vec(), &values);
            graph.initializers.insert(weight.clone(), tensor);
            let node = Node::new("Conv", name, &[from, &weight], &[to]);
            let kernel = Attribute::Ints(vec![1, 1]);
            graph.nodes.push(node.with("kernel_shape", kernel));
        }
        let structure = Structure::of(&graph).unwrap();
        let ranked = Ranked {
            order: (0..7).collect(),
            losses: vec![0.0; 7],
        };
        let ranking = Ranking {
            groups: vec![ranked; 2],
            multiple: 1,
        };
        let names = ["a", "b", "y", "second.w", "unknown"];
        let widths = ValueWidths::of(&structure, &ranking, names);
        let halved = Widths(vec![4, 2]);
        let shares: Vec<f64> = (0..names.len())
            .map(|index| widths.share(index, &halved))
            .collect();
        assert_eq!(shares, [0.5, 0.75, 1.0, 0.5 * 0.75, 1.0]);
    }
}
