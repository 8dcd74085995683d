use edgefit::bench::context::Context;
use serde::{Serialize, Serializer};

use super::report::{BenchResult, Compared, Report};

/// Share of the runs above which outliers are worth a word.
const MANY_OUTLIERS: f64 = 0.05;

/// Share of its clock that a processor has to lose to be worth a word.
const SLOWER_CLOCK: f64 = 0.1;

/// Interval of a ratio that tells little, as a factor from end to end.
const WIDE: f64 = 1.1;

/// What may spoil a figure, and what to do next.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Warning {
    #[error("{0} runs this binary, so no latency is shown; run edgefit on the board itself")]
    Emulated(String),
    #[error(
        "the governor is '{0}', which changes the clock meanwhile; set it with `sudo cpupower frequency-set -g performance`"
    )]
    Governor(String),
    #[error(
        "{load:.1} processes wanted the {cores} cores before the start; end other programs, or {}",
        rather(*.compared)
    )]
    Load {
        load: f64,
        cores: usize,
        compared: bool,
    },
    #[error(
        "heat held the clock down {0} times meanwhile; cool the board, or measure shorter with --time"
    )]
    Throttled(u64),
    #[error(
        "heat or a weak supply holds the clock down; cool the board, or give it a stronger supply"
    )]
    HeldDown,
    #[error(
        "the clock fell from {before:.2} to {after:.2} GHz meanwhile; set the governor to performance and cool the board, or {}",
        rather(*.compared)
    )]
    Clock {
        before: f64,
        after: f64,
        compared: bool,
    },
    #[error("the machine runs on its battery; plug it in")]
    Battery,
    #[error(
        "this is a virtual machine, whose neighbours take time too; measure on the board, or {}",
        rather(*.compared)
    )]
    VirtualMachine { compared: bool },
    #[error(
        "{threads} threads on {cores} cores wait for each other; give --threads {cores} or fewer"
    )]
    Threads { threads: usize, cores: usize },
    #[error(
        "{0}: not steady after 2 s of warm-up; look for what else runs, or give it more --time"
    )]
    Unsteady(String),
    #[error(
        "{label}: {outliers} of {samples} runs are outliers; look for what else runs, and prefer the p50"
    )]
    Outliers {
        label: String,
        outliers: usize,
        samples: usize,
    },
    #[error(
        "{label}: the system took a core away {switches} times; {}end other programs",
        if *.threads > 1 { "use fewer --threads, or " } else { "" }
    )]
    Switches {
        label: String,
        switches: u64,
        threads: usize,
    },
    #[error(
        "{what}: the interval is {from:.2} to {to:.2}, which hides what is smaller; {}",
        narrow(*.interleaved)
    )]
    Wide {
        what: String,
        from: f64,
        to: f64,
        interleaved: bool,
    },
    #[error(
        "{0}: the baseline holds nothing of the same engine, threads and input shape; measure it again with these"
    )]
    NotInBaseline(String),
    #[error(
        "the baseline was measured on another machine ({was}); measure it again on this one, or compare both models in one call"
    )]
    OtherMachine { was: String },
}

fn rather(compared: bool) -> &'static str {
    match compared {
        true => "trust the ratios rather than the times",
        false => {
            "compare with another model in the same call, since a ratio holds better than a time"
        }
    }
}

fn narrow(interleaved: bool) -> &'static str {
    match interleaved {
        true => "raise --launches, and --time with it",
        false => "measure both in one call, where they take turns",
    }
}

impl Warning {
    /// All that the report itself gives reason for.
    pub fn of(report: &Report) -> Vec<Self> {
        let context = &report.context;
        if let Some(emulator) = &context.emulator {
            return vec![Warning::Emulated(emulator.clone())];
        }
        let compared = report.results.len() > 1;
        let mut found = of_machine(context, compared);
        let cores = context.cores;
        let measured = report.results.iter().map(|result| result.threads);
        let failed = report.failures.iter().map(|failure| failure.threads);
        let most = measured.chain(failed).max();
        if let Some(threads) = most.filter(|&threads| threads > cores) {
            found.push(Warning::Threads { threads, cores });
        }
        found.extend(report.results.iter().flat_map(of_result));
        found.extend(report.comparisons.iter().filter_map(of_comparison));
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
            Warning::Wide { .. } => "wide",
            Warning::NotInBaseline(_) => "not_in_baseline",
            Warning::OtherMachine { .. } => "other_machine",
        }
    }
}

fn of_machine(context: &Context, compared: bool) -> Vec<Warning> {
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
            compared,
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
            compared,
        });
    }
    if context.on_battery == Some(true) {
        found.push(Warning::Battery);
    }
    if context.virtual_machine == Some(true) {
        found.push(Warning::VirtualMachine { compared });
    }
    found
}

fn of_result(result: &BenchResult) -> Vec<Warning> {
    let mut found = Vec::new();
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

fn of_comparison(compared: &Compared) -> Option<Warning> {
    let (from, to) = compared.ratio.low.zip(compared.ratio.high)?;
    (to > WIDE * from).then(|| Warning::Wide {
        what: compared.what(),
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
        let words = |compared| -> Vec<String> {
            let found = of_machine(&context, compared);
            found.iter().map(ToString::to_string).collect()
        };
        let alone = words(false);
        assert_eq!(alone.len(), 3, "{alone:?}");
        assert!(alone[0].contains("in the same call"), "{alone:?}");
        assert!(alone[2].contains("from 2.00 to 1.50 GHz"), "{alone:?}");
        assert!(words(true)[0].contains("trust the ratios"));
    }
}
