//! The model on its device: where the activations lie, and where the time goes.

use std::path::Path;

use edgefit_base::names::block;
use edgefit_cost::memory_plan::{
    ALIGNMENT, BankPlacement, Goal, Lifetime, Panel, SearchLimits, draw_inline_svg, place,
    place_in_banks,
};
use edgefit_cost::{Check, Request, judge};
use edgefit_device::{ArenaLayout, Bank, Content, Profile};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::rewrite::lift_constants;

/// Parts of the names of nodes that are looked at to find blocks.
const DEEPEST: usize = 6;

/// Blocks that a model is shown in, at most.
const MOST_BLOCKS: usize = 24;

/// The model on its device.
pub(crate) struct Deployed {
    pub check: Check,
    banks: Vec<Room>,
}

/// What a bank has for an arena.
struct Room {
    name: String,
    bytes: u64,
    is_shared: bool,
}

/// Activations alive at once.
pub(crate) struct Peak {
    /// The node that runs then.
    pub node: String,
    pub bytes: u64,
    /// By name and size, the largest first.
    pub buffers: Vec<(String, u64)>,
}

/// Nodes that belong together.
pub(crate) struct Block {
    pub name: String,
    pub nodes: usize,
    pub macs: u64,
    pub ns: u64,
}

/// A model as devices run it, for one sample.
///
/// # Errors
/// Why it cannot be read, as a clause.
pub(crate) fn model_of_run(model: &Path) -> Result<(Graph, InputShapes), String> {
    let mut graph = Graph::load(model).map_err(|error| error.to_string())?;
    lift_constants(&mut graph);
    let shapes = InputShapes::bind(&graph, 1, None).map_err(|error| error.to_string())?;
    Ok((graph, shapes))
}

impl Deployed {
    /// # Errors
    /// Why that cannot be said, as a clause.
    pub fn of(model: &Path, profile: &Profile) -> Result<Self, String> {
        let (graph, shapes) = model_of_run(model)?;
        let request = Request::new(profile);
        let check = judge(&graph, &shapes, &request).map_err(|error| error.to_string())?;
        Ok(Deployed::new(check, profile))
    }

    /// A model that was checked against `profile`.
    pub fn new(check: Check, profile: &Profile) -> Self {
        let engine = check.engine.as_ref();
        let engine = profile.engines.iter().find(|one| Some(&one.name) == engine);
        let several = engine.is_some_and(|engine| engine.arena == ArenaLayout::SeveralBanks);
        let holds = |bank: &&Bank| bank.holds.contains(&Content::Arena);
        let mut banks: Vec<Room> = profile
            .banks
            .iter()
            .filter(holds)
            .map(|bank| Room {
                name: bank.name.clone(),
                bytes: bank.largest_buffer_bytes(),
                is_shared: bank.holds.contains(&Content::Weights),
            })
            .collect();
        if !several {
            banks.sort_by_key(|room| std::cmp::Reverse(room.bytes));
            banks.truncate(1);
        }
        Deployed { check, banks }
    }

    /// The activations in memory as a picture of at most `most` buffers, with a sentence on those that
    /// are left out; `None` where there is nothing to draw.
    pub fn picture(&self, most: usize) -> Option<(String, Option<String>)> {
        let plan = &self.check.plan;
        let lives = [plan.lifetimes.as_slice(), &plan.scratch].concat();
        if lives.is_empty() {
            return None;
        }
        let (placements, panels) = self.placed(&lives);
        let mut order: Vec<usize> = (0..lives.len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(lives[at].bytes));
        order.truncate(most);
        order.sort_unstable();
        let left_out = (lives.len() > most)
            .then(|| format!("The {most} largest of {} buffers are drawn.", lives.len()));
        let drawn: Vec<Lifetime> = order.iter().map(|&at| lives[at].clone()).collect();
        let placements: Vec<BankPlacement> = order.iter().map(|&at| placements[at]).collect();
        let picture = draw_inline_svg(&drawn, &placements, &panels, &plan.steps);
        Some((picture, left_out))
    }

