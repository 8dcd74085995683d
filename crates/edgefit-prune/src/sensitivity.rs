//! How much the outputs of the model change with what is lost of a group.

use edgefit_engine::Engine;
use edgefit_predict::{Comparison, Samples, outputs};

use crate::calibrated::Calibrated;
use crate::error::Result;
use crate::kept::Kept;
use crate::ranking::Ranking;

/// Samples that tell how much a group matters.
const SAMPLES: usize = 32;

impl Calibrated<'_> {
    /// Measures what each group means for the outputs, so that losses of different groups compare: half of it
    /// is removed, and its losses are scaled to the noise of the outputs that this makes, as a share of their
    /// energy. A run over a few of `samples` for each group.
    ///
    /// # Errors
    /// Those of the samples and the engine.
    pub fn weigh(
        &self,
        ranking: &mut Ranking,
        samples: &dyn Samples,
        engine: &mut dyn Engine,
    ) -> Result<()> {
        let structure = self.structure;
        let whole = outputs(&structure.graph, samples, SAMPLES, engine)?;
        for (group, ranked) in ranking.groups.iter_mut().enumerate() {
            let half = ranked.order.len().div_ceil(2);
            let Some(&loss) = half.checked_sub(1).and_then(|last| ranked.losses.get(last)) else {
                continue;
            };
            let mut kept = Kept::all(structure);
            for &unit in &ranked.order[..half] {
                kept.0[group][unit] = false;
            }
            let made = outputs(&self.prune(&kept)?, samples, SAMPLES, engine)?;
            let noise = 10f64.powf(-Comparison::of(&whole, &made, None).sqnr_db / 10.0);
            if loss > 0.0 && noise.is_finite() {
                for of_units in &mut ranked.losses {
                    *of_units *= noise / loss;
                }
            }
        }
        Ok(())
    }
}
