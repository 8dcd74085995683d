//! QDQ graphs into programs: which ops come out, where bytes have to move, and what is refused.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod qdq;

use edgefit_graph::{Attribute, DataType, Dim, Graph, Node, Tensor, ValueInfo, ValueType};
use edgefit_micro::ops::Op;
use edgefit_micro::{Error, Multiplier, Program, Source, lower};
use qdq::{Qdq, conv, ints};

fn lowered(made: &Qdq, output: &str) -> Program {
    lower(&made.graph(output)).unwrap()
}

fn moves(program: &Program) -> usize {
    let steps = program.steps.iter();
    steps
        .filter(|step| matches!(step.op, Op::Transpose(_)))
        .count()
}

fn refusals(graph: &Graph) -> Vec<(String, String)> {
    let Err(Error::Unsupported(refusals)) = lower(graph) else {
        panic!("it was not refused");
    };
    let refusals = refusals.into_iter();
    refusals
        .map(|refusal| (refusal.op, refusal.reason))
        .collect()
}

#[test]
fn channels_move_only_where_a_matrix_reads_an_image() {
    let mut made = Qdq::new(&[3, 5, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    conv(&mut made, "a_q", "b", &[6, 6, 1, 1]);
    let program = lowered(&made, "b_q");
    assert_eq!(program.input.dims, [1, 5, 4, 3]);
    assert_eq!(moves(&program), 0);
    let mut pooled = Qdq(made.0.clone());
    pooled.node(Node::new("GlobalAveragePool", "", &["b_q"], &["p"]));
    pooled.node(Node::new("Flatten", "", &["p_q"], &["f"]));
    pooled.weight("w", &[6, 2]);
    pooled.node(Node::new("MatMul", "", &["f_q", "w"], &["y"]));
    assert_eq!(moves(&lowered(&pooled, "y_q")), 0);
    made.node(Node::new("Flatten", "", &["b_q"], &["f"]));
    made.weight("w", &[180, 2]);
    made.node(Node::new("MatMul", "", &["f_q", "w"], &["y"]));
    // The columns of the matrix are moved instead.
    let program = lowered(&made, "y_q");
    assert_eq!(moves(&program), 0);
    // Behind the flat values themselves they are not.
    let mut product = Qdq(made.0.clone());
    product.node(Node::new("Tanh", "", &["f_q"], &["t"]));
    product.weight("v", &[180, 2]);
    product.node(Node::new("MatMul", "", &["t_q", "v"], &["z"]));
    let moved = lowered(&product, "z_q");
    assert_eq!(moves(&moved), 1);
    let input: Vec<i8> = (0..60).map(|at| (at * 17) as u8 as i8).collect();
    // Column by column: what the flat values give with a matrix of one weight.
    let flat = lowered(&made, "f_q").run(&input);
    let Some(Op::FullyConnected(op)) = program.steps.last().map(|step| &step.op) else {
        panic!("{program:?}");
    };
    let mut image = lowered(&made, "b_q").run(&input);
    assert_eq!(image.len(), flat.len());
    assert_ne!(image, flat);
    let plain: Vec<i8> = (0..360).map(|at| (at * 29 % 255) as u8 as i8).collect();
    for channel in 0..2 {
        let stored = (0..180).map(|row| i32::from(plain[row * 2 + channel]) * i32::from(flat[row]));
        let own = op.weights[channel * 180..][..180].iter().zip(&mut image);
        let own = own.map(|(&weight, value)| i32::from(weight) * i32::from(*value));
        assert_eq!(own.sum::<i32>(), stored.sum::<i32>());
    }
}

#[test]
fn a_model_that_takes_channels_last_loses_its_transposition() {
    let mut made = Qdq::new(&[6, 5, 3]);
    made.node(Node::new("Transpose", "", &["x_q"], &["t"]).with("perm", ints(&[0, 3, 1, 2])));
    // Their scales differ, so that bytes are made anew, but none moves.
    conv(&mut made, "t_q", "a", &[4, 3, 2, 2]);
    let program = lowered(&made, "a_q");
    assert_eq!(program.input.dims, [1, 6, 5, 3]);
    assert_eq!(moves(&program), 0);
    assert!(matches!(program.steps[0].op, Op::Table(_)));
}

#[test]
fn a_model_that_gives_channels_last_loses_its_transposition() {
    let mut made = Qdq::new(&[3, 5, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    made.node(Node::new("Transpose", "", &["a_q"], &["t"]).with("perm", ints(&[0, 2, 3, 1])));
    let program = lowered(&made, "t_q");
    assert_eq!(program.output.dims, [1, 5, 4, 6]);
    assert_eq!(moves(&program), 0);
}

#[test]
fn an_output_in_the_order_of_the_model_but_for_dimensions_of_1_is_not_transposed() {
    let mut made = Qdq::new(&[3, 1, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    made.node(Node::new("Transpose", "", &["a_q"], &["t"]).with("perm", ints(&[0, 3, 1, 2])));
    let program = lowered(&made, "t_q");
    assert_eq!(program.output.dims, [1, 4, 6, 1]);
    assert_eq!(program.output.order, [0, 1, 2, 3]);
    assert_eq!(moves(&program), 0);
}

#[test]
fn an_activation_is_a_limit_of_the_op_before_it() {
    let mut made = Qdq::new(&[3, 5, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    let program = lowered(&made, "a_q");
    let Op::Conv(op) = &program.steps[0].op else {
        panic!("{:?}", program.steps[0].op);
    };
    assert_eq!(program.steps.len(), 1);
    assert_eq!(op.layer.limits, [3, 127]);
    assert!(program.run(&[0; 60]).iter().all(|&byte| byte >= 3));
}

#[test]
fn depthwise_and_pointwise_are_ops_of_their_own() {
    let mut made = Qdq::new(&[4, 5, 4]);
    made.weight("w", &[8, 1, 3, 3]);
    let node = Node::new("Conv", "", &["x_q", "w"], &["d"]);
    made.node(node.with("group", Attribute::Int(4)));
    made.weight("v", &[2, 8, 1, 1]);
    made.node(Node::new("Conv", "", &["d_q", "v"], &["y"]));
    let program = lowered(&made, "y_q");
    assert!(matches!(&program.steps[0].op, Op::Depthwise(op) if op.output.channels == 8));
    assert!(matches!(&program.steps[1].op, Op::Conv(op) if op.is_pointwise()));
}

#[test]
fn one_scale_of_a_matrix_is_multiplied_in_32_bits() {
    let mut made = Qdq::new(&[6]);
    made.weight("w", &[6, 2]);
    made.node(Node::new("MatMul", "", &["x_q", "w"], &["y"]));
    let program = lowered(&made, "y_q");
    let Op::FullyConnected(op) = &program.steps[0].op else {
        panic!("{program:?}");
    };
    let wanted = Multiplier::of(f64::from(0.05f32 * 0.01f32) / f64::from(0.1f32));
    assert_eq!(op.layer.multipliers, [wanted; 2]);
    assert_ne!(
        wanted,
        Multiplier::of(f64::from(0.05f32) * f64::from(0.01f32) / f64::from(0.1f32))
    );
}

#[test]
fn elements_that_are_broadcast_meet() {
    let mut made = Qdq::new(&[3, 2, 2]);
    made.node(Node::new("GlobalAveragePool", "", &["x_q"], &["p"]));
    made.node(Node::new("Sigmoid", "", &["p_q"], &["g"]));
    made.node(Node::new("Mul", "", &["x_q", "g_q"], &["m"]));
    let program = lowered(&made, "m_q");
    // Channel 1 is scaled by another gate than channel 0: 1/(1 + e^-x) of 0 and of 2.
    let input = [3, 43, 3, 3, 43, 3, 3, 43, 3, 3, 43, 3];
    let output = program.run(&input);
    let gate = 1.0 / (1.0 + (-2.0f64).exp());
    let wanted = (2.0 * gate / 0.1).round() as i8 + 3;
    assert!(output[1].abs_diff(wanted) <= 1, "{output:?} {wanted}");
    assert_eq!([output[0], output[2]], [3, 3]);
}

#[test]
fn padding_that_counts_is_read_from_a_padded_value() {
    let mut made = Qdq::new(&[1, 2, 2]);
    let pool = Node::new("AveragePool", "", &["x_q"], &["p"])
        .with("kernel_shape", ints(&[2, 2]))
        .with("pads", ints(&[1, 1, 0, 0]))
        .with("count_include_pad", Attribute::Int(1));
    made.node(pool);
    let program = lowered(&made, "p_q");
    assert!(matches!(program.steps[0].op, Op::Pad(_)));
    // 2 in one of four elements is 1/2, which is 5 steps of 0.1.
    let output = program.run(&[43, 3, 3, 3]);
    assert_eq!(output, [8, 8, 8, 8]);
}

#[test]
fn a_mean_of_a_window_past_the_padding_is_refused_where_it_is_of_what_is_there() {
    let mut made = Qdq::new(&[1, 3, 3]);
    let pool = Node::new("AveragePool", "", &["x_q"], &["p"])
        .with("kernel_shape", ints(&[2, 2]))
        .with("strides", ints(&[2, 2]))
        .with("ceil_mode", Attribute::Int(1))
        .with("count_include_pad", Attribute::Int(1));
    made.node(pool);
    assert_eq!(lowered(&made, "p_q").output.dims, [1, 2, 2, 1]);
    made.0.opsets.insert(String::new(), 19);
    let refused = refusals(&made.graph("p_q"));
    assert!(refused[0].1.contains("ceil_mode"), "{refused:?}");
}

#[test]
fn a_function_of_a_constant_is_computed() {
    let mut made = Qdq::new(&[3, 2, 2]);
    made.weight("k", &[1, 3, 1, 1]);
    made.node(Node::new("Neg", "", &["k"], &["n"]));
    made.node(Node::new("Add", "", &["x_q", "n_q"], &["y"]));
    let program = lowered(&made, "y_q");
    // 0, −0.29 and −0.58 in steps of 0.1 from 3 on.
    let constant = Source::Constant(vec![3, 0, -3]);
    assert_eq!(program.steps[0].inputs[1], constant);
}

#[test]
fn a_constant_lies_as_what_it_is_joined_with() {
    let mut made = Qdq::new(&[3, 2, 2]);
    made.weight("k", &[1, 2, 2, 2]);
    let concat = Node::new("Concat", "", &["k", "x_q"], &["y"]);
    made.node(concat.with("axis", Attribute::Int(1)));
    assert_eq!(moves(&lowered(&made, "y_q")), 0);
}

#[test]
fn what_no_output_depends_on_is_left_out() {
    let mut made = Qdq::new(&[3, 5, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    made.node(Node::new("Tanh", "", &["a_q"], &["t"]));
    made.node(Node::new("GlobalMaxPool", "", &["t_q"], &["b"]));
    assert_eq!(lowered(&made, "a_q").steps.len(), 1);
}

#[test]
fn rows_and_columns_are_repeated() {
    let mut made = Qdq::new(&[2, 2, 2]);
    let scales = Tensor::from_values(vec![4], &[1f32, 1.0, 2.0, 3.0]);
    made.0.initializers.insert("scales".into(), scales);
    let resize = Node::new("Resize", "", &["x_q", "", "scales"], &["r"])
        .with("coordinate_transformation_mode", "asymmetric".into())
        .with("nearest_mode", "floor".into());
    made.node(resize);
    let program = lowered(&made, "r_q");
    let output = program.run(&[3, 23, 43, 63, 63, 43, 23, 3]);
    // Scale 0.05 becomes 0.1: 23 − 3 is 20 steps of the one and 10 of the other.
    let row = |left: [i8; 2], right: [i8; 2]| [left.repeat(3), right.repeat(3)].concat();
    let (upper, lower) = (row([3, 13], [23, 33]), row([33, 23], [13, 3]));
    assert_eq!(output, [&upper[..], &upper, &lower, &lower].concat());
}

#[test]
fn all_that_has_no_integer_form_is_listed_with_the_fix() {
    let mut made = Qdq::new(&[3, 4, 4]);
    made.node(Node::new("Sub", "", &["x_q", "x_q"], &["a"]));
    made.node(Node::new("GlobalMaxPool", "", &["x_q"], &["b"]));
    made.node(Node::new("Mod", "", &["a_q", "b_q"], &["y"]));
    let refused = refusals(&made.graph("y_q"));
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(
        refused
            .iter()
            .all(|(_, reason)| reason.contains("no integer kernel"))
    );
    // What depends on them is not their fault.
    assert!(refused.iter().all(|(_, reason)| !reason.contains("Mod")));
}

#[test]
fn a_function_behind_a_pool_wants_a_quantisation_between() {
    let mut made = Qdq::new(&[3, 4, 4]);
    let pool = Node::new("GlobalAveragePool", "", &["x_q"], &["p"]);
    made.0.nodes.push(pool);
    made.node(Node::new("Relu", "", &["p"], &["r"]));
    let refused = refusals(&made.graph("r_q"));
    let (op, reason) = &refused[0];
    assert_eq!(op, "GlobalAveragePool");
    assert!(
        reason.contains("QuantizeLinear has to stand between"),
        "{reason}"
    );
}

#[test]
fn floats_between_integers_are_refused() {
    let mut made = Qdq::new(&[3, 4, 4]);
    made.weight("w", &[3, 3, 1, 1]);
    made.0
        .nodes
        .push(Node::new("Conv", "c", &["x_q", "w"], &["c"]));
    made.node(Node::new("Add", "", &["x_q", "c"], &["y"]));
    let refused = refusals(&made.graph("y_q"));
    assert!(
        refused[0].1.contains("floats of node 'c' (Conv)"),
        "{refused:?}"
    );
    let last = lower(&made.graph("c")).unwrap_err().to_string();
    assert!(last.contains("'c' (Conv)"), "{last}");
}

#[test]
fn what_a_program_does_not_take_is_said() {
    let says = |graph: &Graph, words: &str| {
        let error = lower(graph).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let mut made = Qdq::new(&[3, 4, 4]);
    conv(&mut made, "x_q", "a", &[6, 3, 2, 2]);
    let good = made.graph("a_q");
    let mut floats = Graph::new("floats", 17);
    floats.inputs = good.inputs.clone();
    floats.nodes.push(Node::new("Relu", "", &["x"], &["y"]));
    floats.outputs.push(ValueInfo::float("y"));
    says(&floats, "quantise it first");
    let mut batch = good.clone();
    batch.inputs[0] = ValueInfo::f32("x", [4, 3, 4, 4].map(Dim::Known).to_vec());
    says(&batch, "is for batches of 4");
    let mut scheme = good.clone();
    let entry = r#"{"scheme":"esp-dl"}"#;
    scheme
        .metadata
        .insert("edgefit.quantization".into(), entry.into());
    says(&scheme, "in the scheme 'esp-dl'");
    let mut unsigned = good.clone();
    let zero = Tensor::from_values(vec![], &[3u8]);
    unsigned.initializers.insert("x_z".into(), zero);
    says(&unsigned, "as uint8");
    let mut bytes = good.clone();
    bytes.inputs[0].ty = ValueType::Tensor {
        dtype: DataType::U8,
        dims: bytes.inputs[0].dims().map(<[Dim]>::to_vec),
    };
    says(&bytes, "takes uint8");
    let mut two = good.clone();
    two.outputs.push(ValueInfo::float("a_q"));
    two.outputs[1].name = "x_q".into();
    says(&two, "there are 2; a program has one");
}

#[test]
fn sums_that_leave_32_bits_are_refused() {
    let mut made = Qdq::new(&[70_000]);
    made.weight("w", &[70_000, 1]);
    let full = Tensor::from_values(vec![70_000, 1], &vec![127i8; 70_000]);
    made.0.initializers.insert("w_i".into(), full);
    made.node(Node::new("MatMul", "", &["x_q", "w"], &["y"]));
    let refused = refusals(&made.graph("y_q"));
    assert!(refused[0].1.contains("leave 32 bits"), "{refused:?}");
}
