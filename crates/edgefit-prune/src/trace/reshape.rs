//! Where channels go when a tensor gets another shape.

use crate::channels::{Channels, Labels};
use crate::trace::Axes;

/// Channels of the shape `to`, of a tensor of the shape `from` with the channels `axes`; and those of
/// `axes` that cannot be followed.
pub(crate) fn reshaped(
    channels: &mut Channels,
    axes: &[Option<Labels>],
    from: &[usize],
    to: &[usize],
) -> (Axes, Vec<Labels>) {
    let mut made: Axes = vec![None; to.len()];
    let mut lost = Vec::new();
    for (inner, outer) in blocks(from, to) {
        let real = |dims: &[usize], axes: std::ops::Range<usize>| -> Vec<usize> {
            axes.filter(|&axis| dims[axis] > 1).collect()
        };
        let (inner, outer) = (real(from, inner), real(to, outer));
        let labelled: Vec<usize> = inner
            .iter()
            .copied()
            .filter(|&axis| axes[axis].is_some())
            .collect();
        match (labelled.as_slice(), inner.len(), outer.as_slice()) {
            ([], ..) => {}
            ([axis], 1, [same]) => made[*same].clone_from(&axes[*axis]),
            ([axis], 1, [first, .., last]) => {
                if let Some(labels) = &axes[*axis] {
                    let (axis, labels) = split(channels, labels, to, [*first, *last]);
                    made[axis] = Some(labels);
                }
            }
            ([axis], _, [whole]) => {
                if let Some(labels) = &axes[*axis] {
                    let block = &inner;
                    let after: usize = block
                        .iter()
                        .filter(|other| *other > axis)
                        .map(|&other| from[other])
                        .product();
                    let merged = (0..to[*whole]).map(|at| labels[at / after % labels.len()]);
                    made[*whole] = Some(merged.collect());
                }
            }
            (several, ..) => lost.extend(several.iter().filter_map(|&axis| axes[axis].clone())),
        }
    }
    (made, lost)
}

/// Channels of a dimension that is split into several, from the first to the last of `ends`: along the
/// first, if each run of them is one channel repeated, as behind a flatten. Else along the last, where
/// each stands for those at the same place of all runs, which then go together.
fn split(
    channels: &mut Channels,
    labels: &[u32],
    to: &[usize],
    [first, last]: [usize; 2],
) -> (usize, Labels) {
    let run = labels.len() / to[first];
    let is_run = |run: &[u32]| {
        let mut roots = run.iter().map(|&channel| channels.root(channel));
        let one = roots.next();
        roots.all(|root| Some(root) == one)
    };
    if labels.chunks_exact(run).all(is_run) {
        let firsts = labels.iter().copied().step_by(run);
        return (first, firsts.collect());
    }
    let (head, rest) = labels.split_at(to[last]);
    for run in rest.chunks_exact(to[last]) {
        channels.join_all(head, run);
    }
    (last, head.into())
}

/// Runs of dimensions of both shapes that hold the same elements, each as short as can be.
fn blocks(from: &[usize], to: &[usize]) -> Vec<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let mut made = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        let (start_i, start_j) = (i, j);
        let (mut a, mut b) = (1, 1);
        if i < from.len() {
            a = from[i];
            i += 1;
        }
        if j < to.len() {
            b = to[j];
            j += 1;
        }
        while a != b {
            let next = if a < b { from.get(i) } else { to.get(j) };
            let Some(&next) = next else {
                break;
            };
            if a < b {
                a *= next;
                i += 1;
            } else {
                b *= next;
                j += 1;
            }
        }
        made.push((start_i..i, start_j..j));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(count: usize) -> (Channels, Labels) {
        let mut channels = Channels::default();
        let labels = channels.make(count, None);
        (channels, labels)
    }

    #[test]
    fn flattening_repeats_a_channel_and_unflattening_finds_it_again() {
        let (mut channels, labels) = channels(3);
        let axes = [None, Some(labels.clone()), None, None];
        let (flat, lost) = reshaped(&mut channels, &axes, &[1, 3, 2, 1], &[1, 6]);
        assert_eq!(flat[1].as_deref(), Some(&[0, 0, 1, 1, 2, 2][..]));
        assert!(lost.is_empty());
        let (back, _) = reshaped(&mut channels, &flat, &[1, 6], &[1, 3, 2]);
        assert_eq!(back, [None, Some(labels), None]);
    }

    #[test]
    fn a_shuffle_couples_the_same_place_of_each_run() {
        let (mut channels, labels) = channels(6);
        let axes = [None, Some(labels), None];
        let (apart, _) = reshaped(&mut channels, &axes, &[1, 6, 5], &[1, 2, 3, 5]);
        assert_eq!(apart[2].as_deref(), Some(&[0, 1, 2][..]));
        assert_eq!(channels.root(0), channels.root(3));
        assert_ne!(channels.root(0), channels.root(1));
        // Behind the transpose of both.
        let turned = [None, apart[2].clone(), None, None];
        let (mixed, _) = reshaped(&mut channels, &turned, &[1, 3, 2, 5], &[1, 6, 5]);
        assert_eq!(mixed[1].as_deref(), Some(&[0, 0, 1, 1, 2, 2][..]));
    }

    #[test]
    fn dimensions_that_mix_are_lost() {
        let (mut channels, labels) = channels(4);
        let axes = [None, Some(labels.clone()), None];
        let (made, lost) = reshaped(&mut channels, &axes, &[1, 4, 6], &[1, 3, 8]);
        assert_eq!((made, lost), (vec![None, None, None], vec![labels]));
    }

    #[test]
    fn windows_leave_channels_alone() {
        assert_eq!(
            blocks(&[1, 56, 56, 96], &[1, 8, 7, 8, 7, 96]),
            [(0..1, 0..1), (1..2, 1..3), (2..3, 3..5), (3..4, 5..6)]
        );
    }
}
