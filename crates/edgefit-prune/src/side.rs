//! [`Side`]: how many channels of a dimension are left with given widths.

use crate::channels::Labels;
use crate::ranking::{Ranking, Widths};
use crate::structure::Structure;

/// Channels along one dimension of a layer or a value.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub count: usize,
    /// For each group that has some of them, how many go with its first unit, its first two and so on.
    lost: Vec<(usize, Vec<usize>)>,
}

impl Side {
    /// `count` channels, of those that `labels` names.
    pub fn of(
        structure: &Structure,
        ranking: &Ranking,
        count: usize,
        labels: Option<&Labels>,
    ) -> Self {
        Side {
            count,
            lost: labels.map_or_else(Vec::new, |labels| lost(structure, ranking, labels)),
        }
    }

    /// How many are left.
    pub fn left(&self, widths: &Widths) -> usize {
        let lost = self
            .lost
            .iter()
            .map(|(group, lost)| match widths.0[*group] {
                0 => 0,
                removed => lost.get(removed - 1).copied().unwrap_or(0),
            });
        self.count - lost.sum::<usize>()
    }
}

fn lost(structure: &Structure, ranking: &Ranking, labels: &Labels) -> Vec<(usize, Vec<usize>)> {
    let mut made = Vec::new();
    for (group, ranked) in ranking.groups.iter().enumerate() {
        let mut counts = vec![0; structure.groups()[group].units.len()];
        for unit in structure.units_in(labels, group).into_iter().flatten() {
            counts[unit] += 1;
        }
        if counts.iter().any(|&count| count > 0) {
            let mut sum = 0;
            let lost = ranked.order.iter().map(|&unit| {
                sum += counts[unit];
                sum
            });
            made.push((group, lost.collect()));
        }
    }
    made
}
