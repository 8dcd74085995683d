//! Sums and products of two values.

use edgefit_graph::ops::Binary;

use super::view::{Builder, View};
use super::weighted::Written;
use crate::fixed_point::Multiplier;
use crate::ops::{Add, Broadcast, Mul, Op};
use crate::program::Source;

/// `function` of two values, which are broadcast as in NumPy.
pub(super) fn elementwise(
    builder: &mut Builder,
    node: &str,
    function: Binary,
    [a, b]: [&View; 2],
    written: &Written,
) -> Result<View, String> {
    let rank = written.dims.len();
    let [a, b] = [a, b].map(|view| view.clone().widened(rank));
    // In the order of the larger one, so that the smaller is moved.
    let order = if a.elements() >= b.elements() {
        a.order.clone()
    } else {
        b.order.clone()
    };
    let a = builder.arranged(node, &a, &order)?;
    let b = builder.arranged(node, &b, &order)?;
    let broadcast = broadcast(&written.dims, &order, [&a, &b])?;
    let (left, right) = (a.quantization, b.quantization);
    let [input, other] = [left.scale, right.scale].map(f64::from);
    let output = f64::from(written.quantization.scale);
    let input_zero_points = [left.zero_point, right.zero_point];
    let output_zero_point = written.quantization.zero_point;
    let op = match function {
        Binary::Add => {
            let twice = 2.0 * input.max(other);
            Op::Add(Add {
                broadcast,
                input_zero_points,
                input_multipliers: [input, other].map(|scale| Multiplier::of(scale / twice)),
                multiplier: Multiplier::of(twice / (f64::from(1 << 20) * output)),
                output_zero_point,
                limits: written.limits,
            })
        }
        Binary::Mul => Op::Mul(Mul {
            broadcast,
            input_zero_points,
            multiplier: Multiplier::of(input * other / output),
            output_zero_point,
            limits: written.limits,
        }),
        _ => return Err("there is no kernel for it; there are ones for Add and Mul".into()),
    };
    let inputs = [&a, &b];
    if inputs
        .iter()
        .all(|input| matches!(input.source, Source::Constant(_)))
    {
        return Err("both of its inputs are constants; fold them".into());
    }
    let mut made = View {
        source: a.source.clone(),
        quantization: written.quantization,
        dims: written.dims.clone(),
        order,
    };
    made.source = builder.push(node, op, &inputs, made.ty().into())?;
    Ok(made)
}

/// How the elements of two views meet in a result of shape `dims` that lies in `order`.
fn broadcast(dims: &[usize], order: &[usize], views: [&View; 2]) -> Result<Broadcast, String> {
    let strides = views.map(|view| {
        let strides = view.strides();
        let repeated = |&axis: &usize| {
            if view.dims[axis] == 1 {
                0
            } else {
                strides[axis]
            }
        };
        order.iter().map(repeated).collect::<Vec<usize>>()
    });
    let mut sizes: Vec<usize> = Vec::new();
    let mut steps: Vec<[usize; 2]> = Vec::new();
    // From the fastest on, dimensions that go on where the one before ends are one.
    for (at, &axis) in order.iter().enumerate().rev() {
        let (size, step) = (dims[axis], [strides[0][at], strides[1][at]]);
        if size == 1 {
            continue;
        }
        if let (Some(inner), Some(inner_step)) = (sizes.last_mut(), steps.last())
            && (0..2).all(|operand| step[operand] == inner_step[operand] * *inner)
        {
            *inner *= size;
            continue;
        }
        sizes.push(size);
        steps.push(step);
    }
    if sizes.len() > 4 {
        return Err("it broadcasts over more than 4 dimensions".into());
    }
    let mut made = Broadcast {
        dims: [1; 4],
        strides: [[0; 4]; 2],
    };
    for (at, (size, step)) in sizes.into_iter().zip(steps).enumerate() {
        made.dims[3 - at] = size;
        made.strides[0][3 - at] = step[0];
        made.strides[1][3 - at] = step[1];
    }
    Ok(made)
}
