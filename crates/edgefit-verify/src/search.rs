//! The state of a search for the first divergence, and the search among all values at once.

use std::collections::{HashMap, HashSet};

use edgefit_engine::Array;
use edgefit_graph::diff::Diff;
use edgefit_graph::quantized::step_of;
use edgefit_graph::{DataType, Graph, Node};

use crate::compare::{Pair, compare};
use crate::divergence::{Divergence, ReducedModel};
use crate::known_differences::explain;
use crate::search_crash::{Crashes, Cut};
use crate::side::Side;
use crate::subgraph::{Segment, Shown, alike, opened, segment, shown};
use crate::tolerance::Tolerance;
use crate::value_statistics::Statistics;

/// Where two sides part: the values that both can show, and how they are compared.
pub(crate) struct Search<'a> {
    pub(crate) a: Side<'a>,
    pub(crate) b: Side<'a>,
    pub(crate) inputs: &'a [Array],
    tolerance: Option<Tolerance>,
    crashes: &'a mut Crashes,
    /// Whether both sides have the same model.
    same_graph: bool,
    /// Values of both, as `a` and as `b` makes them, in the order of `a`.
    pub(crate) values: Vec<[Shown; 2]>,
    /// Types of those of `a` and of `b`.
    types: [HashMap<String, DataType>; 2],
}

/// A part on both sides, what goes into it, and how far its result is apart.
pub(crate) struct Alone {
    parts: [Segment; 2],
    inputs: Vec<(String, Array)>,
    pub pair: Pair,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        [a, b]: [Side<'a>; 2],
        inputs: &'a [Array],
        tolerance: Option<Tolerance>,
        crashes: &'a mut Crashes,
    ) -> Self {
        let same_graph = std::ptr::eq(a.graph, b.graph) || a.graph == b.graph;
        let of_a = shown(a.graph, inputs);
        let of_b = if same_graph {
            of_a.clone()
        } else {
            shown(b.graph, inputs)
        };
        let types = |values: &[Shown]| -> HashMap<String, DataType> {
            let typed = values.iter();
            let typed = typed.filter_map(|value| Some((value.name.clone(), value.dtype?)));
            typed.collect()
        };
        let types = [types(&of_a), types(&of_b)];
        let mut there: HashMap<String, Shown> = of_b
            .into_iter()
            .map(|value| (value.name.clone(), value))
            .collect();
        let both = of_a.into_iter();
        let values = both.filter_map(|value| {
            let other = there.remove(&value.name)?;
            Some([value, other])
        });
        Search {
            values: values.collect(),
            types,
            a,
            b,
            inputs,
            tolerance,
            crashes,
            same_graph,
        }
    }

    pub(crate) fn compare(&self, index: usize, x: &Array, y: &Array) -> Pair {
        let [of_a, of_b] = &self.values[index];
        let usual = |graph: &Graph, value: &Shown| {
            Tolerance::of_type(graph, value.dtype.unwrap_or(DataType::F32))
        };
        let (a, b) = (usual(self.a.graph, of_a), usual(self.b.graph, of_b));
        let usual = if a.atol >= b.atol { a } else { b };
        let floats = of_a.dtype.is_none_or(DataType::is_float);
        let mut tolerance = self.tolerance.filter(|_| floats).unwrap_or(usual);
        if tolerance.cosine.is_some() {
            let step = step_of(self.a.graph, &of_a.name);
            tolerance.step = step.or_else(|| step_of(self.b.graph, &of_b.name));
        }
        let names = (self.a.engine.name(), self.b.engine.name());
        compare((names.0, x), (names.1, y), tolerance)
    }

