//! Randomly damaged QDQ models: lowered, run and written as C, or refused; never a panic.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod qdq;

use edgefit_graph::{Attribute, Graph, Node};
use edgefit_micro::c::{Name, Parts, model};
use edgefit_micro::{ArenaPlan, Program, lower};
use qdq::{Qdq, conv, ints};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Most bytes of values that a test computes.
const MOST_BYTES: usize = 1 << 16;

/// A network with an op of each kind.
fn intact() -> Graph {
    let mut made = Qdq::new(&[4, 6, 5]);
    conv(&mut made, "x_q", "a", &[4, 4, 2, 2]);
    made.node(Node::new("Add", "", &["x_q", "a_q"], &["b"]));
    made.node(Node::new("Tanh", "", &["b_q"], &["t"]));
    let pool = Node::new("AveragePool", "", &["t_q"], &["p"])
        .with("kernel_shape", ints(&[2, 2]))
        .with("pads", ints(&[0, 0, 1, 1]))
        .with("count_include_pad", Attribute::Int(1));
    made.node(pool);
    let concat = Node::new("Concat", "", &["p_q", "a_q"], &["c"]);
    made.node(concat.with("axis", Attribute::Int(1)));
    made.node(Node::new("GlobalAveragePool", "", &["c_q"], &["g"]));
    made.node(Node::new("Mul", "", &["c_q", "g_q"], &["m"]));
    made.node(Node::new("Flatten", "", &["m_q"], &["f"]));
    made.weight("w", &[240, 3]);
    made.node(Node::new("MatMul", "", &["f_q", "w"], &["l"]));
    made.node(Node::new("Softmax", "", &["l_q"], &["y"]));
    made.graph("y_q")
}

/// Runs a program and writes it, unless damage made it more than a test should compute.
fn use_of(program: &Program) {
    let plan = ArenaPlan::in_one(program);
    let name = Name::default();
    let parts = Parts {
        program,
        plan: &plan,
        name: &name,
    };
    assert!(model(parts).iter().all(|file| file.text.is_ascii()));
    if program.values.iter().sum::<usize>() < MOST_BYTES {
        program.run(&vec![-128; program.values[program.input.value]]);
    }
}

fn damage(count: usize) {
    let intact = intact();
    use_of(&lower(&intact).unwrap());
    let bytes = intact.to_bytes();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut refused, mut lowered) = (0, 0);
    for _ in 0..count {
        let mut damaged = bytes.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..damaged.len());
            match random.random_range(0..3) {
                0 => damaged[at] = random.random(),
                1 => damaged[at] ^= 1 << random.random_range(0..8),
                _ => drop(damaged.remove(at)),
            }
        }
        let Ok(graph) = Graph::from_bytes(damaged) else {
            continue;
        };
        match lower(&graph) {
            Ok(program) => {
                use_of(&program);
                lowered += 1;
            }
            Err(_) => refused += 1,
        }
    }
    // Both ends are reached, or the damage says nothing.
    assert!(
        lowered > count / 50 && refused > count / 50,
        "{lowered} lowered, {refused} refused"
    );
}

#[test]
fn models_damaged_in_3000_ways() {
    damage(3_000);
}

#[test]
#[ignore = "takes 10 s"]
fn models_damaged_in_100000_ways() {
    damage(100_000);
}
