//! What a model is and costs, node by node or block by block.

use std::cmp::Reverse;

use edgefit_base::names::block;
use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::quantized::{LayerSafety, QuantizedValue, layer_safety, quantized_values};
use edgefit_graph::topology::outputs_behind;
use edgefit_graph::{Graph, Preprocessing, Result, labels};
use indexmap::IndexMap;
use serde::Serialize;

use crate::costs::{Costs, NodeCost, Totals};
use crate::memory_plan::{ElementType, MemoryPlan};
use crate::type_shares::{TypeShare, UnusedConstant, type_shares, unused_constants};

/// What a model is and costs.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// Costs of the whole model.
    pub totals: Totals,
    /// Its activations in memory.
    pub memory: MemoryPlan,
    /// Bytes of the constants and multiply-accumulates by type, the most bytes first.
    pub types: Vec<TypeShare>,
    /// The values that are kept as integers.
    pub quantized: Vec<QuantizedValue>,
    /// What can go wrong in the registers of integer kernels, layer by layer.
    pub integer_layers: Vec<LayerSafety>,
    /// Constants that nothing reads.
    pub unused_constants: Vec<UnusedConstant>,
    /// Costs of each node, in the order that was asked for.
    pub nodes: Vec<NodeCost>,
    /// Nodes summed up by the leading parts of their names, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<Group>>,
    /// Ops that edgefit cannot work with.
    pub unsupported: Vec<UnsupportedOp>,
    /// What its inputs are made with, if the model says so.
    pub preprocessing: Option<Preprocessing>,
    /// Names of its classes, if the model says so.
    pub labels: Option<Vec<String>>,
    /// Whatever else it says of itself.
    pub metadata: IndexMap<String, String>,
    /// Version of the ONNX operators.
    pub opset: i64,
    /// What wrote the file, and its version.
    pub producer: String,
    /// For each of [`Inspection::nodes`], whether it is done before the model runs.
    #[serde(skip)]
    pub folded: Vec<bool>,
}

/// An op that edgefit cannot work with, and what cannot be known for it.
#[derive(Debug, Clone, Serialize)]
pub struct UnsupportedOp {
    /// Operator.
    pub op: String,
    /// Number of nodes.
    pub count: usize,
    /// Why, for the first of them.
    pub reason: String,
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// Outputs of the model that depend on one of them.
    pub needed_by: Vec<String>,
}

/// Nodes of one name prefix.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// The prefix.
    pub name: String,
    /// Number of nodes.
    pub nodes: usize,
    /// Shape of the output of the last of them.
    pub output_shape: Option<Vec<usize>>,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-accumulates; `None` where those of a node are not known.
    pub macs: Option<u64>,
    /// Bytes written.
    pub write_bytes: u64,
}

/// How nodes are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listing {
    /// Order of nodes and groups.
    pub sort: SortKey,
    /// Leading parts of the names that nodes of one group share; `None` for no groups.
    pub depth: Option<usize>,
}

/// What nodes and groups are sorted by: names from A to Z, figures from the largest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SortKey {
    /// As they run.
    #[default]
    Graph,
    /// Name.
    Name,
    /// Operator.
    Op,
    /// Trainable parameters.
    Parameters,
    /// Multiply-accumulates.
    Macs,
    /// Bytes written.
    Output,
}

