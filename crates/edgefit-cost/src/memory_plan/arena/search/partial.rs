//! A plan in the making, with what it takes to undo its last steps.

use std::ops::Range;

use super::super::problem::Problem;

/// The lowest offset of an item that is already placed.
const PLACED: u64 = u64::MAX;

/// A plan in the making, and how to take back what was placed last.
pub(super) struct Partial<'p> {
    problem: &'p Problem,
    neighbours: &'p [Vec<u32>],
    /// Items in each section.
    members: Vec<Vec<u32>>,
    /// Greatest offset of each item, and the height of the plan, in units.
    ceiling: Vec<u64>,
    height: u64,
    /// Offsets of the placed items.
    offsets: Vec<u64>,
    /// Lowest offset that the placed items leave to each open one; [`PLACED`] for those.
    lowest: Vec<u64>,
    /// For each section: below it nothing open fits.
    floor: Vec<u64>,
    /// For each section: sum of the open sizes.
    open: Vec<u64>,
    /// Open items across each boundary; boundary `s` lies before section `s`.
    crossing: Vec<u32>,
    /// What to undo, latest last.
    trail: Vec<Change>,
    /// Sections whose floor is to be looked at again, and a mark for each that is among them.
    touched: Vec<usize>,
    is_touched: Vec<bool>,
}

#[derive(Clone, Copy)]
enum Change {
    Placed(usize),
    Lowest(usize, u64),
    Floor(usize, u64),
}

/// What placing an item led to.
pub(super) struct Placing {
    /// No buffer is pushed over its ceiling.
    pub fits: bool,
    /// Nothing open will lie above it.
    pub bare: bool,
}

impl<'p> Partial<'p> {
    pub fn new(problem: &'p Problem, neighbours: &'p [Vec<u32>]) -> Self {
        let mut members = vec![Vec::new(); problem.sections];
        for (index, item) in (0..).zip(&problem.items) {
            for section in item.span.clone() {
                members[section].push(index);
            }
        }
        let count = problem.items.len();
        Partial {
            problem,
            neighbours,
            members,
            ceiling: vec![0; count],
            height: 0,
            offsets: vec![0; count],
            lowest: vec![0; count],
            floor: vec![0; problem.sections],
            open: vec![0; problem.sections],
            crossing: vec![0; problem.sections + 1],
            trail: Vec::new(),
            touched: Vec::new(),
            is_touched: vec![false; problem.sections],
        }
    }

    /// Nothing placed, and at most `bytes` to place it in. `false` when a buffer alone is larger.
    pub fn clear(&mut self, bytes: u64) -> bool {
        self.height = 0;
        self.lowest.fill(0);
        self.floor.fill(0);
        self.open.fill(0);
        self.crossing.fill(0);
        self.trail.clear();
        for (index, item) in self.problem.items.iter().enumerate() {
            let Some(spare) = bytes.checked_sub(item.bytes) else {
                return false;
            };
            self.ceiling[index] = spare / self.problem.unit;
            self.height = self.height.max(self.ceiling[index] + item.size);
            for section in item.span.clone() {
                self.open[section] += item.size;
            }
            for boundary in item.span.start + 1..item.span.end {
                self.crossing[boundary] += 1;
            }
        }
        true
    }

    /// Offsets in units, once every item is placed.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// Lowest offset of `item`, if it is open.
    pub fn lowest(&self, item: u32) -> Option<u64> {
        let lowest = self.lowest[item as usize];
        (lowest != PLACED).then_some(lowest)
    }

    /// Open units in the fullest of `sections`.
    pub fn fullest(&self, sections: &Range<usize>) -> u64 {
        let open = self.open[sections.clone()].iter().copied();
        open.max().unwrap_or(0)
    }

    /// Boundaries within `sections` that no open item lies across.
    pub fn cuts(&self, sections: &Range<usize>) -> Vec<usize> {
        (sections.start + 1..sections.end)
            .filter(|&boundary| self.crossing[boundary] == 0)
            .collect()
    }

    /// The state that [`Partial::undo`] restores.
    pub fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Whether every section can still take what is to come, at `offset` or above.
    pub fn has_room(&self, sections: &Range<usize>, offset: u64) -> bool {
        let floors = &self.floor[sections.clone()];
        floors
            .iter()
            .zip(&self.open[sections.clone()])
            .all(|(&floor, &open)| open == 0 || floor.max(offset) + open <= self.height)
    }

    /// Places `item` at its lowest offset.
    pub fn place(&mut self, item: usize) -> Placing {
        let placed = &self.problem.items[item];
        let offset = self.lowest[item];
        let top = offset + placed.size;
        self.offsets[item] = offset;
        self.lowest[item] = PLACED;
        self.trail.push(Change::Placed(item));
        for section in placed.span.clone() {
            self.open[section] -= placed.size;
            self.raise_floor(section, top);
            self.is_touched[section] = true;
            self.touched.push(section);
        }
        for boundary in placed.span.start + 1..placed.span.end {
            self.crossing[boundary] -= 1;
        }
        let mut placing = Placing {
            fits: offset <= self.ceiling[item],
            bare: true,
        };
        for &other in &self.neighbours[item] {
            let other = other as usize;
            let below = self.lowest[other];
            placing.bare &= below == PLACED;
            if below < top {
                self.trail.push(Change::Lowest(other, below));
                self.lowest[other] = top;
                placing.fits &= top <= self.ceiling[other];
                for section in self.problem.items[other].span.clone() {
                    // Above the floor, it was not what the floor rests on.
                    if below <= self.floor[section] && !self.is_touched[section] {
                        self.is_touched[section] = true;
                        self.touched.push(section);
                    }
                }
            }
        }
        while let Some(section) = self.touched.pop() {
            self.is_touched[section] = false;
            if !placing.fits {
                continue;
            }
            let floor = self.floor[section];
            let mut lowest = PLACED;
            for &item in &self.members[section] {
                lowest = lowest.min(self.lowest[item as usize]);
                if lowest <= floor {
                    break;
                }
            }
            if lowest != PLACED {
                self.raise_floor(section, lowest);
            }
        }
        placing
    }

    fn raise_floor(&mut self, section: usize, height: u64) {
        if self.floor[section] < height {
            self.trail.push(Change::Floor(section, self.floor[section]));
            self.floor[section] = height;
        }
    }

    /// Takes back all that was placed since `mark`.
    pub fn undo(&mut self, mark: usize) {
        for change in self.trail.drain(mark..).rev() {
            match change {
                Change::Lowest(item, lowest) => self.lowest[item] = lowest,
                Change::Floor(section, floor) => self.floor[section] = floor,
                Change::Placed(item) => {
                    let placed = &self.problem.items[item];
                    self.lowest[item] = self.offsets[item];
                    for section in placed.span.clone() {
                        self.open[section] += placed.size;
                    }
                    for boundary in placed.span.start + 1..placed.span.end {
                        self.crossing[boundary] += 1;
                    }
                }
            }
        }
    }
}
