//! Whether a stage fits the memory that is free, and the largest batch that does.

use edgefit_base::units::format;
use edgefit_burn::Recomputation;
use serde::Serialize;

use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::stages::training_memory::{Recomputing, StageNeed};

/// Largest batch that is looked for.
const MOST: usize = 1 << 16;

/// The largest batch for which `need`, in bytes and growing with the batch, is at most `available`;
/// 0 if there is none.
///
/// # Errors
/// Those of `need`.
pub fn largest_batch(available: u64, mut need: impl FnMut(usize) -> Result<u64>) -> Result<usize> {
    let mut fits = |batch: usize| Ok::<_, Error>(need(batch)? <= available);
    let (mut fitting, mut failing) = (0, 1);
    while fits(failing)? {
        fitting = failing;
        if fitting == MOST {
            return Ok(fitting);
        }
        failing *= 2;
    }
    while failing - fitting > 1 {
        let middle = fitting + (failing - fitting) / 2;
        if fits(middle)? {
            fitting = middle;
        } else {
            failing = middle;
        }
    }
    Ok(fitting)
}

/// Memory of a stage, predicted and measured.
#[derive(Debug, Clone, Serialize)]
pub struct StageMemory {
    /// Name of the stage, such as `probe`.
    pub stage: StageName,
    /// Samples of a step.
    pub batch: usize,
    /// Peak resident set that was predicted before the stage.
    pub predicted_bytes: u64,
    /// Memory that it may take: what was asked for, or what was free.
    pub available_bytes: u64,
    /// Largest batch that fits into it, with all computed twice that it takes; none above 65,536 is looked for.
    pub largest_batch: usize,
    /// Multiplications of the forward pass that its steps do twice, so that less is kept for the backward pass: a
    /// share of all, from 0 to 1.
    pub recomputed: f64,
    /// Peak resident set of the process during the stage, where the system says.
    pub measured_peak_bytes: Option<u64>,
    /// What they do twice.
    #[serde(skip)]
    pub recomputation: Recomputation,
}

impl StageMemory {
    /// Holds what `need` says of `batch` against `available` bytes.
    ///
    /// # Errors
    /// It does not fit: [`Error::Memory`] with the batch that does.
    pub fn check(
        stage: StageName,
        batch: usize,
        available: u64,
        mut need: impl FnMut(usize, Recomputing) -> Result<StageNeed>,
    ) -> Result<Self> {
        let StageNeed {
            bytes: predicted,
            recomputation,
        } = need(batch, Recomputing::Within(available))?;
        // What takes least here is taken for other batches, too: all but the weights grows with the batch alike.
        let least = need(batch, Recomputing::Within(0))?.recomputation;
        let at_least = |batch| Ok(need(batch, Recomputing::This(&least))?.bytes);
        let largest = largest_batch(available, at_least)?;
        if predicted > available {
            return Err(Error::Memory {
                stage,
                batch,
                predicted,
                available,
                largest,
            });
        }
        Ok(StageMemory {
            stage,
            batch,
            predicted_bytes: predicted,
            available_bytes: available,
            largest_batch: largest,
            recomputed: recomputation.share(),
            measured_peak_bytes: None,
            recomputation,
        })
    }

    /// That it computes something twice, and what avoids it.
    pub(crate) fn remark(&self) -> String {
        format!(
            "stage {}: a batch of {} does not fit into {} otherwise, so {:.0} % of the forward pass is computed a \
             second time in the backward pass; a smaller --batch or more --memory avoids it",
            self.stage,
            self.batch,
            format::bytes(self.available_bytes),
            100.0 * self.recomputed,
        )
    }
}

/// Memory that is free for this process, within its control group.
///
/// # Errors
/// The system does not say.
pub fn available_bytes() -> Result<u64> {
    let host = edgefit_device::host()?;
    Ok(host.banks.iter().map(|bank| bank.free_bytes()).sum())
}

#[cfg(test)]
mod tests {
    use edgefit_graph::infer::InputShapes;

    use super::*;
    use crate::stages::linear_layer::linear;
    use crate::stages::training_memory::{Optimizer, TrainingMemory};

    #[test]
    fn the_largest_batch_is_right_at_its_edge() {
        let need = |batch: usize| Ok(1000 + 10 * batch as u64);
        for (available, largest) in [
            (0, 0),
            (1009, 0),
            (1010, 1),
            (1019, 1),
            (2239, 123),
            (2240, 124),
        ] {
            assert_eq!(
                largest_batch(available, need).unwrap(),
                largest,
                "{available}"
            );
        }
        assert_eq!(largest_batch(u64::MAX, need).unwrap(), MOST);
    }

    #[test]
    fn more_memory_never_fits_less_and_the_fix_is_named() {
        let head = linear(1280, &[0.0; 10]);
        let need = |batch: usize, _: Recomputing| {
            let inputs = InputShapes::bind(&head, batch, None)?;
            let memory = TrainingMemory::of(&head, &inputs, |_| true, Optimizer::Adam)?;
            Ok(StageNeed {
                bytes: memory.total_bytes,
                recomputation: Recomputation::default(),
            })
        };
        let mut last = 0;
        for available in (15_000_000..25_000_000).step_by(1_000_000) {
            let bytes = |batch| Ok(need(batch, Recomputing::Within(0))?.bytes);
            let largest = largest_batch(available, bytes).unwrap();
            assert!(largest >= last);
            last = largest;
        }
        assert!(last > 100);
        let error = StageMemory::check(StageName::Probe, last + 1, 24_000_000, need).unwrap_err();
        assert!(
            error.to_string().contains(&format!("--batch {last}")),
            "{error}"
        );
        assert!(StageMemory::check(StageName::Probe, last, 24_000_000, need).is_ok());
    }
}