impl Inspection {
    /// Inspects `graph` with inputs of `shapes`.
    ///
    /// # Errors
    /// Shapes that do not go together, or metadata of the model that breaks its format.
    pub fn of(graph: &Graph, shapes: &InputShapes, listing: Listing) -> Result<Self> {
        let inference = infer(graph, shapes)?;
        let costs = Costs::of(graph, &inference);
        let types = type_shares(graph, &inference, &costs.nodes);
        let folded = folded(graph, &inference);
        let groups = listing.depth.map(|depth| {
            let mut groups = grouped(&costs.nodes, &folded, depth);
            sort(&mut groups, listing.sort, Group::figures);
            groups
        });
        // Each node is sorted with its mark.
        let mut marked: Vec<(NodeCost, bool)> = costs.nodes.into_iter().zip(folded).collect();
        sort(&mut marked, listing.sort, |(node, _)| Figures {
            name: &node.name,
            op: &node.op,
            parameters: node.parameters,
            macs: node.macs.unwrap_or(0),
            write_bytes: node.write_bytes,
        });
        let (nodes, folded) = marked.into_iter().unzip();
        Ok(Inspection {
            totals: costs.totals,
            types,
            quantized: quantized_values(graph),
            integer_layers: layer_safety(graph),
            unused_constants: unused_constants(graph),
            memory: MemoryPlan::of(graph, &inference, ElementType::AsStored),
            nodes,
            groups,
            unsupported: unsupported(graph, &inference),
            preprocessing: Preprocessing::of(graph)?,
            labels: labels::of(graph)?,
            metadata: graph.metadata.clone(),
            opset: graph.opset(),
            producer: format!("{} {}", graph.producer.0, graph.producer.1)
                .trim()
                .to_owned(),
            folded,
        })
    }

    /// The groups, or else the nodes, as comma-separated values; shapes as `1x3x224x224`.
    ///
    /// # Errors
    /// None that writing to memory meets.
    pub fn to_csv(&self) -> csv::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        match &self.groups {
            Some(groups) => {
                writer.write_record([
                    "name",
                    "nodes",
                    "output_shape",
                    "parameters",
                    "macs",
                    "write_bytes",
                ])?;
                for group in groups {
                    writer.write_record([
                        group.name.clone(),
                        group.nodes.to_string(),
                        csv_shape(group.output_shape.as_deref()),
                        group.parameters.to_string(),
                        csv_figure(group.macs),
                        group.write_bytes.to_string(),
                    ])?;
                }
            }
            None => {
                writer.write_record([
                    "name",
                    "op",
                    "output_shape",
                    "parameters",
                    "macs",
                    "read_bytes",
                    "write_bytes",
                ])?;
                for node in &self.nodes {
                    writer.write_record([
                        node.name.clone(),
                        node.op.clone(),
                        csv_shape(node.output_shape.as_deref()),
                        node.parameters.to_string(),
                        csv_figure(node.macs),
                        node.read_bytes.to_string(),
                        node.write_bytes.to_string(),
                    ])?;
                }
            }
        }
        let bytes = writer.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What rows are sorted by.
struct Figures<'r> {
    name: &'r str,
    op: &'r str,
    parameters: u64,
    macs: u64,
    write_bytes: u64,
}

impl Group {
    fn figures(&self) -> Figures<'_> {
        Figures {
            name: &self.name,
            op: "",
            parameters: self.parameters,
            macs: self.macs.unwrap_or(0),
            write_bytes: self.write_bytes,
        }
    }
}

fn sort<T>(rows: &mut [T], key: SortKey, figures: impl Fn(&T) -> Figures<'_>) {
    match key {
        SortKey::Graph => {}
        SortKey::Name => rows.sort_by(|a, b| figures(a).name.cmp(figures(b).name)),
        SortKey::Op => rows.sort_by(|a, b| figures(a).op.cmp(figures(b).op)),
        SortKey::Parameters => rows.sort_by_key(|row| Reverse(figures(row).parameters)),
        SortKey::Macs => rows.sort_by_key(|row| Reverse(figures(row).macs)),
        SortKey::Output => rows.sort_by_key(|row| Reverse(figures(row).write_bytes)),
    }
}

/// For each node, whether it is done before the model runs.
fn folded(graph: &Graph, inference: &Inference) -> Vec<bool> {
    let nodes = graph.nodes.iter();
    nodes
        .map(|node| node.present_outputs().all(|name| inference.is_folded(name)))
        .collect()
}

fn grouped(nodes: &[NodeCost], folded: &[bool], depth: usize) -> Vec<Group> {
    let mut groups: IndexMap<String, Group> = IndexMap::new();
    for (node, _) in nodes.iter().zip(folded).filter(|(_, folded)| !**folded) {
        let name = block(&node.name, depth);
        let group = groups.entry(name.clone()).or_insert_with(|| Group {
            name,
            nodes: 0,
            output_shape: None,
            parameters: 0,
            macs: Some(0),
            write_bytes: 0,
        });
        group.nodes += 1;
        group.output_shape.clone_from(&node.output_shape);
        group.parameters += node.parameters;
        let both = group.macs.zip(node.macs);
        group.macs = both.map(|(sum, own)| sum.saturating_add(own));
        group.write_bytes = group.write_bytes.saturating_add(node.write_bytes);
    }
    groups.into_values().collect()
}

