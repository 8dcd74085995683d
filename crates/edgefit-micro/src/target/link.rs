//! A program linked for a device: the linker's answer, and what its map says.

use std::fs;
use std::path::Path;

use edgefit_device::profile::Profile;
use edgefit_device::{Bank, Content};
use serde::Serialize;

use super::core::{Core, Region};
use super::firmware::{self, MAP, SCRIPT};
use super::map::{Section, sections};
use super::predict::flash_bytes;
use super::script::Script;
use super::tool::ToolError;
use crate::c::{Name, Parts};
use crate::error::Error;
use crate::patch::{Patches, Placed};
use crate::plan::ArenaPlan;
use crate::program::{InputBy, Program};

const MAIN: &str = include_str!("../../c/firmware/ef_linked.c");

/// Length of a memory that everything fits in, to be told how much is needed.
const ENOUGH: u64 = 1 << 30;

/// Variables of the linked program itself, with the gap before the stack.
const VARIABLES: u64 = 8;

/// Most that the places of stack and heap are moved to where they may begin.
const ROUNDING: u64 = 8;

/// What is kept of RAM beside arenas and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Bytes for the stack.
    pub stack_bytes: u64,
    /// Bytes for a heap of the rest of the firmware; the model has none.
    pub heap_bytes: u64,
}

/// The linker's answer, the document `edgefit.check/1` of a program that was linked.
#[derive(Debug, Clone, Serialize)]
pub struct Linked {
    /// `fits` or `does_not_fit`.
    pub verdict: LinkVerdict,
    /// The device.
    pub device: String,
    /// Always `c`.
    pub engine: &'static str,
    /// Its core, as the compiler names it.
    pub core: &'static str,
    /// The compiler.
    pub compiler: String,
    /// Each memory that is used.
    pub budgets: Vec<LinkedBudget>,
    /// What the map says, section by section.
    pub sections: Vec<LinkedSection>,
    /// What the linker said, where it refused.
    pub refusal: Option<String>,
    /// How its first steps run, if in patches.
    pub patches: Option<Patches>,
    /// Results that lie over what they are made of.
    pub overlaps: usize,
    /// Changes that were tried: none, of a program that was linked.
    pub suggestions: Vec<String>,
}

/// Whether the linker took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum LinkVerdict {
    Fits,
    DoesNotFit,
}

/// A memory, and what is linked into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkedBudget {
    /// `flash` or `ram`.
    pub resource: &'static str,
    /// Its name.
    pub place: String,
    /// What was linked.
    pub need_bytes: u64,
    /// What there is.
    pub have_bytes: u64,
    /// What is left; negative where it is short.
    pub margin: i64,
    /// Whether it is enough.
    pub holds: bool,
    /// How the need is known.
    pub basis: &'static str,
    /// What was predicted without a compiler.
    pub predicted_bytes: u64,
    /// Linked less predicted.
    pub difference: i64,
}

/// A section of the linked program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkedSection {
    /// Its name.
    pub name: String,
    /// The memory that it lies in.
    pub place: String,
    /// Its first address.
    pub address: u64,
    /// Its size.
    pub bytes: u64,
}

/// A memory of the device in the linker script.
struct Memory {
    resource: &'static str,
    name: String,
    region: Region,
    predicted: u64,
}

impl Linked {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.check/1";
}

