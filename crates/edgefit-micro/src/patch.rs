//! The first steps of a program patch by patch: less memory for more multiplications.
//!
//! As in MCUNetV2 (Lin et al. 2021, arXiv 2110.15352): where early images are large, the steps that make them run
//! for one part of their last result after the other, and only the part that is worked on is in memory. Parts
//! overlap in what they read, and what lies in two of them is computed twice. Borders are those of the image, so
//! that every byte stays as it was.

mod build;
mod cost;
mod region;

use edgefit_device::profile::Profile;
use edgefit_device::{Bank, Content};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::ArenaPlan;
use crate::program::{InputBy, Program};
use cost::{Cost, behind, program_macs};
use region::Stage;

/// RAM that a firmware keeps beside the arena if nobody says how much: stack, and variables of its own.
pub const RESERVE_BYTES: u64 = 2064;

/// Largest number of parts along a side.
const MOST_PARTS: usize = 8;

/// How much more may be multiplied where memory alone is asked for.
const MOST_EXTRA: f64 = 0.2;

/// Most ways that are planned to the byte.
const MOST_PLANS: usize = 12;

/// Most bytes of activations that are written as a project: no microcontroller has more.
const MOST_BYTES: u64 = 64 << 20;

/// How the first steps of a program run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patches {
    /// The node whose result is put together of the parts.
    pub node: String,
    /// Number of parts along the height and the width.
    pub grid: [usize; 2],
    /// Multiply-accumulates of a run without patches.
    pub whole_macs: u64,
    /// With them: what overlaps is computed more than once.
    pub macs: u64,
    /// Bytes of the arena without patches, in one place.
    pub whole_arena_bytes: u64,
    /// With them.
    pub arena_bytes: u64,
}

impl Patches {
    /// How many times as many multiply-accumulates they take.
    pub fn factor(&self) -> f64 {
        self.macs as f64 / self.whole_macs.max(1) as f64
    }
}

/// A program as it runs on a device, and where its values lie there.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The program.
    pub program: Program,
    /// Where its values lie.
    pub plan: ArenaPlan,
    /// How its first steps run, if in patches.
    pub patches: Option<Patches>,
}

/// Where a program may lie, and how it gets there.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The device that it is for; without one, everything lies in one arena.
    pub device: Option<&'a Profile>,
    /// Whether its first steps may run in patches.
    pub patching: Patching,
    /// How the input comes to it.
    pub input_by: InputBy,
}

/// Whether the first steps of a program run in patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patching {
    /// Where the device is short of RAM otherwise.
    Auto,
    /// In the least RAM that at most a fifth more multiplications buy.
    Smallest,
    /// Never.
    Never,
}

impl Placed {
    /// `program` as `layout` asks for it.
    ///
    /// # Errors
    /// As of [`Placed::over`] and [`Placed::smallest`], or it has no place in the device, or in any microcontroller.
    pub fn new(program: Program, layout: Layout) -> Result<Self> {
        let input_by = layout.input_by;
        let placed = match (layout.device, layout.patching) {
            (Some(profile), Patching::Never) => {
                let plan = ArenaPlan::over(&program, profile)?;
                Placed::unpatched(program, plan)
            }
            (Some(profile), Patching::Auto) => {
                Placed::over(&program, profile, (RESERVE_BYTES, input_by))?
            }
            (Some(profile), Patching::Smallest) => {
                Placed::smallest(&program, input_by)?.in_banks(profile)?
            }
            (None, Patching::Auto | Patching::Never) if input_by == InputBy::Whole => {
                let plan = ArenaPlan::in_one(&program);
                Placed::unpatched(program, plan)
            }
            (None, _) => Placed::smallest(&program, input_by)?,
        };
        let need = placed.plan.bytes();
        if need <= MOST_BYTES {
            return Ok(placed);
        }
        Err(Error::DoesNotFit(format!(
            "its activations need {need} B, and no microcontroller has more than {MOST_BYTES} B for them; give a \
             smaller --input-shape or model"
        )))
    }

    /// `program` in the banks of `profile`: as it is where they hold it with `reserve` bytes beside it, else with
    /// results over what they are made of, else in patches, with as few more multiplications as possible.
    ///
    /// # Errors
    /// None of it has a place, whatever lies beside it, or the input is no image and should come in parts.
    pub fn over(
        program: &Program,
        profile: &Profile,
        (reserve, input_by): (u64, InputBy),
    ) -> Result<Self> {
        let whole = build::whole(program, input_by)?;
        let plan = ArenaPlan::over(&whole, profile);
        if plan
            .as_ref()
            .is_ok_and(|plan| bank_with_room(plan, profile, reserve).is_some())
        {
            return plan.map(|plan| Placed::unpatched(whole, plan));
        }
        if let Some(plan) = ArenaPlan::overlapping_over(&whole, profile, reserve) {
            return Ok(Placed::unpatched(whole, plan));
        }
        let banks = profile.banks.iter();
        let arenas = banks.filter(|bank| bank.holds.contains(&Content::Arena));
        let room: u64 = arenas.map(|bank| bank.largest_buffer_bytes()).sum();
        let mut ways = ways(program, room, input_by);
        ways.sort_by_key(|way| (way.cost.macs, way.cost.live_bytes));
        // More multiplications are only for less memory.
        let mut least = u64::MAX;
        ways.retain(|way| {
            let is_less = way.cost.live_bytes < least;
            least = least.min(way.cost.live_bytes);
            is_less
        });
        for way in &ways {
            let patched = build::patched(program, &way.stage, (way.grid, input_by));
            if let Some(plan) = ArenaPlan::overlapping_over(&patched, profile, reserve) {
                let patches = way.patches(program, plan.bytes());
                return Ok(Placed {
                    program: patched,
                    plan,
                    patches: Some(patches),
                });
            }
        }
        plan.map(|plan| Placed::unpatched(whole, plan))
    }

