//! [`WidthCost`]: what a network takes of the budgets, as a function of its widths.

use edgefit_cost::memory_plan::{ElementType as InMemory, Lifetime, MemoryPlan};
use edgefit_device::ElementType;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_prune::{Macs, Ranking, Structure, ValueWidths, Widths};

use crate::error::Result;
use crate::footprint::Footprint;

/// The unit of the largest share of a budget, of which widths are chosen: a millionth.
pub const WHOLE: f64 = 1e6;

/// The largest share of a budget that a network takes, as a function of its widths: counted, where
/// [`Footprint`] plans, because widths are tried by the thousand.
pub struct WidthCost<'s> {
    activations: ValueWidths,
    lifetimes: Vec<Lifetime>,
    weights: ValueWidths,
    weight_bytes: Vec<u64>,
    macs: Macs<'s>,
    /// What the unpruned network takes of each budget: RAM, flash, time.
    shares: [f64; 3],
    /// The same as it is counted here.
    whole: [f64; 3],
}

impl<'s> WidthCost<'s> {
    /// Of `structure` with the channels in the order of `ranking`, where the whole network takes what `form` says.
    ///
    /// # Errors
    /// Its shapes do not go together.
    pub fn of(
        structure: &'s Structure,
        ranking: &Ranking,
        form: &Footprint,
        latency_ns: Option<u64>,
    ) -> Result<Self> {
        let graph = structure.graph();
        let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
        let element = match form.element_type {
            ElementType::Int8 => InMemory::Int8,
            _ => InMemory::AsStored,
        };
        let lifetimes = MemoryPlan::of(graph, &inference, element).lifetimes;
        let names = lifetimes.iter().map(|life| life.name.as_str());
        let share = |need: Option<u64>, has: Option<u64>| match (need, has) {
            (Some(need), Some(has)) => need as f64 / has.max(1) as f64,
            _ => 0.0,
        };
        let mut cost = WidthCost {
            activations: ValueWidths::of(structure, ranking, names),
            weights: ValueWidths::of(
                structure,
                ranking,
                graph.initializers.keys().map(String::as_str),
            ),
            weight_bytes: graph
                .initializers
                .values()
                .map(|tensor| tensor.elements() as u64)
                .collect(),
            macs: Macs::of(structure, ranking)?,
            shares: [
                share(form.ram_bytes, form.has_ram),
                share(form.flash_bytes, form.has_flash),
                share(form.latency_ns, latency_ns),
            ],
            whole: [1.0; 3],
            lifetimes,
        };
        cost.whole = cost.counted(&Widths(vec![0; structure.groups().len()]));
        Ok(cost)
    }

    /// The largest share of a budget, in millionths.
    pub fn share(&self, widths: &Widths) -> u64 {
        let counted = self.counted(widths).into_iter();
        let shares = counted.zip(self.whole).zip(self.shares);
        let shares = shares.map(|((now, whole), share)| share * now / whole.max(1.0));
        (shares.fold(0.0, f64::max) * WHOLE) as u64
    }

    /// Activations alive at once, weights, and multiply-accumulates.
    fn counted(&self, widths: &Widths) -> [f64; 3] {
        let steps = self.lifetimes.iter().map(|life| life.upper).max();
        let mut alive = vec![0.0; steps.unwrap_or(0)];
        for (index, life) in self.lifetimes.iter().enumerate() {
            let bytes = life.bytes as f64 * self.activations.share(index, widths);
            for step in &mut alive[life.lower..life.upper] {
                *step += bytes;
            }
        }
        let weights = self.weight_bytes.iter().enumerate();
        let weights =
            weights.map(|(index, &bytes)| bytes as f64 * self.weights.share(index, widths));
        [
            alive.into_iter().fold(0.0, f64::max),
            weights.sum(),
            self.macs.with(widths) as f64,
        ]
    }
}