/// Links `program` for the device of `profile`, its input as `input_by` says.
///
/// # Errors
/// The compiler is not there or fails for another reason than room, the device has no core that it knows,
/// its profile says no addresses, or the input is no image and should come in parts.
pub fn link(
    program: &Program,
    profile: &Profile,
    (reserve, input_by): (Reserve, InputBy),
) -> Result<Linked, ToolError> {
    let core = Core::of(profile).ok_or_else(|| {
        ToolError::Device(format!(
            "{} has the core {}, for which there is no compiler here, so nothing was linked; edgefit export --to c \
             gives the sources, and edgefit check without --link an estimate",
            profile.name, profile.cpu.model
        ))
    })?;
    let Placed {
        program,
        plan,
        patches,
    } = placed(program, profile, (reserve, input_by))?;
    let program = &program;
    let (script, memories) = laid_out(program, (profile, core, reserve), &plan)?;
    let folder = tempfile::tempdir()?;
    let parts = Parts {
        program,
        plan: &plan,
        name: &Name::default(),
        library: None,
    };
    let mut flags = firmware::flags(core);
    flags.extend(firmware::write_sources(
        parts,
        ("ef_linked.c", MAIN),
        folder.path(),
    )?);
    fs::write(folder.path().join(SCRIPT), script.text())?;
    let linked = core.compiler().run(folder.path(), &flags)?;
    let mut refusal = None;
    if !linked.status.success() {
        let said = String::from_utf8_lossy(&linked.stderr).into_owned();
        let short: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("overflowed by"))
            .collect();
        if short.is_empty() {
            return Err(core.compiler().failed(&said));
        }
        let short = short
            .iter()
            .map(|line| line.rsplit(": ").next().unwrap_or(line).trim());
        refusal = Some(short.collect::<Vec<_>>().join("; "));
        // Once more with room, to be told how much is needed; memories may overlap then.
        flags.push("-Wl,--no-check-sections".to_owned());
        fs::write(folder.path().join(SCRIPT), roomy(script).text())?;
        let again = core.compiler().run(folder.path(), &flags)?;
        if !again.status.success() {
            return Err(core
                .compiler()
                .failed(&String::from_utf8_lossy(&again.stderr)));
        }
    }
    let map = fs::read_to_string(folder.path().join(MAP))?;
    let found = sections(&map);
    Ok(Linked {
        verdict: if refusal.is_none() {
            LinkVerdict::Fits
        } else {
            LinkVerdict::DoesNotFit
        },
        device: profile.name.clone(),
        engine: "c",
        core: core.cpu(),
        compiler: version(core, folder.path())?,
        budgets: memories
            .iter()
            .map(|memory| budget(memory, &memories, &found))
            .collect(),
        sections: found
            .iter()
            .filter_map(|section| located(section, &memories))
            .collect(),
        refusal,
        patches,
        overlaps: plan.overlaps,
        suggestions: Vec::new(),
    })
}

/// Where the values lie; in the largest bank, for the linker to refuse, where no bank or banks hold them.
fn placed(
    program: &Program,
    profile: &Profile,
    (reserve, input_by): (Reserve, InputBy),
) -> Result<Placed, ToolError> {
    let kept = reserve.stack_bytes.saturating_add(reserve.heap_bytes);
    let kept = kept.saturating_add(VARIABLES + ROUNDING);
    match Placed::over(program, profile, (kept, input_by)) {
        Err(Error::DoesNotFit(_)) => {
            let mut plan = ArenaPlan::in_one(program);
            let banks = profile.banks.iter();
            let arenas = banks.filter(|bank| bank.holds.contains(&Content::Arena));
            let largest = arenas.max_by_key(|bank| bank.largest_buffer_bytes());
            plan.banks[0].name = largest.map(|bank| bank.name.clone());
            Ok(Placed::unpatched(program.clone(), plan))
        }
        placed => placed.map_err(|error| ToolError::Device(error.to_string())),
    }
}

fn region(bank: &Bank, device: &str) -> Result<Region, ToolError> {
    let start = bank.start.ok_or_else(|| {
        ToolError::Device(format!(
            "the profile of {device} does not say where its bank {} begins; give it a `start`",
            bank.name
        ))
    })?;
    Ok(Region {
        start,
        bytes: bank.largest_buffer_bytes(),
    })
}

