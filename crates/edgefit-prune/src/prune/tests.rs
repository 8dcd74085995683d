//! What is left computes what it should.

use edgefit_graph::Tensor;

use super::*;
use crate::macs::totals;
use crate::networks::{chain, conv, engine, graph, network, node, run, samples, shuffled, stepped};
use crate::{Macs, Selection, Widths};

/// The model in which no layer reads a channel that goes: their columns are zero.
fn blinded(structure: &Structure, kept: &Kept) -> Graph {
    let mut graph = structure.graph.clone();
    for layer in &structure.layers {
        let Some(read) = layer.read.as_ref().filter(|_| makes_up(structure, layer)) else {
            continue;
        };
        let mut weight = crate::weight::Weight::of(&graph, layer).unwrap();
        for group in 0..layer.groups {
            for made in weight.made_by(group) {
                for at in 0..weight.width() {
                    let gone = !kept.keeps(structure, read[group * weight.width() + at]);
                    for tap in (0..weight.taps).filter(|_| gone) {
                        let place = weight.at(made, at, tap);
                        weight.values[place] = 0.0;
                    }
                }
            }
        }
        let name = graph.nodes[layer.node].inputs[layer.weight].clone();
        graph.initializers.insert(name, weight.tensor());
    }
    graph
}

fn assert_close(a: &[f32], b: &[f32], most: f32) {
    assert_eq!(a.len(), b.len());
    let size = b.iter().fold(1f32, |size, value| size.max(value.abs()));
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= most * size, "{a} is not {b}");
    }
}

#[test]
fn what_is_cut_out_is_what_nobody_reads() {
    for graph in [network(), shuffled(), stepped()] {
        let structure = Structure::of(&graph).unwrap();
        // Every other unit, then every third.
        for every in [2, 3] {
            let mut kept = Kept::all(&structure);
            for group in &mut kept.0 {
                for (at, kept) in group.iter_mut().enumerate() {
                    *kept = at % every == 0;
                }
            }
            let made = structure.without(&kept).unwrap();
            let inputs = &samples::<1>()[0];
            let expected = run(&blinded(&structure, &kept), inputs);
            assert_close(&run(&made, inputs), &expected, 1e-5);
            let macs = |graph: &Graph| totals(graph).unwrap().macs;
            assert!(macs(&made) <= macs(&structure.graph) / 2 + 1);
            let names = |graph: &Graph| -> Vec<String> {
                graph.nodes.iter().map(|node| node.name.clone()).collect()
            };
            assert!(names(&structure.graph).iter().all(|name| {
                name == "target"
                    || name == "shape"
                    || name == "batch"
                    || names(&made).contains(name)
            }));
        }
    }
}

#[test]
fn keeping_everything_changes_nothing() {
    let structure = Structure::of(&network()).unwrap();
    let samples = samples::<2>();
    let calibrated = Calibrated::new(&structure, &samples, &mut engine()).unwrap();
    let made = calibrated.prune(&Kept::all(&structure)).unwrap();
    assert_eq!(made.initializers.len(), structure.graph.initializers.len());
    assert_eq!(run(&made, &samples[0]), run(&network(), &samples[0]));
}

/// x → a convolution whose channels come in pairs of equal ones, one of each pair doubled and shifted → a
/// layer that reads them.
fn pairs() -> Graph {
    let mut graph = graph(&[4, 6, 6]);
    conv(&mut graph, "a", ["x", "a0"], [16, 4, 3], 1);
    node(&mut graph, "Identity", &["a0"], "carried");
    conv(&mut graph, "b", ["carried", "y"], [3, 16, 1], 1);
    for (name, row) in [("a.w", 36), ("a.b", 1)] {
        let tensor = &graph.initializers[name];
        let mut values = tensor.to_f32().unwrap();
        for channel in 0..8 {
            for at in 0..row {
                let shift = if row == 1 { 0.5 } else { 0.0 };
                values[(channel + 8) * row + at] = 2.0 * values[channel * row + at] + shift;
            }
        }
        let tensor = Tensor::from_values(tensor.dims().to_vec(), &values);
        graph.initializers.insert(name.into(), tensor);
    }
    graph
}

