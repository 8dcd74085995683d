//! RAM of the banks of a device compared with what activations, weights and engine need.

use std::cmp::Reverse;

use edgefit_device::profile::Profile;
use edgefit_device::{Bank, Content, Engine, EngineId, WeightsIn};

use super::budget::{Budget, Resource};
use super::engine_ram::EngineRam;
use super::needs::Needs;
use super::request::{Request, computes_with, spreads};
use crate::basis::NeedBasis;
use crate::memory_plan::{ALIGNMENT, Lifetime, place_in_banks};
use crate::model_parts::model_parts;

/// What an engine may take at most on top of three times the weights and the activations, while it
/// loads; see [`check`](super::check()).
const LOAD_BYTES: u64 = 128 << 20;

/// Budgets of RAM for a model that `engine` runs.
pub(super) fn budgets(needs: &Needs, request: &Request, engine: Option<&Engine>) -> Vec<Budget> {
    let model = Model {
        needs,
        request,
        engine,
    };
    match (request.profile.weights_in, request.limits.ram_bytes) {
        (WeightsIn::Flash, Some(limit)) => vec![model.in_limit(limit)],
        (WeightsIn::Flash, None) if spreads(engine) => model.in_several_banks(),
        (WeightsIn::Flash, None) => model.in_one_bank(),
        (WeightsIn::Ram, Some(limit)) => {
            vec![model.loaded(limit, "limit", WeightsHere::Yes)]
        }
        (WeightsIn::Ram, None) => model.with_weights(),
    }
}

/// A model, and what it is compared with.
#[derive(Clone, Copy)]
struct Model<'a> {
    needs: &'a Needs<'a>,
    request: &'a Request<'a>,
    engine: Option<&'a Engine>,
}

/// Whether the weights lie in the same memory as the activations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WeightsHere {
    Yes,
    No,
}

impl EngineRam {
    /// `budget`, whose need includes what is known, with an explanation of the engine's part. Where that is
    /// not known, `room` is what is left for it; `None` where more than that is unknown.
    fn judge(&self, mut budget: Budget, model: Model, room: Option<u64>) -> Budget {
        let Model {
            needs,
            request,
            engine,
        } = model;
        let name = engine.map_or("the engine", |engine| engine.name.as_str());
        // By itself it may take more for them.
        if engine.is_some_and(|engine| engine.name == EngineId::TfliteMicro) {
            let words = "; activations lie as in the file of `edgefit export --to tflite`";
            budget.explanation.push_str(words);
        }
        let rest = if self.bytes > 0 {
            let words = format!("; {} B of {name} itself", self.bytes);
            budget.explanation.push_str(&words);
            "the rest of "
        } else {
            ""
        };
        if self.complete {
            return budget;
        }
        let words = format!("; {rest}{name}'s own RAM is not known");
        budget.explanation.push_str(&words);
        let other = request.profile.engines.iter().find(|other| {
            other.runtime_bytes.is_some() && computes_with(Some(*other), needs.element)
        });
        if let Some(other) = other {
            let words = format!(", `--engine {}` has figures", other.name);
            budget.explanation.push_str(&words);
        }
        match room {
            Some(room) => budget.holds_if(format!("{name}'s own RAM"), room),
            None => budget.at_least(),
        }
    }
}

fn holding(profile: &Profile, content: Content) -> impl Iterator<Item = &Bank> {
    profile
        .banks
        .iter()
        .filter(move |bank| bank.holds.contains(&content))
}

fn together<'b>(banks: impl IntoIterator<Item = &'b Bank>) -> u64 {
    let free = banks.into_iter().map(Bank::largest_buffer_bytes);
    free.fold(0, u64::saturating_add)
}