/// The linker script for the device, and its memories, flash first, then that of data and stack.
fn laid_out(
    program: &Program,
    (profile, core, reserve): (&Profile, Core, Reserve),
    plan: &ArenaPlan,
) -> Result<(Script, Vec<Memory>), ToolError> {
    let flash = profile.flash.as_ref().and_then(|flash| {
        Some(Region {
            start: flash.start?,
            bytes: flash.free_bytes(),
        })
    });
    let flash = flash.ok_or_else(|| {
        ToolError::Device(format!(
            "the profile of {} does not say where its flash begins; give it a `start`",
            profile.name
        ))
    })?;
    let arena_in = |bank: &Bank| -> u64 {
        let here = plan
            .banks
            .iter()
            .filter(|arena| arena.name.as_deref() == Some(bank.name.as_str()));
        here.map(|arena| arena.bytes).sum()
    };
    let runtime = profile
        .banks
        .iter()
        .filter(|bank| bank.holds.contains(&Content::Runtime));
    let left = |bank: &&Bank| bank.largest_buffer_bytes().saturating_sub(arena_in(bank));
    let runtime = runtime.max_by_key(left).ok_or_else(|| {
        ToolError::Device(format!(
            "no bank of {} holds data and a stack",
            profile.name
        ))
    })?;
    let reserved = reserve.stack_bytes.saturating_add(reserve.heap_bytes);
    let own = reserved.saturating_add(VARIABLES);
    let mut memories = vec![
        Memory {
            resource: "flash",
            name: "flash".into(),
            region: flash,
            predicted: flash_bytes(program, core),
        },
        Memory {
            resource: "ram",
            name: runtime.name.clone(),
            region: region(runtime, &profile.name)?,
            predicted: arena_in(runtime).saturating_add(own),
        },
    ];
    let mut arenas = Vec::new();
    for arena in &plan.banks {
        let bank = profile
            .banks
            .iter()
            .find(|bank| arena.name.as_deref() == Some(bank.name.as_str()));
        match bank.filter(|bank| bank.name != runtime.name) {
            None => arenas.push(None),
            Some(bank) => {
                arenas.push(Some(memories.len() - 2));
                memories.push(Memory {
                    resource: "ram",
                    name: bank.name.clone(),
                    region: region(bank, &profile.name)?,
                    predicted: arena.bytes,
                });
            }
        }
    }
    let script = Script {
        entry: core.entry(),
        flash,
        constants: None,
        ram: memories[1].region,
        arenas,
        others: memories[2..].iter().map(|memory| memory.region).collect(),
        reserve: [reserve.stack_bytes, reserve.heap_bytes],
    };
    Ok((script, memories))
}

/// The same script with room for everything.
fn roomy(mut script: Script) -> Script {
    let regions = [&mut script.flash, &mut script.ram]
        .into_iter()
        .chain(&mut script.others);
    for region in regions {
        region.bytes = ENOUGH;
    }
    script
}

fn version(core: Core, folder: &Path) -> Result<String, ToolError> {
    let said = core.compiler().run(folder, &["--version".to_owned()])?;
    let said = String::from_utf8_lossy(&said.stdout);
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}

/// The memory that holds `address`: of those that begin at or before it the one that begins last.
fn holding(memories: &[Memory], address: u64) -> Option<&Memory> {
    let before = memories
        .iter()
        .filter(|memory| memory.region.start <= address);
    before.max_by_key(|memory| memory.region.start)
}

fn located(section: &Section, memories: &[Memory]) -> Option<LinkedSection> {
    let memory = holding(memories, section.address)?;
    Some(LinkedSection {
        name: section.name.clone(),
        place: memory.name.clone(),
        address: section.address,
        bytes: section.bytes,
    })
}

/// What is linked into `memory`: up to the end of its last section, or of what is loaded from it.
fn budget(memory: &Memory, memories: &[Memory], sections: &[Section]) -> LinkedBudget {
    let is_here =
        |address: u64| holding(memories, address).is_some_and(|found| found.name == memory.name);
    let ends = sections
        .iter()
        .flat_map(|section| [Some(section.address), section.load].map(|at| (at, section.bytes)));
    let ends = ends.filter_map(|(at, bytes)| at.filter(|&at| is_here(at)).map(|at| at + bytes));
    let need = ends.max().map_or(0, |end| end - memory.region.start);
    let have = memory.region.bytes;
    LinkedBudget {
        resource: memory.resource,
        place: memory.name.clone(),
        need_bytes: need,
        have_bytes: have,
        margin: have.cast_signed().saturating_sub_unsigned(need),
        holds: need <= have,
        basis: "linked",
        predicted_bytes: memory.predicted,
        difference: need.cast_signed().saturating_sub_unsigned(memory.predicted),
    }
}