#[test]
fn what_is_told_twice_costs_nothing() {
    let graph = pairs();
    let structure = Structure::of(&graph).unwrap();
    let samples = samples::<8>();
    let calibrated = Calibrated::new(&structure, &samples, &mut engine()).unwrap();
    let ranking = calibrated.rank(Selection::Reconstruction, 8).unwrap();
    let widths = ranking.uniform(&structure, 0.5).unwrap();
    assert_eq!(widths, Widths(vec![8]));
    // One of each pair is left.
    let kept = ranking.kept(&structure, &widths);
    for channel in 0..8 {
        assert_ne!(kept.0[0][channel], kept.0[0][channel + 8]);
    }
    let whole = run(&graph, &samples[0]);
    let made = calibrated.prune(&kept).unwrap();
    assert_close(&run(&made, &samples[0]), &whole, 0.02);
    // Magnitude keeps the larger of each pair, and nothing makes up for the others.
    let magnitude = calibrated.rank(Selection::Magnitude, 8).unwrap();
    let kept = magnitude.kept(&structure, &magnitude.uniform(&structure, 0.5).unwrap());
    assert!(kept.0[0][8..].iter().all(|kept| *kept));
    let made = structure.without(&kept).unwrap();
    let far = run(&made, &samples[0]);
    assert!(far.iter().zip(&whole).any(|(a, b)| (a - b).abs() > 0.1));
}

#[test]
fn the_second_turn_knows_what_is_read_behind_the_first() {
    let structure = Structure::of(&chain()).unwrap();
    let samples = samples::<32>();
    let mut one = engine();
    let calibrated = Calibrated::new(&structure, &samples, &mut one).unwrap();
    let ranking = calibrated.rank(Selection::Reconstruction, 4).unwrap();
    let kept = ranking.kept(&structure, &ranking.uniform(&structure, 0.5).unwrap());
    let whole = run(&chain(), &samples[0]);
    let off = |graph: &Graph| -> f32 {
        let made = run(graph, &samples[0]);
        made.iter().zip(&whole).map(|(a, b)| (a - b).powi(2)).sum()
    };
    let at_once = calibrated.prune(&kept).unwrap();
    let in_turn = calibrated.prune_in_turn(&kept, &samples, &mut one);
    let in_turn = in_turn.unwrap();
    let blind = structure.without(&kept).unwrap();
    assert!(
        off(&at_once) < off(&blind),
        "{} {}",
        off(&at_once),
        off(&blind)
    );
    assert!(
        off(&in_turn) < off(&at_once),
        "{} {}",
        off(&in_turn),
        off(&at_once)
    );
}

#[test]
fn the_budget_is_what_the_model_takes() {
    let structure = Structure::of(&network()).unwrap();
    let samples = samples::<4>();
    let calibrated = Calibrated::new(&structure, &samples, &mut engine()).unwrap();
    let ranking = calibrated.rank(Selection::Reconstruction, 4).unwrap();
    let macs = Macs::of(&structure, &ranking).unwrap();
    let cost = |widths: &Widths| macs.with(widths);
    let whole = totals(&structure.graph).unwrap().macs;
    assert_eq!(cost(&Widths(vec![0; structure.groups().len()])), whole);
    for share in [0.9, 0.6, 0.4] {
        let budget = (share * whole as f64) as u64;
        let widths = ranking.within(&structure, &cost, budget, "MACs").unwrap();
        let made = structure
            .without(&ranking.kept(&structure, &widths))
            .unwrap();
        assert_eq!(totals(&made).unwrap().macs, cost(&widths));
        assert!(cost(&widths) <= budget);
    }
    let refused = |budget| {
        let error = ranking.within(&structure, &cost, budget, "MACs");
        error.unwrap_err().to_string()
    };
    assert!(refused(whole).contains("ask for less"));
    assert!(refused(1).contains("the least is"));
    assert!(ranking.uniform(&structure, 0.0).is_err());
    assert!(ranking.uniform(&structure, f64::NAN).is_err());
    let refused = ranking.uniform(&structure, 1.0).unwrap_err().to_string();
    assert!(refused.contains("no channel goes"), "{refused}");
}
