//! What may spoil a figure: each warning tells the cause and what to try next.

mod integers;

use edgefit_engine::{EngineName, FloatNode};
use serde::{Serialize, Serializer};

use crate::comparison::Comparison;
use crate::context::Context;
use crate::result::BenchResult;

/// Share of the runs above which outliers are worth a warning.
const MANY_OUTLIERS: f64 = 0.05;

/// Share of its clock that a processor has to lose to be worth a warning.
const SLOWER_CLOCK: f64 = 0.1;

/// Interval of a ratio that tells little, as a factor from end to end.
const WIDE: f64 = 1.1;

/// What may spoil a figure, and what to do next.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Warning {
    /// An emulator runs the model.
    #[error("{0} runs this binary, so no latency is shown; run edgefit on the board itself")]
    Emulated(String),
    /// The governor changes the clock.
    #[error(
        "the governor is '{0}', which changes the clock meanwhile; set it with `sudo cpupower frequency-set -g performance`"
    )]
    Governor(String),
    /// Other processes want the cores.
    #[error(
        "{load:.1} processes wanted the {cores} cores before the start; end other programs, or {}",
        .candidates.advice()
    )]
    Load {
        /// Load average.
        load: f64,
        /// Cores that there are.
        cores: usize,
        /// Candidates that there are.
        candidates: Candidates,
    },
    /// Heat lowered the clock during the measurement.
    #[error(
        "heat held the clock down {0} times meanwhile; cool the board, or measure shorter with --time"
    )]
    Throttled(u64),
    /// Heat or a weak supply lowers the clock.
    #[error(
        "heat or a weak supply holds the clock down; cool the board, or give it a stronger supply"
    )]
    HeldDown,
    /// The clock fell during the measurement.
    #[error(
        "the clock fell from {before:.2} to {after:.2} GHz meanwhile; set the governor to performance and cool the board, or {}",
        .candidates.advice()
    )]
    Clock {
        /// GHz before.
        before: f64,
        /// GHz after.
        after: f64,
        /// Candidates that there are.
        candidates: Candidates,
    },
    /// The machine runs on its battery.
    #[error("the machine runs on its battery; plug it in")]
    Battery,
    /// A hypervisor runs other machines too.
    #[error(
        "this is a virtual machine, whose neighbours take time too; measure on the board, or {}",
        .candidates.advice()
    )]
    VirtualMachine {
        /// Candidates that there are.
        candidates: Candidates,
    },
    /// There are more threads than cores.
    #[error(
        "{threads} threads on {cores} cores wait for each other; give --threads {cores} or fewer"
    )]
    Threads {
        /// Threads of the engine.
        threads: usize,
        /// Cores that there are.
        cores: usize,
    },
    /// The warm-up did not end with steady times.
    #[error(
        "{0}: not steady after 2 s of warm-up; look for what else runs, or average over more --launches"
    )]
    Unsteady(String),
    /// Many runs are outliers.
    #[error(
        "{label}: {outliers} of {samples} runs are outliers; look for what else runs, and prefer the p50"
    )]
    Outliers {
        /// The candidate.
        label: String,
        /// How many.
        outliers: usize,
        /// Of how many.
        samples: usize,
    },
    /// The system took cores away.
    #[error(
        "{label}: the system took a core away {switches} times; {}end other programs",
        if *.threads > 1 { "use fewer --threads, or " } else { "" }
    )]
    Switches {
        /// The candidate.
        label: String,
        /// How often.
        switches: u64,
        /// Threads of the engine.
        threads: usize,
    },
    /// The engine runs a quantised model in floats.
    #[error(
        "{label}: {engine} runs this quantised model in floats, slower than the float model itself; \
         {}",
        integers::advice(*.engine)
    )]
    InFloats {
        /// The candidate.
        label: String,
        /// Its engine.
        engine: EngineName,
    },
    /// The engine computes a part of a quantised model in floats.
    #[error(
        "{label}: {engine} computes {} in floats ({}); quantise them too, with both sides of each in the scheme \
         that {engine} fuses, or keep the whole block in floats",
        integers::counted(.nodes.len()),
        integers::listed(.nodes)
    )]
    FloatIslands {
        /// The candidate.
        label: String,
        /// Its engine.
        engine: EngineName,
        /// The nodes.
        nodes: Vec<FloatNode>,
    },
    /// The interval of a ratio is wide.
    #[error(
        "{what}: the interval is {from:.2} to {to:.2}, which hides what is smaller; {}",
        if *.interleaved { "raise --launches, and --time with it" } else { "measure both in one call, where they take turns" }
    )]
    Wide {
        /// The comparison.
        what: String,
        /// Its lower end.
        from: f64,
        /// Its upper end.
        to: f64,
        /// Whether the candidates took turns.
        interleaved: bool,
    },
    /// The baseline has no such candidate.
    #[error(
        "{0}: the baseline holds nothing of the same engine, threads and input shape; measure it again with these"
    )]
    NotInBaseline(String),
    /// The baseline was measured elsewhere.
    #[error(
        "the baseline was measured on another machine ({was}); measure it again on this one, or compare both models in one call"
    )]
    OtherMachine {
        /// The other machine.
        was: String,
    },
}

/// How many candidates there are, which decides what a user can try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidates {
    /// A single one.
    One,
    /// Several, compared with the first.
    Several,
}

impl Candidates {
    fn advice(self) -> &'static str {
        match self {
            Candidates::Several => "trust the ratios rather than the times",
            Candidates::One => {
                "compare with another model in the same call, since a ratio holds better than a time"
            }
        }
    }
}

