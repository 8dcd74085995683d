//! Transpositions in front of a matrix go into its weights.

use crate::ops::{FullyConnected, Op, Transpose};
use crate::program::{Program, Source};

/// Takes out every transposition whose result only a product with one row reads: the columns of its weights are
/// put in the order in which the values lie.
pub(super) fn fold_transpositions(program: &mut Program) {
    let mut at = 0;
    while at < program.steps.len() {
        match folded(program, at) {
            Some((reader, op, source)) => {
                let types = program.steps[at].signature.inputs.clone();
                program.steps[reader].op = Op::FullyConnected(op);
                program.steps[reader].inputs = vec![source];
                program.steps[reader].signature.inputs = types;
                let gone = program.steps.remove(at).output;
                without_value(program, gone);
            }
            None => at += 1,
        }
    }
}

/// The step that reads the transposition `at`, as it is without it, and what it reads then.
fn folded(program: &Program, at: usize) -> Option<(usize, FullyConnected, Source)> {
    let step = &program.steps[at];
    let Op::Transpose(transpose) = &step.op else {
        return None;
    };
    let mut readers = (0..program.steps.len()).filter(|&reader| {
        program.steps[reader]
            .inputs
            .contains(&Source::Value(step.output))
    });
    let reader = readers.next()?;
    let is_output = program.output.value == step.output;
    let Op::FullyConnected(op) = &program.steps[reader].op else {
        return None;
    };
    if readers.next().is_some() || is_output || op.rows != 1 {
        return None;
    }
    let places = places(transpose);
    let mut made = op.clone();
    let rows = made.weights.chunks_exact_mut(op.inputs);
    for (to, from) in rows.zip(op.weights.chunks_exact(op.inputs)) {
        for (&place, &weight) in places.iter().zip(from) {
            to[place] = weight;
        }
    }
    Some((reader, made, step.inputs.first()?.clone()))
}

/// For each element of the result, where it lies in front of the transposition.
fn places(transpose: &Transpose) -> Vec<usize> {
    let mut places = vec![0];
    for (&size, &stride) in transpose.dims.iter().zip(&transpose.strides) {
        let steps = |&place: &usize| (0..size).map(move |at| place + at * stride);
        places = places.iter().flat_map(steps).collect();
    }
    places
}

/// Takes out a value that nothing writes or reads any more.
fn without_value(program: &mut Program, gone: usize) {
    program.values.remove(gone);
    let renumber = |value: &mut usize| *value -= usize::from(*value > gone);
    for step in &mut program.steps {
        renumber(&mut step.output);
        for source in &mut step.inputs {
            if let Source::Value(value) = source {
                renumber(value);
            }
        }
    }
    renumber(&mut program.input.value);
    renumber(&mut program.output.value);
}
