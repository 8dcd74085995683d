//! Mistakes that are made on purpose in a copy of a model.

use edgefit::graph::{Attribute, Graph, Node, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// One kind of mistake.
pub struct Plant {
    pub name: &'static str,
    /// Whether it can be made at a node.
    pub fits: fn(&Graph, &Node) -> bool,
    /// Makes it at the node of that index.
    pub make: fn(&mut Graph, usize),
}

impl Plant {
    /// A copy of the graph with the mistake at a node of which it has one, drawn at random, and the
    /// node's name; `None` if there is no such node.
    pub fn at_random(&self, graph: &Graph, random: &mut ChaCha8Rng) -> Option<(Graph, String)> {
        let nodes: Vec<usize> = (0..graph.nodes.len())
            .filter(|&index| (self.fits)(graph, &graph.nodes[index]))
            .collect();
        if nodes.is_empty() {
            return None;
        }
        let index = nodes[random.random_range(0..nodes.len())];
        let mut changed = graph.clone();
        (self.make)(&mut changed, index);
        Some((changed, graph.nodes[index].label().to_owned()))
    }
}

fn ints<'n>(node: &'n Node, name: &str) -> &'n [i64] {
    match node.attributes.get(name) {
        Some(Attribute::Ints(values)) => values,
        _ => &[],
    }
}

fn float(node: &Node, name: &str) -> Option<f32> {
    match node.attributes.get(name) {
        Some(Attribute::Float(value)) => Some(*value),
        _ => None,
    }
}

fn set(graph: &mut Graph, index: usize, name: &str, value: Attribute) {
    graph.nodes[index].attributes.insert(name.into(), value);
}

fn weight<'g>(graph: &'g Graph, node: &Node, input: usize) -> Option<&'g Tensor> {
    let tensor = graph.initializers.get(node.input(input)?)?;
    tensor.dtype().is_float().then_some(tensor)
}

/// Gives the node a weight of its own, changed element by element.
fn change(
    graph: &mut Graph,
    index: usize,
    input: usize,
    with: impl Fn(usize, &[f32], &[usize]) -> f32,
) {
    let tensor = weight(graph, &graph.nodes[index], input).unwrap();
    let (values, dims) = (tensor.to_f32().unwrap(), tensor.dims().to_vec());
    let changed: Vec<f32> = (0..values.len())
        .map(|element| with(element, &values, &dims))
        .collect();
    let name = format!("{}/planted", graph.nodes[index].label());
    let tensor = Tensor::from_values(dims, &changed);
    graph.initializers.insert(name.clone(), tensor);
    graph.nodes[index].inputs[input] = name;
}

fn is(node: &Node, op: &str) -> bool {
    node.op == op
}

/// Layers whose second input is a matrix or a kernel.
const LAYERS: [&str; 3] = ["Conv", "Gemm", "MatMul"];