    /// The divergence with every value an output; `None` where it does not show so.
    pub(crate) fn all_values(&mut self) -> Option<Divergence> {
        let of_a: Vec<&Shown> = self.values.iter().map(|[a, _]| a).collect();
        let of_b: Vec<&Shown> = self.values.iter().map(|[_, b]| b).collect();
        let (open_a, open_b) = (opened(self.a.graph, &of_a), opened(self.b.graph, &of_b));
        // An engine that cannot run the model so may still show a part of it.
        let of_a = self.a.run(&open_a, self.inputs);
        let of_a = self.crashes.note(|| Cut::AllValues, of_a)?;
        let of_b = self.b.run(&open_b, self.inputs);
        let of_b = self.crashes.note(|| Cut::AllValues, of_b)?;
        let pairs: Vec<Pair> = of_a
            .iter()
            .zip(&of_b)
            .enumerate()
            .map(|(index, (x, y))| self.compare(index, x, y))
            .collect();
        let outputs = &self.a.graph.outputs;
        let is_output = |name: &str| outputs.iter().any(|output| output.name == name);
        let mut apart = (0..pairs.len()).filter(|&index| !pairs[index].within);
        let first = apart.clone().next()?;
        if !apart.any(|index| is_output(&self.values[index][0].name)) {
            return None;
        }
        drop(of_a);
        let arrays = self.arrays(of_b);
        let all: HashSet<&str> = self.names();
        let all: HashSet<String> = all.into_iter().map(str::to_owned).collect();
        let given: HashSet<&str> = all.iter().map(String::as_str).collect();

        let used = |alone: &Alone| alone.pair.tolerance_used;
        let mut largest: Option<(usize, Alone)> = None;
        for (index, pair) in pairs.iter().enumerate() {
            if self.same_graph && pair.within {
                continue;
            }
            let parts = self.parts(index, &given, &arrays);
            if !self.same_graph && alike(&parts[0], &parts[1]) {
                continue;
            }
            let Some(alone) = self.alone(index, parts, &arrays) else {
                continue;
            };
            let beyond = !alone.pair.within;
            if beyond
                || largest
                    .as_ref()
                    .is_none_or(|(_, most)| used(&alone) > used(most))
            {
                largest = Some((index, alone));
            }
            if beyond {
                break;
            }
        }
        // Two models differ where they are written differently; two engines differ a little everywhere.
        let (index, alone) = match largest {
            Some((index, alone))
                if !alone.pair.within || (!self.same_graph && used(&alone) > 0.0) =>
            {
                (index, Some(alone))
            }
            _ => (first, None),
        };
        Some(self.named(index, Some(pairs[index].clone()), alone, &arrays))
    }

    fn names(&self) -> HashSet<&str> {
        self.values.iter().map(|[a, _]| a.name.as_str()).collect()
    }

    /// The inputs of both models and the shown values by name.
    pub(crate) fn arrays(&self, values: Vec<Array>) -> HashMap<String, Array> {
        let inputs = [self.a.graph, self.b.graph].into_iter().flat_map(|graph| {
            let names = graph.free_inputs().map(|input| input.name.clone());
            names.zip(self.inputs.iter().cloned())
        });
        let names = self.values.iter().map(|[_, b]| b.name.clone());
        inputs.chain(names.zip(values)).collect()
    }

    pub(crate) fn parts(
        &self,
        index: usize,
        given: &HashSet<&str>,
        arrays: &HashMap<String, Array>,
    ) -> [Segment; 2] {
        let [of_a, of_b] = &self.values[index];
        let [types_a, types_b] = &self.types;
        [
            segment(self.a.graph, given, of_a, types_a, arrays),
            segment(self.b.graph, given, of_b, types_b, arrays),
        ]
    }

    /// Runs the parts on the same inputs; `None` where an engine cannot.
    pub(crate) fn alone(
        &mut self,
        index: usize,
        parts: [Segment; 2],
        arrays: &HashMap<String, Array>,
    ) -> Option<Alone> {
        let of = |part: &Segment| -> Option<Vec<Array>> {
            let arrays = part.inputs.iter().map(|name| arrays.get(name).cloned());
            arrays.collect()
        };
        let (for_a, for_b) = (of(&parts[0])?, of(&parts[1])?);
        let cut = |part: &Segment| Cut::Nodes {
            nodes: labels(&part.graph),
        };
        let x = self.a.run(&parts[0].graph, &for_a);
        let x = self.crashes.note(|| cut(&parts[0]), x)?.pop()?;
        let y = self.b.run(&parts[1].graph, &for_b);
        let y = self.crashes.note(|| cut(&parts[1]), y)?.pop()?;
        let pair = self.compare(index, &x, &y);
        let mut inputs: Vec<(String, Array)> = Vec::new();
        for (part, arrays) in parts.iter().zip([for_a, for_b]) {
            for (name, array) in part.inputs.iter().zip(arrays) {
                if !inputs.iter().any(|(known, _)| known == name) {
                    inputs.push((name.clone(), array));
                }
            }
        }
        Some(Alone {
            parts,
            inputs,
            pair,
        })
    }

