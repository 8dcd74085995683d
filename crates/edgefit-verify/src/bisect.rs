//! The search by bisection: the model is cut off behind one value after the other.

use std::collections::HashSet;

use crate::compare::Pair;
use crate::divergence::Divergence;
use crate::search::Search;
use crate::subgraph::Shown;

/// The divergence without opening more than one value at a time; `None`, too, where the second side
/// cannot show what the nodes at the divergence read.
pub(crate) fn bisect(search: &mut Search) -> Option<Divergence> {
    let outputs = &search.a.graph.outputs;
    let is_output = |[value, _]: &[Shown; 2]| outputs.iter().any(|o| o.name == value.name);
    let last = search.values.iter().rposition(is_output)?;
    let mut found = differs_up_to(search, last)?;
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        match differs_up_to(search, middle) {
            Some(pair) => (high, found) = (middle, pair),
            None => low = middle + 1,
        }
    }
    let mut width = 1;
    loop {
        let start = (high + 1).saturating_sub(width);
        let inside = start..=high;
        let outside: Vec<Shown> = (0..search.values.len())
            .filter(|index| !inside.contains(index))
            .map(|index| search.values[index][1].clone())
            .collect();
        let given: HashSet<&str> = outside.iter().map(|value| value.name.as_str()).collect();
        let edges: Vec<&Shown> = {
            let parts = search.parts(high, &given, &search.arrays(Vec::new()));
            let needed: HashSet<&String> = parts.iter().flat_map(|part| &part.inputs).collect();
            let edges = outside.iter().filter(|value| needed.contains(&value.name));
            edges.collect()
        };
        let shown = if edges.is_empty() {
            Vec::new()
        } else {
            search.shown_by_b(&edges)?
        };
        let mut arrays = search.arrays(Vec::new());
        arrays.extend(edges.iter().map(|edge| edge.name.clone()).zip(shown));
        let parts = search.parts(high, &given, &arrays);
        let alone = search.alone(high, parts, &arrays);
        let reproduces = alone.as_ref().is_some_and(|alone| !alone.pair.within);
        if reproduces || start == 0 {
            let alone = alone.filter(|_| reproduces);
            return Some(search.named(high, Some(found), alone, &arrays));
        }
        width *= 2;
    }
}

/// How far a value is apart when the model ends with it; `None` where it agrees or cannot be shown.
fn differs_up_to(search: &mut Search, index: usize) -> Option<Pair> {
    let [x, y] = search.up_to(index)?;
    let pair = search.compare(index, &x, &y);
    (!pair.within).then_some(pair)
}