pub const PLANTS: [Plant; 20] = [
    Plant {
        // Of a single output, an activation behind it may make nothing.
        name: "the weights of every eighth output are larger",
        fits: |graph, node| LAYERS.contains(&node.op.as_str()) && weight(graph, node, 1).is_some(),
        make: |graph, index| {
            let by_column = is(&graph.nodes[index], "MatMul");
            change(graph, index, 1, |element, values, dims| {
                let rest: usize = dims[1..].iter().product();
                let output = if by_column {
                    element % dims[1]
                } else {
                    element / rest
                };
                values[element] * if output % 8 == 1 { 1.5 } else { 1.0 }
            });
        },
    },
    Plant {
        name: "the bias is dropped",
        fits: |graph, node| {
            let bias = ["Conv", "Gemm"]
                .contains(&node.op.as_str())
                .then(|| weight(graph, node, 2))
                .flatten();
            bias.is_some_and(|bias| {
                bias.to_f32()
                    .unwrap()
                    .iter()
                    .any(|value| value.abs() > 0.01)
            })
        },
        make: |graph, index| graph.nodes[index].inputs.truncate(2),
    },
    Plant {
        name: "the added bias is forgotten",
        fits: |graph, node| {
            is(node, "Add") && weight(graph, node, 1).is_some_and(|b| b.elements() > 1)
        },
        make: |graph, index| change(graph, index, 1, |_, _, _| 0.0),
    },
    Plant {
        name: "the sides of an uneven padding are swapped",
        fits: |_, node| {
            let pads = ints(node, "pads");
            pads.len() == 4 && pads[..2] != pads[2..]
        },
        make: |graph, index| {
            let mut pads = ints(&graph.nodes[index], "pads").to_vec();
            pads.rotate_left(2);
            set(graph, index, "pads", Attribute::Ints(pads));
        },
    },
    Plant {
        name: "an even padding is moved to one side",
        fits: |_, node| ints(node, "pads") == [1, 1, 1, 1],
        make: |graph, index| set(graph, index, "pads", Attribute::Ints(vec![0, 0, 2, 2])),
    },
    Plant {
        name: "the dilation is 2",
        fits: |_, node| {
            is(node, "Conv")
                && ints(node, "pads") == [1, 1, 1, 1]
                && ints(node, "kernel_shape") == [3, 3]
        },
        make: |graph, index| {
            set(graph, index, "pads", Attribute::Ints(vec![2; 4]));
            set(graph, index, "dilations", Attribute::Ints(vec![2; 2]));
        },
    },
    Plant {
        name: "the kernel is turned over",
        fits: |graph, node| {
            let kernel = weight(graph, node, 1);
            is(node, "Conv") && kernel.is_some_and(|kernel| kernel.dims()[2] > 1)
        },
        make: |graph, index| {
            change(graph, index, 1, |element, values, dims| {
                let (height, width) = (dims[2], dims[3]);
                let (row, column) = (element / width % height, element % width);
                values[element - row * width - column + column * width + row]
            });
        },
    },
    Plant {
        name: "the matrix is transposed",
        fits: |graph, node| {
            let matrix = weight(graph, node, 1);
            is(node, "MatMul") && matrix.is_some_and(|m| m.dims()[0] == m.dims()[1])
        },
        make: |graph, index| {
            change(graph, index, 1, |element, values, dims| {
                values[element % dims[1] * dims[1] + element / dims[1]]
            });
        },
    },
    Plant {
        name: "epsilon of the normalisation is that of another library",
        // Where the variance is large, no epsilon matters.
        fits: |graph, node| match weight(graph, node, 4) {
            Some(variance) => {
                let values = variance.to_f32().unwrap();
                let small = values.iter().filter(|value| **value < 0.5).count();
                is(node, "BatchNormalization") && 2 * small > values.len()
            }
            None => is(node, "LayerNormalization"),
        },
        make: |graph, index| {
            let own = float(&graph.nodes[index], "epsilon").unwrap_or(1e-5);
            set(
                graph,
                index,
                "epsilon",
                Attribute::Float(own.max(1e-3) * 100.0),
            );
        },
    },
    Plant {
        name: "normalised by the deviation instead of the variance",
        fits: |_, node| is(node, "BatchNormalization"),
        make: |graph, index| {
            change(graph, index, 4, |element, values, _| values[element].sqrt());
        },
    },
    Plant {
        name: "the running mean is left out",
        fits: |_, node| is(node, "BatchNormalization"),
        make: |graph, index| change(graph, index, 3, |_, _, _| 0.0),
    },
    Plant {
        name: "the scale of the normalisation is left out",
        fits: |_, node| is(node, "LayerNormalization"),
        make: |graph, index| change(graph, index, 1, |_, _, _| 1.0),
    },
    Plant {
        name: "the upper bound of the clip is 4",
        fits: |graph, node| is(node, "Clip") && weight(graph, node, 2).is_some(),
        make: |graph, index| change(graph, index, 2, |_, _, _| 4.0),
    },
    Plant {
        name: "the activation leaks",
        fits: |_, node| is(node, "Relu"),
        make: |graph, index| {
            graph.nodes[index].op = "LeakyRelu".into();
            set(graph, index, "alpha", Attribute::Float(0.01));
        },
    },
    Plant {
        name: "softmax runs along another axis",
        fits: |_, node| is(node, "Softmax"),
        make: |graph, index| set(graph, index, "axis", Attribute::Int(-2)),
    },
    Plant {
        name: "alpha of the product is halved",
        fits: |_, node| is(node, "Gemm"),
        make: |graph, index| set(graph, index, "alpha", Attribute::Float(0.5)),
    },
    Plant {
        name: "a scale is squared",
        fits: |graph, node| is(node, "Mul") && weight(graph, node, 1).is_some(),
        make: |graph, index| {
            change(graph, index, 1, |element, values, _| {
                values[element].powi(2)
            })
        },
    },
    Plant {
        name: "the way around the block is not added",
        fits: |graph, node| is(node, "Add") && weight(graph, node, 1).is_none(),
        make: |graph, index| {
            let deep = graph.nodes[index].inputs[0].clone();
            graph.nodes[index].inputs[1] = deep;
        },
    },
    Plant {
        name: "keys are taken for queries",
        fits: |_, node| is(node, "Gather") && node.name.ends_with(".q"),
        make: |graph, index| graph.nodes[index].inputs[1] = "at1".into(),
    },
    Plant {
        name: "padding counts in the mean",
        fits: |_, node| is(node, "AveragePool"),
        make: |graph, index| set(graph, index, "count_include_pad", Attribute::Int(1)),
    },
];
