//! Which channels go first: by what their removal costs, by the size of their weights, or at random.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::calibrated::Calibrated;
use crate::elimination::Elimination;
use crate::error::Result;
use crate::intercept::center;
use crate::ranking::{Ranked, Ranking};
use crate::structure::{Group, Structure};
use crate::weight::Weight;

/// How the channels that go are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Those first whose removal changes least of what the layers that read them make, once these have made up
    /// for it.
    Reconstruction,
    /// Those first whose weights are smallest (Li et al. 2017, arXiv 1608.08710): the usual baseline.
    Magnitude,
    /// Any, by this seed: what every criterion has to beat (Li et al. 2022).
    Random(u64),
}

impl Calibrated<'_> {
    /// The order in which the units of each group go. Widths made of it are multiples of `multiple` channels.
    ///
    /// # Errors
    /// A weight is not of floats.
    pub fn rank(&self, selection: Selection, multiple: usize) -> Result<Ranking> {
        let structure = self.structure;
        let readers = match selection {
            Selection::Reconstruction => self.readers()?,
            _ => structure.groups().iter().map(|_| Vec::new()).collect(),
        };
        let groups = structure.groups().par_iter().zip(readers).enumerate();
        let groups = groups.map(|(index, (group, readers))| match selection {
            Selection::Reconstruction => Ok(by_reconstruction(group, readers)),
            Selection::Magnitude => {
                let scores = magnitudes(structure, index)?;
                Ok(by_scores(group, scores))
            }
            Selection::Random(seed) => {
                let mut scores: Vec<f64> = (0..group.units.len()).map(|at| at as f64).collect();
                let seed = seed.wrapping_add((index as u64) << 32);
                scores.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
                Ok(by_scores(group, scores))
            }
        });
        Ok(Ranking {
            groups: groups.collect::<Result<_>>()?,
            multiple,
        })
    }

    /// For each group the layers that read it.
    fn readers(&self) -> Result<Vec<Vec<Reader>>> {
        let structure = self.structure;
        let mut all: Vec<Vec<Reader>> = structure.groups().iter().map(|_| Vec::new()).collect();
        for layer in &structure.layers {
            let (Some(read), Some(inputs)) = (&layer.read, self.input_of(layer)) else {
                continue;
            };
            let weight = Weight::of(&structure.graph, layer)?;
            let center = center(&structure.graph, layer);
            let whole = Elimination::of(&weight, layer.groups, inputs, center);
            for (group, readers) in all.iter_mut().enumerate() {
                let units = structure.units_in(read, group);
                let places = units.iter().enumerate();
                let own: Vec<(usize, usize)> = places
                    .filter_map(|(place, unit)| Some((place, (*unit)?)))
                    .collect();
                if own.is_empty() {
                    continue;
                }
                let mut channels = vec![Vec::new(); structure.groups()[group].units.len()];
                for (at, (_, unit)) in own.iter().enumerate() {
                    channels[*unit].push(at);
                }
                let places: Vec<usize> = own.iter().map(|(place, _)| *place).collect();
                readers.push(Reader {
                    channels,
                    elimination: whole.part(&places),
                });
            }
        }
        Ok(all)
    }
}

/// Removes the cheapest unit, lets all its readers make up for it, and so on.
fn by_reconstruction(group: &Group, mut readers: Vec<Reader>) -> Ranked {
    let mut left = Left::of(group);
    let mut ranked = Ranked::default();
    let mut lost = 0.0;
    loop {
        let losses = left.removable().map(|unit| {
            let each = readers.iter().map(|reader| reader.loss(unit));
            (unit, each.sum::<f64>())
        });
        let Some((unit, loss)) = losses.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return ranked;
        };
        for reader in &mut readers {
            reader.remove(unit);
        }
        left.remove(unit);
        lost += loss;
        ranked.order.push(unit);
        ranked.losses.push(lost);
    }
}

/// A layer that reads a group, and the channels that it loses with each unit.
struct Reader {
    channels: Vec<Vec<usize>>,
    elimination: Elimination,
}

impl Reader {
    fn loss(&self, unit: usize) -> f64 {
        let channels = self.channels[unit].iter();
        channels
            .map(|&channel| self.elimination.loss(channel))
            .sum()
    }

    fn remove(&mut self, unit: usize) {
        for &channel in &self.channels[unit] {
            self.elimination.remove(channel);
        }
    }
}

/// What is left of a group.
struct Left {
    here: Vec<bool>,
    /// Of each cover how many units are left.
    covers: Vec<usize>,
    /// The covers that each unit is in.
    covers_of: Vec<Vec<usize>>,
}

impl Left {
    fn of(group: &Group) -> Self {
        let mut covers_of = vec![Vec::new(); group.units.len()];
        for (cover, units) in group.covers.iter().enumerate() {
            for &unit in units {
                covers_of[unit].push(cover);
            }
        }
        Left {
            here: vec![true; group.units.len()],
            covers: group.covers.iter().map(Vec::len).collect(),
            covers_of,
        }
    }

    /// Units that can go without leaving a layer with nothing.
    fn removable(&self) -> impl Iterator<Item = usize> {
        (0..self.here.len()).filter(|&unit| self.can_go(unit))
    }

    fn can_go(&self, unit: usize) -> bool {
        let mut covers = self.covers_of[unit].iter();
        self.here[unit] && covers.all(|&cover| self.covers[cover] > 1)
    }

    fn remove(&mut self, unit: usize) {
        self.here[unit] = false;
        for &cover in &self.covers_of[unit] {
            self.covers[cover] -= 1;
        }
    }
}

/// The units in the order of their scores, the lowest first.
fn by_scores(group: &Group, scores: Vec<f64>) -> Ranked {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut left = Left::of(group);
    let mut ranked = Ranked::default();
    let mut lost = 0.0;
    for unit in order {
        if left.can_go(unit) {
            left.remove(unit);
            lost += scores[unit];
            ranked.order.push(unit);
            ranked.losses.push(lost);
        }
    }
    ranked
}

/// Of each unit the sum of the magnitudes of the weights that make it, as a share of those of its layers.
fn magnitudes(structure: &Structure, group: usize) -> Result<Vec<f64>> {
    let mut scores = vec![0.0; structure.groups()[group].units.len()];
    for layer in &structure.layers {
        let units = structure.units_in(&layer.made, group);
        if units.iter().all(Option::is_none) {
            continue;
        }
        let weight = Weight::of(&structure.graph, layer)?;
        let whole: f64 = weight
            .values
            .iter()
            .map(|value| f64::from(value.abs()))
            .sum();
        for (made, unit) in units.into_iter().enumerate() {
            let Some(unit) = unit else {
                continue;
            };
            let reads = 0..weight.width();
            let elements = reads.flat_map(|read| (0..weight.taps).map(move |tap| (read, tap)));
            let sizes = elements.map(|(read, tap)| weight.values[weight.at(made, read, tap)].abs());
            let size: f64 = sizes.map(f64::from).sum();
            scores[unit] += size / whole.max(f64::MIN_POSITIVE);
        }
    }
    Ok(scores)
}
