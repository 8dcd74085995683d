use std::collections::HashSet;

use super::compare::Pair;
use super::cut::{Shown, opened};
use super::divergence::Divergence;
use super::search::{Search, run};
use crate::error::Result;

impl Search<'_> {
    /// The divergence without opening more than one value at a time.
    pub(super) fn bisected(&mut self) -> Result<Option<Divergence>> {
        let outputs = &self.a.graph.outputs;
        let is_output = |[value, _]: &[Shown; 2]| outputs.iter().any(|o| o.name == value.name);
        let Some(last) = self.values.iter().rposition(is_output) else {
            return Ok(None);
        };
        let Some(mut found) = self.prefix(last) else {
            return Ok(None);
        };
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.prefix(middle) {
                Some(pair) => (high, found) = (middle, pair),
                None => low = middle + 1,
            }
        }
        let mut width = 1;
        loop {
            let start = (high + 1).saturating_sub(width);
            let inside = start..=high;
            let outside: Vec<Shown> = (0..self.values.len())
                .filter(|index| !inside.contains(index))
                .map(|index| self.values[index][1].clone())
                .collect();
            let given: HashSet<&str> = outside.iter().map(|value| value.name.as_str()).collect();
            let edges: Vec<&Shown> = {
                let parts = self.parts(high, &given, &self.arrays(Vec::new()));
                let needed: HashSet<&String> = parts.iter().flat_map(|part| &part.inputs).collect();
                let edges = outside.iter().filter(|value| needed.contains(&value.name));
                edges.collect()
            };
            let shown = match edges.is_empty() {
                true => Vec::new(),
                false => {
                    let open = opened(self.b.graph, &edges);
                    run(&mut self.b, &open, self.inputs)?
                }
            };
            let mut arrays = self.arrays(Vec::new());
            arrays.extend(edges.iter().map(|edge| edge.name.clone()).zip(shown));
            let parts = self.parts(high, &given, &arrays);
            let alone = self.alone(high, parts, &arrays);
            let reproduces = alone.as_ref().is_some_and(|alone| !alone.pair.within);
            if reproduces || start == 0 {
                let alone = alone.filter(|_| reproduces);
                return Ok(Some(self.named(high, Some(found), alone, &arrays)));
            }
            width *= 2;
        }
    }

    /// How far a value is apart when the model ends with it; `None` where it agrees or cannot be shown.
    fn prefix(&mut self, index: usize) -> Option<Pair> {
        let [of_a, of_b] = &self.values[index];
        let (of_a, of_b) = (opened(self.a.graph, &[of_a]), opened(self.b.graph, &[of_b]));
        let x = run(&mut self.a, &of_a, self.inputs).ok()?.pop()?;
        let y = run(&mut self.b, &of_b, self.inputs).ok()?.pop()?;
        let pair = self.compare(index, &x, &y);
        (!pair.within).then_some(pair)
    }
}
