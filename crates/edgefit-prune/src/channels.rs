//! [`Channels`]: every channel of a graph, which of them go together, and which have to stay.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The channels along one dimension of a value or a weight, by their numbers in [`Channels`].
pub(crate) type Labels = Arc<[u32]>;

/// Channels with what was found out of them: two disjoint-set forests, one of channels that are removed
/// together, one of the layers that make them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Channels {
    parents: Vec<u32>,
    /// Of each channel the set that it was made in.
    made_in: Vec<u32>,
    sets: Vec<u32>,
    /// Nodes that made each set, at its root.
    nodes: BTreeMap<u32, Vec<usize>>,
    /// Why a channel stays, at its root.
    reasons: BTreeMap<u32, String>,
}

impl Channels {
    /// `count` new channels, made by `node` unless they are constants.
    pub fn make(&mut self, count: usize, node: Option<usize>) -> Labels {
        let set = self.sets.len() as u32;
        self.sets.push(set);
        self.nodes.insert(set, node.into_iter().collect());
        let first = self.parents.len() as u32;
        let labels: Labels = (first..first + count as u32).collect();
        self.parents.extend(labels.iter());
        self.made_in.extend(labels.iter().map(|_| set));
        labels
    }

    /// Says that `node`, too, makes channels of the set of `labels`.
    pub fn made_by(&mut self, labels: &[u32], node: usize) {
        if let Some(&first) = labels.first() {
            let set = root(&mut self.sets, self.made_in[first as usize]);
            self.nodes.entry(set).or_default().push(node);
        }
    }

    /// The channel that stands for all that are removed together with `channel`.
    pub fn root(&self, channel: u32) -> u32 {
        find(&self.parents, channel)
    }

    /// The set of layers that `channel` belongs to.
    pub fn set(&self, channel: u32) -> u32 {
        find(&self.sets, self.made_in[channel as usize])
    }

    /// The nodes that make the channels of the set `set`.
    pub fn nodes(&self, set: u32) -> &[usize] {
        self.nodes.get(&set).map_or(&[], Vec::as_slice)
    }

    /// How many channels there are.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Why `channel` stays, if it has to.
    pub fn reason(&self, channel: u32) -> Option<&str> {
        let reason = self.reasons.get(&self.root(channel));
        reason.map(String::as_str)
    }

    /// Has both channels removed together or not at all.
    pub fn join(&mut self, a: u32, b: u32) {
        let sets = [a, b].map(|channel| self.made_in[channel as usize]);
        let [kept, gone] = sets.map(|set| root(&mut self.sets, set));
        if kept != gone {
            self.sets[gone as usize] = kept;
            let nodes = self.nodes.remove(&gone).unwrap_or_default();
            self.nodes.entry(kept).or_default().extend(nodes);
        }
        let [kept, gone] = [a, b].map(|channel| root(&mut self.parents, channel));
        if kept != gone {
            self.parents[gone as usize] = kept;
            if let Some(reason) = self.reasons.remove(&gone) {
                self.reasons.entry(kept).or_insert(reason);
            }
        }
    }

    /// Joins two dimensions of the same size, channel by channel.
    pub fn join_all(&mut self, a: &[u32], b: &[u32]) {
        for (&a, &b) in a.iter().zip(b) {
            self.join(a, b);
        }
    }

    /// Has all of `labels` stay; the first reason counts.
    pub fn freeze(&mut self, labels: &[u32], reason: &str) {
        for &channel in labels {
            let root = root(&mut self.parents, channel);
            self.reasons
                .entry(root)
                .or_insert_with(|| reason.to_owned());
        }
    }
}

/// The root of `at`; on the way every second link is shortened.
fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        let above = parents[parents[at as usize] as usize];
        parents[at as usize] = above;
        at = above;
    }
    at
}

fn find(parents: &[u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        at = parents[at as usize];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_shares_its_nodes_and_its_reason() {
        let mut channels = Channels::default();
        let a = channels.make(2, Some(3));
        let b = channels.make(2, Some(5));
        channels.freeze(&b[1..], "an output");
        channels.join_all(&a, &b);
        assert_eq!(channels.root(a[0]), channels.root(b[0]));
        assert_ne!(channels.root(a[0]), channels.root(a[1]));
        assert_eq!(channels.set(a[0]), channels.set(b[1]));
        assert_eq!(channels.nodes(channels.set(a[0])), [3, 5]);
        assert_eq!(channels.reason(a[0]), None);
        assert_eq!(channels.reason(a[1]), Some("an output"));
    }
}
