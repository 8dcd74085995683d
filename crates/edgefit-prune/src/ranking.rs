//! [`Ranking`]: in which order the units of each group go, and what is lost with them.

use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::structure::Structure;

/// For each group the order in which its units are removed, and what is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    pub(crate) groups: Vec<Ranked>,
    /// Widths are multiples of so many channels.
    pub(crate) multiple: usize,
}

/// The units of a group in the order in which they go.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ranked {
    /// Those that may go, the most dispensable first; what is left of a group always stays.
    pub order: Vec<usize>,
    /// What is lost once the first of them, the first two and so on are gone; relative to the whole.
    pub losses: Vec<f64>,
}

/// How many units of each group are removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

impl Ranking {
    /// What is lost of a group, relative to the whole, if its `removed` most dispensable units go.
    pub fn loss(&self, group: usize, removed: usize) -> f64 {
        let losses = &self.groups[group].losses;
        match removed {
            0 => 0.0,
            _ => losses[removed.min(losses.len()) - 1],
        }
    }

    /// Widths of which each is the `share` of its group that is nearest to it.
    ///
    /// # Errors
    /// `share` is not above 0 and up to 1, or nothing goes.
    pub fn uniform(&self, structure: &Structure, share: f64) -> Result<Widths> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::Share { share });
        }
        let groups = structure.groups().iter().enumerate();
        let removed = groups.map(|(index, group)| {
            let (step, units) = (group.step(self.multiple), group.units.len());
            let wanted = share * units as f64;
            // A width that is no multiple stays reachable if nothing goes.
            let multiples = (step..=units).step_by(step).chain([units]);
            let far = |kept: usize| (kept as f64 - wanted).abs();
            let nearest = multiples
                .filter(|&kept| units - kept <= self.most(index))
                .min_by(|&a, &b| far(a).total_cmp(&far(b)).then(b.cmp(&a)));
            units - nearest.unwrap_or(units)
        });
        let removed: Vec<usize> = removed.collect();
        if removed.iter().all(|&removed| removed == 0) {
            return Err(Error::AllStay {
                share,
                multiple: self.multiple,
            });
        }
        Ok(Widths(removed))
    }

    /// Widths of which `cost` is at most `budget`, of whatever `unit` it counts: step by step, what loses
    /// least for what it saves goes.
    ///
    /// # Errors
    /// The budget is kept already, or cannot be reached.
    pub fn within(
        &self,
        structure: &Structure,
        cost: &dyn Fn(&Widths) -> u64,
        budget: u64,
        unit: &'static str,
    ) -> Result<Widths> {
        let steps: Vec<Vec<usize>> = (0..self.groups.len())
            .map(|group| self.steps(structure, group))
            .collect();
        let narrowest = steps.iter().map(|steps| steps.last().copied().unwrap_or(0));
        let least = cost(&Widths(narrowest.collect()));
        let mut widths = Widths(vec![0; steps.len()]);
        let mut has = cost(&widths);
        if budget >= has {
            return Err(Error::Kept { has, budget, unit });
        }
        if budget < least {
            return Err(Error::Unreachable {
                budget,
                least,
                has,
                unit,
            });
        }
        while has > budget {
            let mut best: Option<(f64, usize, usize, u64)> = None;
            for (group, steps) in steps.iter().enumerate() {
                let now = widths.0[group];
                for &next in steps.iter().filter(|&&next| next > now).take(LOOK_AHEAD) {
                    widths.0[group] = next;
                    let then = cost(&widths);
                    widths.0[group] = now;
                    let lost = self.loss(group, next) - self.loss(group, now);
                    let price = lost.max(0.0) / (has.saturating_sub(then)) as f64;
                    let better = best.is_none_or(|(least, ..)| price < least);
                    if then < has && better {
                        best = Some((price, group, next, then));
                    }
                }
            }
            // Where no single step saves anything, the widths are the narrowest that count.
            let Some((_, group, next, then)) = best else {
                return Err(Error::Unreachable {
                    budget,
                    least,
                    has,
                    unit,
                });
            };
            widths.0[group] = next;
            has = then;
        }
        Ok(widths)
    }

    /// What stays with `widths`.
    pub fn kept(&self, structure: &Structure, widths: &Widths) -> Kept {
        let mut kept = Kept::all(structure);
        for ((ranked, kept), &removed) in self.groups.iter().zip(&mut kept.0).zip(&widths.0) {
            for &unit in ranked.order.iter().take(removed) {
                kept[unit] = false;
            }
        }
        kept
    }

    /// How many units of a group may go.
    fn most(&self, group: usize) -> usize {
        self.groups[group].order.len()
    }

    /// Numbers of units whose removal leaves a multiple.
    fn steps(&self, structure: &Structure, index: usize) -> Vec<usize> {
        let group = &structure.groups()[index];
        let (step, units) = (group.step(self.multiple), group.units.len());
        let widths = (step..units).step_by(step);
        let removed = widths.rev().map(|kept| units - kept);
        removed
            .filter(|&removed| removed <= self.most(index))
            .collect()
    }
}

/// Steps that are looked ahead: a first one that costs much may open the way to cheap ones.
const LOOK_AHEAD: usize = 4;