/// What is looked at for warnings.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// The machine.
    pub context: &'a Context,
    /// The candidates that ran.
    pub results: &'a [BenchResult],
    /// Their comparisons.
    pub comparisons: &'a [Comparison],
    /// Most threads of a candidate, whether it ran or not.
    pub most_threads: Option<usize>,
}

impl Warning {
    /// All that a measurement itself gives reason for.
    pub fn of(seen: &Observed) -> Vec<Self> {
        let context = seen.context;
        if let Some(emulator) = &context.emulator {
            return vec![Warning::Emulated(emulator.clone())];
        }
        let candidates = if seen.results.len() > 1 {
            Candidates::Several
        } else {
            Candidates::One
        };
        let mut found = of_machine(context, candidates);
        let cores = context.cores;
        if let Some(threads) = seen.most_threads.filter(|&threads| threads > cores) {
            found.push(Warning::Threads { threads, cores });
        }
        found.extend(seen.results.iter().flat_map(of_result));
        found.extend(seen.comparisons.iter().filter_map(of_comparison));
        found
    }

    fn code(&self) -> &'static str {
        match self {
            Warning::Emulated(_) => "emulated",
            Warning::Governor(_) => "governor",
            Warning::Load { .. } => "load",
            Warning::Throttled(_) => "throttled",
            Warning::HeldDown => "held_down",
            Warning::Clock { .. } => "clock",
            Warning::Battery => "battery",
            Warning::VirtualMachine { .. } => "virtual_machine",
            Warning::Threads { .. } => "threads",
            Warning::Unsteady(_) => "unsteady",
            Warning::Outliers { .. } => "outliers",
            Warning::Switches { .. } => "switches",
            Warning::InFloats { .. } => "in_floats",
            Warning::FloatIslands { .. } => "float_islands",
            Warning::Wide { .. } => "wide",
            Warning::NotInBaseline(_) => "not_in_baseline",
            Warning::OtherMachine { .. } => "other_machine",
        }
    }
}

fn of_machine(context: &Context, candidates: Candidates) -> Vec<Warning> {
    let (before, after) = (&context.before, &context.after);
    let cores = context.cores;
    let mut found = Vec::new();
    let governor = context.governor.as_ref();
    if let Some(governor) = governor.filter(|name| *name != "performance") {
        found.push(Warning::Governor(governor.clone()));
    }
    let load = before.load_average;
    if let Some(load) = load.filter(|&load| load > cores as f64 / 2.0) {
        found.push(Warning::Load {
            load,
            cores,
            candidates,
        });
    }
    let throttled = before.throttled.zip(after.throttled);
    if let Some((before, after)) = throttled.filter(|(before, after)| after > before) {
        found.push(Warning::Throttled(after - before));
    }
    if [before.held_down, after.held_down].contains(&Some(true)) {
        found.push(Warning::HeldDown);
    }
    let clocks = before.clock_hz.zip(after.clock_hz);
    let clocks = clocks.map(|(before, after)| (before as f64 / 1e9, after as f64 / 1e9));
    let fell = |&(before, after): &(f64, f64)| after < before * (1.0 - SLOWER_CLOCK);
    if let Some((before, after)) = clocks.filter(fell) {
        found.push(Warning::Clock {
            before,
            after,
            candidates,
        });
    }
    if context.on_battery == Some(true) {
        found.push(Warning::Battery);
    }
    if context.virtual_machine == Some(true) {
        found.push(Warning::VirtualMachine { candidates });
    }
    found
}

fn of_result(result: &BenchResult) -> Vec<Warning> {
    let mut found = Vec::new();
    if let Some(share) = &result.integers {
        found.extend(integers::warning(result, share));
    }
    let Some(summary) = &result.summary else {
        return found;
    };
    let label = || result.label.clone();
    if !result.steady {
        found.push(Warning::Unsteady(label()));
    }
    let (outliers, samples) = (summary.outliers, summary.samples);
    if outliers as f64 > MANY_OUTLIERS * samples as f64 {
        found.push(Warning::Outliers {
            label: label(),
            outliers,
            samples,
        });
    }
    let switches = result.involuntary_switches;
    if let Some(switches) = switches.filter(|&count| count > samples as u64) {
        found.push(Warning::Switches {
            label: label(),
            switches,
            threads: result.threads,
        });
    }
    found
}

fn of_comparison(compared: &Comparison) -> Option<Warning> {
    let (from, to) = compared.ratio.low.zip(compared.ratio.high)?;
    (to > WIDE * from).then(|| Warning::Wide {
        what: compared.label(),
        from,
        to,
        interleaved: compared.interleaved,
    })
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut warning = serializer.serialize_struct("Warning", 2)?;
        warning.serialize_field("code", self.code())?;
        warning.serialize_field("message", &self.to_string())?;
        warning.end()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_warning_knows_what_was_asked_for() {
        let mut context = Context::read(Path::new("no/such/root"));
        context.cores = 2;
        context.before.load_average = Some(1.5);
        context.before.clock_hz = Some(2_000_000_000);
        context.after.clock_hz = Some(1_500_000_000);
        context.after.held_down = Some(true);
        let words = |candidates| -> Vec<String> {
            let found = of_machine(&context, candidates);
            found.iter().map(ToString::to_string).collect()
        };
        let alone = words(Candidates::One);
        assert_eq!(alone.len(), 3, "{alone:?}");
        assert!(alone[0].contains("in the same call"), "{alone:?}");
        assert!(alone[2].contains("from 2.00 to 1.50 GHz"), "{alone:?}");
        assert!(words(Candidates::Several)[0].contains("trust the ratios"));
    }
}
