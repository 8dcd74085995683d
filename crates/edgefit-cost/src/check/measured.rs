//! What was measured, in the place of what was predicted.

use edgefit_device::Engine;

use super::assessment::Assessment;
use super::budget::{Amounts, Budget, Resource};
use super::request::{Measured, Request};
use super::run_time;
use crate::basis::NeedBasis;
use crate::latency::LatencyFigure;

impl Assessment {
    /// Puts what was measured in the place of what was predicted.
    pub fn replace(&mut self, measured: &Measured, (request, engine): (&Request, Option<&Engine>)) {
        if let Some(peak) = measured.peak_rss_bytes {
            self.replace_ram(peak, &measured.by);
        }
        if let Some([ns, low_ns, high_ns]) = measured.run_ns {
            let figure = LatencyFigure {
                ns: Some(ns),
                low_ns,
                high_ns: Some(high_ns),
                basis: NeedBasis::Measured,
                engine: engine.map(|engine| engine.name.clone()),
                threads: request.threads,
            };
            self.layers.clear();
            for budget in &mut self.budgets {
                if let (Resource::Latency, Some(limit)) =
                    (budget.resource, request.limits.latency_ns)
                {
                    *budget = run_time::budget(Some(&figure), limit);
                }
            }
            self.latency = Some(figure);
        }
    }

    /// One process was measured, so one budget replaces all of RAM: in the bank that was expected to
    /// take most.
    fn replace_ram(&mut self, peak: u64, by: &str) {
        let of_ram = |budget: &Budget| budget.resource == Resource::Ram;
        let expected = self.budgets.iter().filter(|budget| of_ram(budget));
        let Some((have, place)) = expected
            .filter_map(|budget| match budget.amounts {
                Amounts::Bytes { have_bytes, .. } => Some((have_bytes, budget.place.clone())),
                Amounts::Time { .. } => None,
            })
            .max_by_key(|(have, _)| *have)
        else {
            return;
        };
        let first = self.budgets.iter().position(of_ram).unwrap_or_default();
        self.budgets.retain(|budget| !of_ram(budget));
        let words = format!("peak of {by}");
        let mut budget = Budget::bytes(Resource::Ram, Some(peak), have, &place, words);
        budget.basis = NeedBasis::Measured;
        self.budgets.insert(first, budget);
    }
}
