//! Which networks are worth training.

use crate::candidate::WidthsBy;
use crate::network::Network;

/// Networks of one backbone at one resolution among those that are trained for their score.
const OF_A_KIND: usize = 2;

/// The places of at most `count` networks that fit: those with the best score, no more than two of a
/// backbone at one resolution; where `enough` accuracy is asked for, those of that score or more that take
/// least of the device, and after them the best.
pub fn best(networks: &[Network], enough: Option<f64>, count: usize) -> Vec<usize> {
    // Baselines compete in their own name.
    let is_baseline = |network: &Network| {
        let narrowed = network.narrowed.as_ref();
        narrowed.is_some_and(|narrowed| narrowed.by != WidthsBy::Cost)
    };
    let mut order: Vec<usize> = (0..networks.len())
        .filter(|&at| networks[at].fits() && !is_baseline(&networks[at]))
        .collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&networks[a], &networks[b]);
        let reaches = |network: &Network| enough.is_some_and(|enough| network.accuracy() >= enough);
        let by_share = a.share().total_cmp(&b.share());
        match (reaches(a), reaches(b)) {
            (true, true) => by_share,
            (true, false) => std::cmp::Ordering::Less,
            (false, true) => std::cmp::Ordering::Greater,
            (false, false) => b.accuracy().total_cmp(&a.accuracy()).then(by_share),
        }
    });
    let mut chosen: Vec<usize> = Vec::new();
    for at in order {
        let kind = |at: usize| (networks[at].backbone, networks[at].side);
        let alike = chosen.iter().filter(|&&other| kind(other) == kind(at));
        if alike.count() < OF_A_KIND {
            chosen.push(at);
        }
        if chosen.len() == count {
            break;
        }
    }
    chosen
}

/// Simpler ways, each with the best network that it finds.
pub fn baselines(networks: &[Network]) -> [(&'static str, Option<usize>); 4] {
    [
        ("resolution alone", by_resolution(networks)),
        ("depth alone", by_depth(networks)),
        ("uniform widths", by_widths(networks, WidthsBy::Uniform)),
        ("random widths", by_widths(networks, WidthsBy::Random)),
    ]
}

/// The best score that a smaller input alone reaches: whole networks.
fn by_resolution(networks: &[Network]) -> Option<usize> {
    most_accurate(networks, |network| {
        network.depth.cut.is_none() && network.narrowed.is_none()
    })
}

/// The best score that a cut alone reaches: networks for inputs of their own size.
fn by_depth(networks: &[Network]) -> Option<usize> {
    most_accurate(networks, |network| {
        network.is_native && network.narrowed.is_none()
    })
}

/// The best score that widths reach which are chosen otherwise.
fn by_widths(networks: &[Network], by: WidthsBy) -> Option<usize> {
    most_accurate(networks, |network| {
        let narrowed = network.narrowed.as_ref();
        narrowed.is_some_and(|narrowed| narrowed.by == by)
    })
}

/// The network that comes nearest to the device's budgets.
pub fn nearest(networks: &[Network]) -> Option<&Network> {
    networks
        .iter()
        .min_by(|a, b| a.share().total_cmp(&b.share()))
}

fn most_accurate(networks: &[Network], of: impl Fn(&Network) -> bool) -> Option<usize> {
    let all = networks.iter().enumerate();
    let fitting = all.filter(|(_, network)| network.fits() && of(network));
    let best = fitting.max_by(|(_, a), (_, b)| a.accuracy().total_cmp(&b.accuracy()));
    best.map(|(at, _)| at)
}

#[cfg(test)]
pub(crate) mod tests {
    use edgefit_device::ElementType;

    use super::*;
    use crate::depth::Depth;
    use crate::footprint::Footprint;
    use crate::linear_probe::Score;

    pub(crate) fn network(side: usize, cut: Option<&str>, share: f64, accuracy: f64) -> Network {
        Network {
            backbone: 0,
            side: Some(side),
            is_native: side == 224,
            fit: None,
            number: 1,
            depth: Depth {
                cut: cut.map(str::to_owned),
                features: Vec::new(),
                macs: 1,
            },
            narrowed: None,
            footprints: vec![Footprint {
                element_type: ElementType::Int8,
                ram_bytes: None,
                flash_bytes: None,
                latency_ns: None,
                patches: None,
                fits: share <= 1.0,
                share,
                has_ram: None,
                has_flash: None,
                short: Vec::new(),
                unknown: Vec::new(),
            }],
            score: Some(Score {
                accuracy,
                samples: 100,
            }),
        }
    }

    fn some() -> Vec<Network> {
        vec![
            network(224, None, 2.0, 0.99),
            network(224, Some("a"), 0.9, 0.5),
            network(128, None, 0.8, 0.8),
            network(128, Some("a"), 0.7, 0.9),
            network(128, Some("b"), 0.6, 0.85),
            network(96, Some("b"), 0.3, 0.7),
        ]
    }

    #[test]
    fn the_best_that_fit_are_chosen_and_not_all_of_a_kind() {
        assert_eq!(best(&some(), None, 3), [3, 4, 5]);
        assert_eq!(by_resolution(&some()), Some(2));
        assert_eq!(by_depth(&some()), Some(1));
    }

    #[test]
    fn where_an_accuracy_is_enough_the_smallest_that_reach_it_come_first() {
        assert_eq!(best(&some(), Some(0.82), 3), [4, 3, 5]);
    }
}