    /// Each buffer in its bank: in those of the device, where it has several for one arena, and otherwise
    /// in one stretch as long as is needed.
    fn placed(&self, lives: &[Lifetime]) -> (Vec<BankPlacement>, Vec<Panel>) {
        let free: Vec<u64> = self.banks.iter().map(|room| room.bytes).collect();
        let spread = (free.len() > 1)
            .then(|| place_in_banks(lives, ALIGNMENT, &free))
            .flatten();
        if let Some(placements) = spread {
            return self.spread(placements);
        }
        let plan = place(lives, ALIGNMENT, Goal::Smallest, SearchLimits::QUICK);
        let largest = self.banks.iter().max_by_key(|room| room.bytes);
        let limit = largest.map(|room| room.bytes);
        // A limit that is far away would leave nothing to see.
        let near = limit.filter(|&limit| limit <= plan.peak_bytes.saturating_mul(3));
        let panel = Panel {
            name: largest.map_or("arena".into(), |room| format!("arena in {}", room.name)),
            bytes: plan.peak_bytes.max(near.unwrap_or(0)),
            lower_bound_bytes: Some(plan.lower_bound_bytes),
            limit_bytes: limit,
        };
        let in_arena = |&offset: &u64| BankPlacement { bank: 0, offset };
        (plan.offsets.iter().map(in_arena).collect(), vec![panel])
    }

    /// A panel for each bank that holds something.
    fn spread(&self, placements: Vec<BankPlacement>) -> (Vec<BankPlacement>, Vec<Panel>) {
        let is_used = |bank: &usize| placements.iter().any(|at| at.bank == *bank);
        let used: Vec<usize> = (0..self.banks.len()).filter(is_used).collect();
        let panels = used.iter().map(|&bank| Panel {
            name: self.banks[bank].name.clone(),
            bytes: self.banks[bank].bytes,
            lower_bound_bytes: None,
            limit_bytes: Some(self.banks[bank].bytes),
        });
        let panels = panels.collect();
        let renumbered = placements.into_iter().map(|at| BankPlacement {
            bank: used.partition_point(|&bank| bank < at.bank),
            ..at
        });
        (renumbered.collect(), panels)
    }

    /// Whether weights and the rest of the process share the memory of the arena.
    pub fn shares_memory(&self) -> bool {
        self.banks.iter().any(|room| room.is_shared)
    }

    /// The moment at which the most is alive.
    pub fn peak(&self) -> Option<Peak> {
        let plan = &self.check.plan;
        let lives = || plan.lifetimes.iter().chain(&plan.scratch);
        let alive =
            |step: usize| lives().filter(move |life| life.lower <= step && step < life.upper);
        let bytes = |step: usize| alive(step).map(|life| life.bytes).sum::<u64>();
        let step =
            (0..plan.steps.len()).max_by_key(|&step| (bytes(step), std::cmp::Reverse(step)))?;
        let mut buffers: Vec<(String, u64)> = alive(step)
            .map(|life| (life.name.clone(), life.bytes))
            .collect();
        buffers.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        Some(Peak {
            node: plan.steps[step].clone(),
            bytes: bytes(step),
            buffers,
        })
    }

    /// Where the time goes, in the order of the graph: by parts of the names, as deep as they tell a
    /// readable number of blocks apart.
    pub fn blocks(&self) -> Vec<Block> {
        let at = |depth: usize| {
            let mut blocks: Vec<Block> = Vec::new();
            for layer in &self.check.layers {
                let name = block(&layer.name, depth);
                let known = blocks.iter().position(|block| block.name == name);
                let known = known.unwrap_or_else(|| {
                    blocks.push(Block {
                        name,
                        nodes: 0,
                        macs: 0,
                        ns: 0,
                    });
                    blocks.len() - 1
                });
                let sum = &mut blocks[known];
                sum.nodes += 1;
                sum.macs = sum.macs.saturating_add(layer.macs);
                sum.ns = sum.ns.saturating_add(layer.ns);
            }
            blocks
        };
        let mut best = at(1);
        for depth in 2..=DEEPEST {
            let deeper = at(depth);
            if deeper.len() > MOST_BLOCKS {
                break;
            }
            best = deeper;
        }
        best.truncate(MOST_BLOCKS);
        best
    }
}