    pub(crate) fn named(
        &self,
        index: usize,
        difference: Option<Pair>,
        alone: Option<Alone>,
        arrays: &HashMap<String, Array>,
    ) -> Divergence {
        let [of_a, of_b] = &self.values[index];
        let node = &self.a.graph.nodes[of_a.node];
        let other = &self.b.graph.nodes[of_b.node];
        let engines = [self.a.engine.name(), self.b.engine.name()];
        let cause = if self.same_graph {
            explain(self.a.graph, node, engines).map(str::to_owned)
        } else {
            changed(self.a.graph, self.b.graph, node, other)
        };
        let reproduced = alone.as_ref().filter(|alone| !alone.pair.within);
        let names = |alone: &Alone| labels(&alone.parts[0].graph);
        Divergence {
            node: node.label().to_owned(),
            op: node.op.clone(),
            value: of_a.name.clone(),
            difference,
            nodes: reproduced.map(names).unwrap_or_default(),
            inputs: statistics(self.a.graph, node, arrays),
            cause,
            alone: alone.as_ref().map(|alone| alone.pair.clone()),
            reduced: alone.map(|alone| {
                let [a, b] = alone.parts.map(|part| part.graph);
                ReducedModel {
                    a,
                    b,
                    inputs: alone.inputs,
                }
            }),
        }
    }
}

impl Search<'_> {
    /// What the sides compute for the value `index` when the model ends with it.
    pub(crate) fn up_to(&mut self, index: usize) -> Option<[Array; 2]> {
        let [of_a, of_b] = self.values[index].clone();
        let (open_a, open_b) = (
            opened(self.a.graph, &[&of_a]),
            opened(self.b.graph, &[&of_b]),
        );
        let cut = || Cut::UpTo {
            values: vec![of_a.name.clone()],
        };
        let x = self.a.run(&open_a, self.inputs);
        let x = self.crashes.note(cut, x)?.pop()?;
        let y = self.b.run(&open_b, self.inputs);
        let y = self.crashes.note(cut, y)?.pop()?;
        Some([x, y])
    }

    /// What the second side computes for `values`.
    pub(crate) fn shown_by_b(&mut self, values: &[&Shown]) -> Option<Vec<Array>> {
        let open = opened(self.b.graph, values);
        let cut = || Cut::UpTo {
            values: values.iter().map(|value| value.name.clone()).collect(),
        };
        let shown = self.b.run(&open, self.inputs);
        self.crashes.note(cut, shown)
    }
}

fn labels(graph: &Graph) -> Vec<String> {
    let nodes = graph.nodes.iter();
    nodes.map(|node| node.label().to_owned()).collect()
}

fn statistics(graph: &Graph, node: &Node, arrays: &HashMap<String, Array>) -> Vec<Statistics> {
    let of = |name: &str| {
        if let Some(array) = arrays.get(name) {
            return Some(Statistics::of(name, &array.dims, &array.values));
        }
        let tensor = graph.initializers.get(name)?;
        Some(Statistics::of(name, tensor.dims(), &tensor.to_f32().ok()?))
    };
    node.present_inputs().filter_map(of).collect()
}

/// What one model says of a node that the other says differently.
fn changed(a: &Graph, b: &Graph, node: &Node, other: &Node) -> Option<String> {
    let part = |graph: &Graph, node: &Node| {
        let mut part = Graph::new("part", graph.opset());
        let mut node = node.clone();
        node.name = "node".into();
        for name in node.present_inputs() {
            if let Some(tensor) = graph.initializers.get(name) {
                part.initializers.insert(name.to_owned(), tensor.clone());
            }
        }
        part.nodes.push(node);
        part
    };
    let diff = Diff::of(&part(a, node), &part(b, other));
    let weights = diff.initializers.changed.into_iter();
    let weights = weights.map(|change| format!("'{}': {}", change.name, change.what.join(", ")));
    let nodes = diff
        .nodes
        .changed
        .into_iter()
        .flat_map(|change| change.what);
    let what: Vec<String> = nodes.chain(weights).collect();
    (!what.is_empty()).then(|| format!("the models differ there: {}", what.join("; ")))
}