impl Model<'_> {
    /// All in a limit given by hand.
    fn in_limit(self, limit: u64) -> Budget {
        let needs = self.needs;
        let own = EngineRam::of(self.needs, self.engine);
        let need = needs.arena_bytes();
        let need = need.map(|bytes| bytes.saturating_add(own.bytes));
        let budget = Budget::bytes(Resource::Ram, need, limit, "limit", activations(needs));
        let room = need.map(|need| limit.saturating_sub(need));
        own.judge(budget, self, room)
    }

    /// The arena in the bank with the most room, the engine's own memory in any that takes it and has room left.
    fn in_one_bank(self) -> Vec<Budget> {
        let Model { needs, request, .. } = self;
        let profile = request.profile;
        let largest = Bank::largest_buffer_bytes;
        let Some(bank) = holding(profile, Content::Arena).max_by_key(|bank| largest(bank)) else {
            return Vec::new();
        };
        let own = EngineRam::of(self.needs, self.engine);
        let have = largest(bank);
        let mut need = needs.arena_bytes();
        let mut explanation = activations(needs);
        let mut room = None;
        let mut elsewhere = None;
        if let Some(arena) = need {
            let left = |other: &Bank| {
                let taken = if other.name == bank.name { arena } else { 0 };
                largest(other).saturating_sub(taken)
            };
            let home = holding(profile, Content::Runtime).max_by_key(|other| left(other));
            let most = home.map_or(0, left);
            let beside = home.is_some_and(|home| home.name == bank.name);
            match home {
                Some(home) if most < own.bytes && !bank.holds.contains(&Content::Runtime) => {
                    let words = "the engine itself, whose memory lies elsewhere than activations";
                    let need = Some(own.bytes);
                    let (resource, name) = (Resource::Ram, home.name.as_str());
                    elsewhere = Some(Budget::bytes(resource, need, most, name, words.into()));
                }
                _ if beside || most < own.bytes => {
                    need = Some(arena.saturating_add(own.bytes));
                }
                _ => {}
            }
            room = Some(most.saturating_sub(own.bytes));
            explanation.push_str(&ways(bank, arena));
        }
        let arenas: Vec<&Bank> = holding(profile, Content::Arena).collect();
        let sum = together(arenas.iter().copied());
        if arenas.len() > 1 && need.is_some_and(|need| need > have) {
            explanation.push_str(&format!(
            "; one arena lies in one bank, and this is the largest: {} banks hold {sum} B together",
            arenas.len()
        ));
            if need.is_some_and(|need| need <= sum) {
                explanation.push_str(", but no one of them holds it");
            }
        }
        let budget = Budget::bytes(Resource::Ram, need, have, &bank.name, explanation);
        let budget = own.judge(budget, self, room);
        elsewhere.into_iter().chain([budget]).collect()
    }

    /// Each activation in one of several banks.
    fn in_several_banks(self) -> Vec<Budget> {
        let Model { needs, request, .. } = self;
        let banks: Vec<&Bank> = holding(request.profile, Content::Arena).collect();
        let free: Vec<u64> = banks
            .iter()
            .map(|bank| bank.largest_buffer_bytes())
            .collect();
        let have = together(banks.iter().copied());
        let own = EngineRam::of(self.needs, self.engine);
        let mut explanation = activations(needs);
        let Some(arena) = needs.arena_bytes() else {
            let budget = Budget::bytes(Resource::Ram, None, have, &names(&banks), explanation);
            return vec![own.judge(budget, self, None)];
        };
        let mut room = 0;
        let lifetimes = [&needs.plan.lifetimes[..], &needs.plan.scratch].concat();
        let budget = match self.used(&lifetimes, &free, own.bytes) {
            Some((used, left)) => {
                room = left;
                let taken = banks.iter().zip(&used).filter(|(_, used)| **used > 0);
                let taken: Vec<&Bank> = taken.map(|(bank, _)| *bank).collect();
                if taken.len() > 1 {
                    explanation.push_str("; each activation lies in one of these banks");
                }
                let need = Some(used.iter().sum());
                Budget::bytes(
                    Resource::Ram,
                    need,
                    together(taken.iter().copied()),
                    &names(&taken),
                    explanation,
                )
            }
            None => {
                explanation.push_str("; no placement over these banks was found");
                let need = Some(arena.saturating_add(own.bytes));
                let mut budget =
                    Budget::bytes(Resource::Ram, need, have, &names(&banks), explanation);
                budget.holds = Some(false);
                budget
            }
        };
        vec![own.judge(budget, self, Some(room))]
    }

    /// Bytes that are used of each bank of activations, of which `free` are free, where `lifetimes` lie in them and
    /// `own` bytes of the engine in a bank that takes it, the largest first; and the most that is left for the engine
    /// in one bank.
    fn used(self, lifetimes: &[Lifetime], free: &[u64], own: u64) -> Option<(Vec<u64>, u64)> {
        let profile = self.request.profile;
        let largest = Bank::largest_buffer_bytes;
        let arenas: Vec<&Bank> = holding(profile, Content::Arena).collect();
        let at = |bank: &Bank| arenas.iter().position(|arena| arena.name == bank.name);
        let mut homes: Vec<&Bank> = holding(profile, Content::Runtime).collect();
        if homes.is_empty() {
            homes.clone_from(&arenas);
        }
        homes.sort_by_key(|bank| Reverse(largest(bank)));
        let mut roomy = homes.iter().filter(|bank| largest(bank) >= own);
        roomy.find_map(|bank| {
            let home = at(bank);
            let mut left = free.to_vec();
            if let Some(home) = home {
                left[home] -= own;
            }
            let placements = place_in_banks(lifetimes, ALIGNMENT, &left)?;
            let mut used = vec![0u64; free.len()];
            for (life, at) in lifetimes.iter().zip(&placements) {
                used[at.bank] = used[at.bank].max(at.offset.saturating_add(life.bytes));
            }
            if let Some(home) = home {
                used[home] = used[home].saturating_add(own);
            }
            let rooms = homes.iter().map(|other| {
                let beside = if other.name == bank.name { own } else { 0 };
                let taken = at(other).map_or(beside, |at| used[at]);
                largest(other).saturating_sub(taken)
            });
            let room = rooms.max().unwrap_or(0);
            Some((used, room))
        })
    }

    /// Activations in the largest bank, and the weights too where that bank takes them.
    fn with_weights(self) -> Vec<Budget> {
        let Model { needs, request, .. } = self;
        let largest = |content| {
            holding(request.profile, content).max_by_key(|bank| bank.largest_buffer_bytes())
        };
        let Some(arena) = largest(Content::Arena) else {
            return Vec::new();
        };
        let free = arena.largest_buffer_bytes();
        if arena.holds.contains(&Content::Weights) {
            return vec![self.loaded(free, &arena.name, WeightsHere::Yes)];
        }
        let weights = largest(Content::Weights).map(|bank| {
            let need = Some(needs.weight_bytes);
            let words = "weights".to_owned();
            Budget::bytes(
                Resource::Ram,
                need,
                bank.largest_buffer_bytes(),
                &bank.name,
                words,
            )
        });
        let arena = self.loaded(free, &arena.name, WeightsHere::No);
        weights.into_iter().chain([arena]).collect()
    }

    /// RAM of a process that has loaded the model.
    fn loaded(self, have: u64, place: &str, weights: WeightsHere) -> Budget {
        let Model {
            needs,
            request,
            engine,
        } = self;
        let budget = |need, why| Budget::bytes(Resource::Ram, need, have, place, why);
        let (weight_bytes, words) = match weights {
            WeightsHere::Yes => (
                needs.weight_bytes,
                format!("weights and {}", activations(needs)),
            ),
            WeightsHere::No => (0, activations(needs)),
        };
        let Some(arena) = needs.arena_bytes() else {
            return budget(None, words);
        };
        let process = request
            .profile
            .process_memory
            .iter()
            .find(|process| engine.is_some_and(|engine| engine.name == process.engine));
        // Processes are measured with models as they are stored.
        if let Some(process) = process.filter(|_| needs.stored) {
            let parts = model_parts(needs.graph, &needs.inference);
            let need = Some(process.peak_bytes(parts, needs.plan.arena_bytes));
            let words = format!(
                "peak of a process of {} that gives back what loading freed",
                process.engine
            );
            let mut budget = budget(need, words);
            budget.basis = NeedBasis::Calibrated;
            return budget;
        }
        let own = EngineRam::of(self.needs, self.engine);
        let known = arena.saturating_add(weight_bytes).saturating_add(own.bytes);
        if !own.complete {
            // Copies of weights that lie elsewhere are made here, too.
            let most = needs
                .weight_bytes
                .saturating_mul(3)
                .saturating_add(arena)
                .saturating_add(LOAD_BYTES);
            if most <= have {
                let words = "at most: 3 × weights, activations and 128 MiB, which engines stay below \
                         while they load";
                return budget(Some(most), words.to_owned());
            }
        }
        own.judge(budget(Some(known), words), self, None)
    }
}

/// How an arena gets into `bank`, where that is not possible in every way.
fn ways(bank: &Bank, arena: u64) -> String {
    let limits = [
        ("placed statically", &bank.static_bytes),
        ("in one block of the heap", &bank.heap_block_bytes),
    ];
    let limits: Vec<String> = limits
        .into_iter()
        .filter_map(|(way, figure)| Some((way, figure.as_ref()?)))
        .filter(|(_, figure)| figure.value < arena)
        .map(|(way, figure)| format!("; {way} at most {} B ({})", figure.value, figure.source))
        .collect();
    limits.concat()
}

fn names(banks: &[&Bank]) -> String {
    let names: Vec<&str> = banks.iter().map(|bank| bank.name.as_str()).collect();
    names.join(", ")
}

fn activations(needs: &Needs) -> String {
    match &needs.plan.scratch_node {
        Some(node) if needs.plan.scratch_bytes > 0 => format!(
            "activations and {} B of scratch for node '{node}'",
            needs.plan.scratch_bytes
        ),
        _ => "activations".to_owned(),
    }
}
