//! Randomly damaged models: of integers lowered, planned, run and written as C, of floats written for LiteRT, or
//! refused; never a panic.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod qdq;

use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
use edgefit_micro::c::{Name, Parts, model};
use edgefit_micro::patch::Placed;
use edgefit_micro::tflite::{Planning, float_file, verify};
use edgefit_micro::{ArenaPlan, InputBy, Program, lower};
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
        library: None,
    };
    assert!(model(parts).iter().all(|file| file.text.is_ascii()));
    if program.values.iter().sum::<usize>() < MOST_BYTES {
        let input = vec![-128; program.values[program.input.value]];
        let output = program.run(&input);
        for input_by in [InputBy::Whole, InputBy::Parts] {
            if let Ok(placed) = Placed::smallest(program, input_by) {
                assert_eq!(placed.program.run(&input), output);
            }
        }
    }
}

/// A network of floats with an op of each kind.
fn intact_floats() -> Graph {
    let mut graph = Graph::new("floats", 17);
    let sizes = [1, 4, 6, 5].map(Dim::Known);
    graph.inputs.push(ValueInfo::f32("x", sizes.to_vec()));
    graph.outputs.push(ValueInfo::float("y"));
    let mut constant = |name: &str, dims: &[usize]| {
        let values = vec![0.5f32; dims.iter().product()];
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert(name.into(), tensor);
    };
    constant("w", &[4, 4, 2, 2]);
    constant("d", &[4, 1, 3, 3]);
    constant("o", &[4, 1, 1]);
    for name in ["ns", "nb", "nm", "nv"] {
        constant(name, &[4]);
    }
    let scales = Tensor::from_values(vec![4], &[1f32, 1.0, 2.0, 2.0]);
    graph.initializers.insert("scales".into(), scales);
    let amounts = Tensor::from_values(vec![8], &[0i64, 0, 0, 0, 0, 0, 1, 0]);
    graph.initializers.insert("amounts".into(), amounts);
    let norm = ["s", "ns", "nb", "nm", "nv"];
    graph.nodes = vec![
        Node::new("Conv", "a", &["x", "w"], &["a"]).with("pads", ints(&[1, 0, 0, 1])),
        Node::new("Relu", "b", &["a"], &["b"]),
        Node::new("Conv", "c", &["b", "d"], &["c"])
            .with("group", Attribute::Int(4))
            .with("pads", ints(&[1, 1, 1, 1])),
        Node::new("HardSigmoid", "g", &["c"], &["g"]),
        Node::new("Mul", "m", &["g", "b"], &["m"]),
        Node::new("Sub", "s", &["m", "o"], &["s"]),
        Node::new("BatchNormalization", "n", &norm, &["n"]),
        Node::new("MaxPool", "p", &["n"], &["p"])
            .with("kernel_shape", ints(&[2, 2]))
            .with("strides", ints(&[2, 2])),
        Node::new("Resize", "r", &["p", "", "scales"], &["r"])
            .with("coordinate_transformation_mode", "asymmetric".into())
            .with("nearest_mode", "floor".into()),
        Node::new("Pad", "q", &["r", "amounts"], &["q"]),
        Node::new("Concat", "t", &["q", "q"], &["t"]).with("axis", Attribute::Int(1)),
        Node::new("Transpose", "u", &["q"], &["u"]).with("perm", ints(&[0, 2, 3, 1])),
        Node::new("Flatten", "f", &["t"], &["f"]),
        Node::new("MatMul", "l", &["f", "hh"], &["l"]),
        Node::new("Softmax", "y", &["l"], &["y"]),
    ];
    let columns = Tensor::from_values(vec![8 * 7 * 4, 3], &vec![0.1f32; 8 * 7 * 4 * 3]);
    graph.initializers.insert("hh".into(), columns);
    graph.check().unwrap();
    graph
}

fn damage(count: usize) {
    let intact = intact();
    use_of(&lower(&intact).unwrap());
    damaged(&intact, count, |graph| {
        lower(graph).is_ok_and(|program| {
            use_of(&program);
            true
        })
    });
    let intact = intact_floats();
    assert_eq!(
        float_file(&intact, Planning::InFile)
            .unwrap()
            .transpositions,
        0
    );
    damaged(&intact, count, |graph| {
        float_file(graph, Planning::InFile).is_ok_and(|file| {
            verify(&file.bytes).unwrap();
            true
        })
    });
}

/// Damages `intact` in `count` ways; `take` says whether a model was taken.
fn damaged(intact: &Graph, count: usize, take: impl Fn(&Graph) -> bool) {
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
        if take(&graph) {
            lowered += 1;
        } else {
            refused += 1;
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
#[ignore = "takes 40 s"]
fn models_damaged_in_100000_ways() {
    damage(100_000);
}
