//! The order of execution against brute force over every order there is.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

use std::collections::{BTreeMap, BTreeSet};

use edgefit_cost::memory_plan::{ElementType, MemoryPlan};
use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::{Attribute, Graph, Node, Tensor, ValueInfo};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A graph under construction, of values (1, channels, 4).
struct Builder {
    graph: Graph,
    channels: BTreeMap<String, usize>,
}

impl Builder {
    fn new(channels: usize) -> Self {
        let mut graph = Graph::new("branches", 17);
        graph.inputs.push(ValueInfo::float("x"));
        Builder {
            graph,
            channels: BTreeMap::from([("x".to_owned(), channels)]),
        }
    }

    fn conv(&mut self, from: &str, to: &str, channels: usize) {
        let weight = format!("{to}.weight");
        let inputs = self.channels[from];
        let values = vec![0f32; channels * inputs];
        self.graph.initializers.insert(
            weight.clone(),
            Tensor::from_values(vec![channels, inputs, 1], &values),
        );
        self.graph
            .nodes
            .push(Node::new("Conv", to, &[from, &weight], &[to]));
        self.channels.insert(to.to_owned(), channels);
    }

    fn concat(&mut self, from: &[&str], to: &str) {
        let node = Node::new("Concat", to, from, &[to]).with("axis", Attribute::Int(1));
        self.graph.nodes.push(node);
        let channels = from.iter().map(|&name| self.channels[name]).sum();
        self.channels.insert(to.to_owned(), channels);
    }

    fn inferred(&self) -> Inference {
        let shapes = InputShapes(vec![("x".into(), vec![1, self.channels["x"], 4])]);
        infer(&self.graph, &shapes).unwrap()
    }

    /// Smallest peak in bytes over all orders of the nodes.
    fn brute_force(&self) -> u64 {
        let mut best = u64::MAX;
        let alive = BTreeSet::from(["x"]);
        self.try_all(
            &mut vec![false; self.graph.nodes.len()],
            &alive,
            0,
            &mut best,
        );
        best
    }

    fn try_all<'s>(
        &'s self,
        done: &mut [bool],
        alive: &BTreeSet<&'s str>,
        peak: u64,
        best: &mut u64,
    ) {
        if done.iter().all(|&done| done) {
            *best = peak.min(*best);
        }
        for index in 0..done.len() {
            let node = &self.graph.nodes[index];
            let data = |name: &&str| self.channels.contains_key(*name);
            if done[index]
                || !node
                    .present_inputs()
                    .filter(data)
                    .all(|name| alive.contains(name))
            {
                continue;
            }
            let mut alive = alive.clone();
            alive.extend(node.present_outputs());
            let bytes = alive
                .iter()
                .map(|name| 16 * self.channels[*name] as u64)
                .sum();
            done[index] = true;
            alive.retain(|name| {
                let unread = |(node, done): (&Node, &bool)| {
                    !done && node.present_inputs().any(|input| input == *name)
                };
                self.graph.nodes.iter().zip(&*done).any(unread)
                    || self.graph.outputs.iter().any(|output| output.name == *name)
            });
            self.try_all(done, &alive, peak.max(bytes), best);
            done[index] = false;
        }
    }
}

/// Plans `built`, and holds the better order, if there is one, to what it promises.
fn smallest_bound(built: &Builder) -> u64 {
    let plan = MemoryPlan::of(&built.graph, &built.inferred(), ElementType::AsStored);
    let Some(better) = &plan.best_order else {
        return plan.lower_bound_bytes;
    };
    assert!(better.lower_bound_bytes < plan.lower_bound_bytes);
    let graph = better.apply(&built.graph);
    assert_eq!(graph.nodes.len(), built.graph.nodes.len());
    let reordered = Builder {
        graph,
        channels: built.channels.clone(),
    };
    let again = MemoryPlan::of(
        &reordered.graph,
        &reordered.inferred(),
        ElementType::AsStored,
    );
    assert_eq!(again.lower_bound_bytes, better.lower_bound_bytes);
    assert_eq!(again.arena_bytes, better.arena_bytes);
    better.lower_bound_bytes
}

#[test]
fn one_branch_is_finished_before_the_next_begins() {
    let mut built = Builder::new(1);
    // Breadth first, both wide values are alive at once.
    built.conv("x", "wide1", 100);
    built.conv("x", "wide2", 100);
    built.conv("wide1", "narrow1", 2);
    built.conv("wide2", "narrow2", 2);
    built.concat(&["narrow1", "narrow2"], "y");
    built.graph.outputs.push(ValueInfo::float("y"));
    let plan = MemoryPlan::of(&built.graph, &built.inferred(), ElementType::AsStored);
    assert_eq!(plan.lower_bound_bytes, 16 * 202);
    let better = plan.best_order.unwrap();
    // The second wide value beside the first narrow one.
    assert_eq!(better.lower_bound_bytes, 16 * 104);
    assert_eq!(better.order, [0, 2, 1, 3, 4]);
}

#[test]
fn small_graphs_reach_the_best_order_there_is() {
    let mut improved = 0;
    for seed in 0..150 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut built = Builder::new(rng.random_range(1..20));
        for index in 0..7 {
            let names: Vec<String> = built.channels.keys().cloned().collect();
            let a = &names[rng.random_range(0..names.len())];
            let b = &names[rng.random_range(0..names.len())];
            let to = format!("v{index}");
            if rng.random_bool(0.3) && a != b {
                built.concat(&[a, b], &to);
            } else {
                let wide = index < 3;
                built.conv(a, &to, rng.random_range(if wide { 20..60 } else { 1..6 }));
            }
        }
        let read: BTreeSet<&str> = (built.graph.nodes.iter())
            .flat_map(|node| node.present_inputs())
            .collect();
        let unread: Vec<String> = (built.channels.keys())
            .filter(|name| !read.contains(name.as_str()))
            .cloned()
            .collect();
        let unread: Vec<&str> = unread.iter().map(String::as_str).collect();
        built.concat(&unread, "y");
        built.graph.outputs.push(ValueInfo::float("y"));
        let best = built.brute_force();
        assert_eq!(smallest_bound(&built), best, "seed {seed}");
        let own = MemoryPlan::of(&built.graph, &built.inferred(), ElementType::AsStored);
        improved += usize::from(own.best_order.is_some());
    }
    assert!(improved > 10, "{improved}");
}

#[test]
fn long_graphs_are_ordered_with_bounded_work() {
    let mut built = Builder::new(4);
    let mut last = "x".to_owned();
    for block in 0..100 {
        let mut ends = Vec::new();
        for branch in 0..4 {
            let (wide, narrow) = (format!("{block}.{branch}.w"), format!("{block}.{branch}.n"));
            built.conv(&last, &wide, 8 + branch);
            ends.push((wide, narrow));
        }
        for (wide, narrow) in &ends {
            built.conv(wide, narrow, 1);
        }
        let narrow: Vec<&str> = ends.iter().map(|(_, narrow)| narrow.as_str()).collect();
        last = format!("{block}.y");
        built.concat(&narrow, &last);
    }
    built.graph.outputs.push(ValueInfo::float(&last));
    assert!(smallest_bound(&built) <= 16 * (4 + 3 + 11));
    let plan = MemoryPlan::of(&built.graph, &built.inferred(), ElementType::AsStored);
    let tried = plan.best_order.unwrap().tried_steps;
    println!("{} nodes: {tried} steps tried", built.graph.nodes.len());
    assert!(tried < 100_000, "{tried}");
}