    /// `program` in the smallest arena that results over what they are made of, and patches for at most a fifth
    /// more multiplications, make possible.
    ///
    /// # Errors
    /// The input is no image, and should come in parts.
    pub fn smallest(program: &Program, input_by: InputBy) -> Result<Self> {
        let whole = build::whole(program, input_by)?;
        let (apart, over) = (ArenaPlan::in_one(&whole), ArenaPlan::overlapping(&whole));
        let plan = if over.bytes() < apart.bytes() {
            over
        } else {
            apart
        };
        let mut best = Placed::unpatched(whole, plan);
        let most = (program_macs(program) as f64 * (1.0 + MOST_EXTRA)) as u64;
        let mut ways = ways(program, best.plan.bytes(), input_by);
        ways.retain(|way| way.cost.macs <= most);
        ways.sort_by_key(|way| (way.cost.live_bytes, way.cost.macs));
        for way in ways.iter().take(MOST_PLANS) {
            if way.cost.live_bytes >= best.plan.bytes() {
                break;
            }
            let patched = build::patched(program, &way.stage, (way.grid, input_by));
            let plan = ArenaPlan::overlapping(&patched);
            if plan.bytes() < best.plan.bytes() {
                best = Placed {
                    patches: Some(way.patches(program, plan.bytes())),
                    program: patched,
                    plan,
                };
            }
        }
        Ok(best)
    }

    /// The same, of one arena, in a bank of `profile`; in several where none holds it. Data and stack have room beside
    /// it where that can be.
    fn in_banks(self, profile: &Profile) -> Result<Self> {
        let least = self.plan.bytes();
        let holds = |bank: &&Bank| {
            bank.holds.contains(&Content::Arena) && bank.largest_buffer_bytes() >= least
        };
        let leaving = |reserve: u64| {
            let in_bank = |bank: &Bank| {
                let mut plan = self.plan.clone();
                plan.banks[0].name = Some(bank.name.clone());
                bank_with_room(&plan, profile, reserve).map(|_| plan)
            };
            let alone = profile.banks.iter().filter(holds).find_map(in_bank);
            alone.or_else(|| ArenaPlan::overlapping_over(&self.program, profile, reserve))
        };
        let plan = leaving(RESERVE_BYTES).or_else(|| leaving(0));
        let plan = plan.ok_or_else(|| {
            Error::DoesNotFit(format!(
                "its activations need {least} B at least, and no placement in the banks of {} was found; give a \
                 smaller --input-shape or model, or a device with more RAM",
                profile.name
            ))
        })?;
        let patches = self.patches.map(|patches| Patches {
            arena_bytes: plan.bytes(),
            ..patches
        });
        Ok(Placed {
            program: self.program,
            plan,
            patches,
        })
    }

    /// `program` as it is, at the places of `plan`.
    pub fn unpatched(program: Program, plan: ArenaPlan) -> Self {
        Placed {
            program,
            plan,
            patches: None,
        }
    }
}

/// The bank for data and stack that has `reserve` bytes left beside `plan`, one with an arena before others.
pub(crate) fn bank_with_room<'p>(
    plan: &ArenaPlan,
    profile: &'p Profile,
    reserve: u64,
) -> Option<&'p Bank> {
    let taken = |bank: &Bank| -> u64 {
        let here = plan
            .banks
            .iter()
            .filter(|arena| arena.name.as_ref() == Some(&bank.name));
        here.map(|arena| arena.bytes).sum()
    };
    let banks = profile.banks.iter();
    let with_room = banks.filter(|bank| {
        bank.holds.contains(&Content::Runtime)
            && bank.largest_buffer_bytes() >= taken(bank).saturating_add(reserve)
    });
    with_room.max_by_key(|bank| taken(bank) > 0)
}

/// A way to run a program in patches.
struct Way {
    stage: Stage,
    grid: [usize; 2],
    cost: Cost,
}

impl Way {
    fn patches(&self, program: &Program, arena_bytes: u64) -> Patches {
        Patches {
            node: program.steps[self.stage.last].node.clone(),
            grid: self.grid,
            whole_macs: program_macs(program),
            macs: self.cost.macs,
            whole_arena_bytes: ArenaPlan::in_one(program).bytes(),
            arena_bytes,
        }
    }
}

/// All ways that take less than `room` about at once, in grids that are square or nearly so.
fn ways(program: &Program, room: u64, input_by: InputBy) -> Vec<Way> {
    let stages = (0..program.steps.len()).filter_map(|last| Stage::of(program, last));
    let mut ways = Vec::new();
    for stage in stages.filter(|stage| behind(program, stage) <= room) {
        let image = stage.output();
        let most = MOST_PARTS.min(image.height.max(image.width));
        let grids = (2..=most).flat_map(|parts| {
            [[parts, parts - 1], [parts, parts], [parts - 1, parts]]
                .map(|[rows, columns]| [rows.min(image.height), columns.min(image.width)])
        });
        for grid in grids {
            let cost = Cost::of(program, &stage, (grid, input_by));
            if cost.live_bytes <= room {
                ways.push(Way {
                    stage: stage.clone(),
                    grid,
                    cost,
                });
            }
        }
    }
    ways
}