fn unsupported(graph: &Graph, inference: &Inference) -> Vec<UnsupportedOp> {
    let listed = inference.unsupported.iter();
    let behind = outputs_behind(graph, listed.clone().map(|op| op.nodes.as_slice()));
    listed
        .zip(behind)
        .map(|(unsupported, needed_by)| UnsupportedOp {
            op: unsupported.op.clone(),
            count: unsupported.nodes.len(),
            reason: unsupported.reason.to_string(),
            nodes: unsupported.nodes.clone(),
            needed_by,
        })
        .collect()
}

/// A figure, or nothing where it is not known.
fn csv_figure(figure: Option<u64>) -> String {
    figure.map_or(String::new(), |figure| figure.to_string())
}

/// A shape as `--input-shape` takes it.
fn csv_shape(dims: Option<&[usize]>) -> String {
    let sizes = dims.unwrap_or_default().iter().map(ToString::to_string);
    sizes.collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    use super::*;

    /// x (1×2) → narrow → 1×4 → wide → 1×8.
    fn products() -> (Graph, InputShapes) {
        let mut graph = Graph::new("products", 17);
        let dims = [1, 2].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        for (name, rows, columns) in [("w", 2, 4), ("v", 4, 8)] {
            let weight = Tensor::from_values(vec![rows, columns], &vec![0f32; rows * columns]);
            graph.initializers.insert(name.into(), weight);
        }
        graph.nodes = vec![
            Node::new("MatMul", "/stem/narrow", &["x", "w"], &["h"]),
            Node::new("MatMul", "/head/wide", &["h", "v"], &["y"]),
        ];
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        (graph, shapes)
    }

    #[test]
    fn nodes_and_groups_are_listed_as_asked() {
        let (graph, shapes) = products();
        let names = |sort| {
            let listing = Listing { sort, depth: None };
            let nodes = Inspection::of(&graph, &shapes, listing).unwrap().nodes;
            Vec::from_iter(nodes.into_iter().map(|node| node.name))
        };
        assert_eq!(names(SortKey::Graph), ["/stem/narrow", "/head/wide"]);
        assert_eq!(names(SortKey::Macs), ["/head/wide", "/stem/narrow"]);
        assert_eq!(names(SortKey::Name), ["/head/wide", "/stem/narrow"]);
        let listing = Listing {
            sort: SortKey::Output,
            depth: Some(1),
        };
        let inspection = Inspection::of(&graph, &shapes, listing).unwrap();
        assert_eq!(inspection.totals.macs, 32 + 8);
        assert_eq!(
            inspection.to_csv().unwrap(),
            "name,nodes,output_shape,parameters,macs,write_bytes\n\
             head,1,1x8,32,32,32\nstem,1,1x4,8,8,16\n"
        );
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let (mut graph, shapes) = products();
        let (stem, odd) = ("/stem/odd", "/stem/behind");
        graph
            .nodes
            .insert(0, Node::new("Odd", stem, &["x"], &["o"]));
        graph
            .nodes
            .insert(1, Node::new("MatMul", odd, &["o", "w"], &["p"]));
        let listing = Listing {
            sort: SortKey::Graph,
            depth: Some(1),
        };
        let inspection = Inspection::of(&graph, &shapes, listing).unwrap();
        let macs: Vec<Option<u64>> = inspection.nodes.iter().map(|node| node.macs).collect();
        assert_eq!(macs, [None, None, Some(8), Some(32)]);
        let totals = &inspection.totals;
        assert_eq!((totals.macs, totals.unknown_macs), (40, 2));
        let groups = inspection.groups.as_ref().unwrap();
        assert_eq!((groups[0].macs, groups[1].macs), (None, Some(32)));
        assert!(inspection.to_csv().unwrap().contains("stem,3,1x4,8,,16\n"));
    }
}
