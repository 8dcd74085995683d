//! Where the values of a model lie in the arena of TensorFlow Lite for Microcontrollers, which takes such a plan from
//! the file (tflite-micro, docs/memory_management.md, "Offline planned tensor allocations").
//!
//! Its own planner places the largest values first and never moves them. Other interpreters do not read the plan.

use std::time::Duration;

use edgefit_cost::memory_plan::{Goal, Lifetime, SearchLimits, place};

use super::model::Model;
use super::tensor::Tensor;

/// Name under which the interpreter looks for the plan.
pub(super) const NAME: &str = "OfflineMemoryAllocation";

/// Version of its format.
const VERSION: i32 = 1;

/// The place of what does not lie in the arena.
const NONE: i32 = -1;

/// What the interpreter aligns values to.
const ALIGNMENT: u64 = 16;

/// The work of a plan, and no time: the same model gives the same file everywhere.
const LIMITS: SearchLimits = SearchLimits {
    work: SearchLimits::QUICK.work,
    time: Duration::MAX,
};

/// Where the values of a model lie.
pub(super) struct Arena {
    /// The first byte of each tensor.
    offsets: Vec<i32>,
    /// The end of the topmost one, aligned.
    pub bytes: u64,
}

impl Arena {
    /// The values of `model` where they take the least; none of them has a place where one would not fit 31 bits.
    pub fn of(model: &Model) -> Self {
        let values: Vec<usize> = (0..model.tensors.len())
            .filter(|&tensor| model.tensors[tensor].data.is_none())
            .collect();
        let lifetimes = lifetimes(model);
        let placed: Vec<Lifetime> = values.iter().map(|&at| lifetimes[at].clone()).collect();
        let plan = place(&placed, ALIGNMENT, Goal::Smallest, LIMITS);
        let mut offsets = vec![NONE; model.tensors.len()];
        if i32::try_from(plan.peak_bytes).is_ok() {
            for (&tensor, &offset) in values.iter().zip(&plan.offsets) {
                offsets[tensor] = offset as i32;
            }
        }
        Arena {
            offsets,
            bytes: plan.peak_bytes.next_multiple_of(ALIGNMENT),
        }
    }

    /// The plan as the interpreter reads it, for the only graph of the file.
    pub fn note(&self) -> Vec<u8> {
        let count = self.offsets.len() as i32;
        let head = [VERSION, 0, count];
        let words = head.iter().chain(&self.offsets);
        words.flat_map(|word| word.to_le_bytes()).collect()
    }
}

/// When each tensor is needed: from the operator that writes it to the last that reads it.
fn lifetimes(model: &Model) -> Vec<Lifetime> {
    let lifetime = |tensor: &Tensor| Lifetime {
        name: tensor.name.clone(),
        lower: 0,
        upper: 1,
        bytes: tensor.bytes_in_memory(),
    };
    let mut lifetimes: Vec<Lifetime> = model.tensors.iter().map(lifetime).collect();
    for (time, operator) in model.operators.iter().enumerate() {
        lifetimes[operator.output].lower = time;
        lifetimes[operator.output].upper = time + 1;
        for &input in &operator.inputs {
            lifetimes[input].upper = time + 1;
        }
    }
    lifetimes[model.output].upper = model.operators.len().max(1);
    lifetimes
}

#[cfg(test)]
mod tests {
    use super::super::schema::Builtin;
    use super::*;

    #[test]
    fn values_that_are_needed_at_once_lie_apart() {
        let mut model = Model::default();
        // In the order of their sizes they would take 64,800 bytes.
        let values: Vec<usize> = [7000, 4600, 4600, 9200, 100]
            .iter()
            .map(|&size| model.tensor(Tensor::of_floats("value", &[1, size])))
            .collect();
        let constant = model.tensor(Tensor::floats("constant".into(), &[1], &[1.0]));
        for pair in values.windows(2) {
            model.push((Builtin::Conv2d, 3), &[pair[0], constant], pair[1], None);
        }
        (model.input, model.output) = (values[0], values[4]);
        let arena = Arena::of(&model);
        assert_eq!(arena.bytes, 4 * (4600 + 9200));
        assert_eq!(arena.offsets[constant], NONE);
        let bytes = |at: usize| {
            let offset = arena.offsets[at] as u64;
            offset..offset + model.tensors[at].bytes_in_memory()
        };
        for pair in values.windows(2) {
            let (a, b) = (bytes(pair[0]), bytes(pair[1]));
            assert!(a.end <= b.start || b.end <= a.start, "{a:?} {b:?}");
            assert!(a.start.is_multiple_of(ALIGNMENT));
        }
        let note = arena.note();
        let words: Vec<i32> = note
            .chunks(4)
            .map(|word| i32::from_le_bytes(word.try_into().unwrap()))
            .collect();
        assert_eq!(words[..3], [VERSION, 0, 6]);
        assert_eq!(words[3..], arena.offsets);
    }
}
