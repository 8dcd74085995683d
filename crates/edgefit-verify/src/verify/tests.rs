//! The whole comparison with engines that are made up.

use edgefit_engine::{Array, Engine, EngineName, Error, InProcess, Result};
use edgefit_graph::{Dim, Graph, Node, ValueInfo};

use super::*;
use crate::cases::synthetic;
use crate::search_crash::Cut;
use crate::tolerance::Tolerance;

/// tract under another name, off by a little, whose process dies on graphs with several outputs.
struct Crashing(InProcess);

impl Engine for Crashing {
    fn name(&self) -> EngineName {
        EngineName::OnnxRuntime
    }

    fn load(&mut self, graph: &Graph) -> Result<()> {
        if graph.outputs.len() > 1 {
            return Err(Error::Crashed {
                engine: self.name(),
                detail: "out of luck".into(),
            });
        }
        self.0.load(graph)
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let mut outputs = self.0.run(inputs)?;
        for output in &mut outputs {
            output.values.iter_mut().for_each(|value| *value += 0.5);
        }
        Ok(outputs)
    }
}

fn graph() -> Graph {
    let mut graph = Graph::new("g", 17);
    let dims = || vec![Dim::Symbol("n".into()), Dim::Known(2)];
    graph.inputs.push(ValueInfo::f32("x", dims()));
    graph.outputs.push(ValueInfo::f32("y", dims()));
    graph.nodes = vec![
        Node::new("Tanh", "first", &["x"], &["t"]),
        Node::new("Tanh", "second", &["t"], &["y"]),
    ];
    graph
}

fn setting(graph: &Graph) -> Setting<'_> {
    Setting {
        graph,
        other: None,
        counterparts: None,
        tolerances: &[Tolerance::F32],
        only: None,
        execution: Execution::Fused,
    }
}

#[test]
fn a_search_that_is_left_out_is_told() {
    let told = |graph: &Graph, shapes: &[Vec<usize>]| {
        let cases = synthetic(graph, shapes, 0);
        let tract = Box::new(InProcess::new(EngineName::Tract, 1));
        let mut participants = [Participant::new(tract, None)];
        let (mut crashes, mut told) = (Crashes::default(), Vec::new());
        let setting = setting(graph);
        let found = faults(
            &cases,
            &setting,
            &mut participants,
            &mut crashes,
            &mut |words| told.push(words.to_owned()),
        );
        assert!(found.is_empty() && participants[0].runs(), "{found:?}");
        told.join("|")
    };
    let mut graph = graph();
    assert_eq!(told(&graph, &[vec![4, 2]]), "");
    // A factor for each of two elements is none for each of two samples.
    let mut scaled = graph.clone();
    let vector = vec![Dim::Known(2)];
    scaled.inputs.push(ValueInfo::f32("scale", vector));
    scaled.nodes = vec![Node::new("Mul", "multiply", &["x", "scale"], &["y"])];
    let words = told(&scaled, &[vec![2, 2], vec![2]]);
    assert!(words.contains("cannot be told to be samples"), "{words}");
    // The rows of a square are no samples.
    graph.inputs[0] = ValueInfo::f32("x", vec![Dim::Known(2); 2]);
    graph.outputs[0] = ValueInfo::f32("y", vec![Dim::Known(2); 2]);
    graph.nodes = vec![Node::new("MatMul", "square", &["x", "x"], &["y"])];
    let words = told(&graph, &[vec![2, 2]]);
    assert!(words.contains("does not take the first row"), "{words}");
}

#[test]
fn a_crash_in_the_search_is_in_the_report() {
    let graph = graph();
    let cases = synthetic(&graph, &[vec![4, 2]], 0);
    let setting = setting(&graph);
    let tract = || InProcess::new(EngineName::Tract, 1);
    let participants = vec![
        Participant::new(Box::new(tract()), None),
        Participant::new(Box::new(Crashing(tract())), None),
    ];
    let paths = ModelPaths {
        model: Path::new("m.onnx"),
        against: None,
    };
    let report = verify(&cases, &setting, participants, paths, &mut |_| ()).unwrap();
    assert_eq!(report.verdict, Verdict::Diverge);
    assert_eq!(report.first_divergence.as_ref().unwrap().node, "first");
    let [crash] = report.search_crashes.as_slice() else {
        panic!("{:?}", report.search_crashes)
    };
    assert_eq!(crash.engine, EngineName::OnnxRuntime);
    assert_eq!(
        (&crash.cut, crash.message.as_str()),
        (&Cut::AllValues, "out of luck")
    );
    // It ran the model itself on every input.
    assert!(
        report
            .engines
            .iter()
            .all(|engine| engine.status == Status::Ran)
    );
}
