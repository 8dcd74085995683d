use edgefit::bench::context::Context;
use serde::{Serialize, Serializer};

use super::report::BenchResult;

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
        "{load:.1} processes wanted the {cores} cores before the start; end other programs, or trust the ratios rather than the times"
    )]
    Load { load: f64, cores: usize },
    #[error(
        "heat held the clock down {0} times meanwhile; cool the board, or measure shorter with --time"
    )]
    Throttled(u64),
    #[error("the machine runs on its battery; plug it in")]
    Battery,
    #[error(
        "this is a virtual machine, whose neighbours take time too; compare candidates in one call, or measure on the board"
    )]
    VirtualMachine,
    #[error(
        "{threads} threads on {cores} cores wait for each other; give --threads {cores} or fewer"
    )]
    Threads { threads: usize, cores: usize },
    #[error("{0}: not steady after 2 s of warm-up; raise --time, or look for what else runs")]
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
        "{label}: the system took a core away {switches} times; use fewer --threads, or end other programs"
    )]
    Switches { label: String, switches: u64 },
}

impl Warning {
    /// All there are.
    pub fn of(context: &Context, results: &[BenchResult]) -> Vec<Self> {
        if let Some(emulator) = &context.emulator {
            return vec![Warning::Emulated(emulator.clone())];
        }
        let cores = context.cores;
        let mut found = Vec::new();
        if let Some(governor) = context
            .governor
            .as_ref()
            .filter(|name| *name != "performance")
        {
            found.push(Warning::Governor(governor.clone()));
        }
        if let Some(load) = context
            .before
            .load_average
            .filter(|&load| load > cores as f64 / 2.0)
        {
            found.push(Warning::Load { load, cores });
        }
        let throttled = context.before.throttled.zip(context.after.throttled);
        if let Some((before, after)) = throttled.filter(|(before, after)| after > before) {
            found.push(Warning::Throttled(after - before));
        }
        if context.on_battery == Some(true) {
            found.push(Warning::Battery);
        }
        if context.virtual_machine == Some(true) {
            found.push(Warning::VirtualMachine);
        }
        let most = results.iter().map(|result| result.threads).max();
        if let Some(threads) = most.filter(|&threads| threads > cores) {
            found.push(Warning::Threads { threads, cores });
        }
        for result in results {
            let Some(summary) = &result.summary else {
                continue;
            };
            let label = result.label();
            if !result.steady {
                found.push(Warning::Unsteady(label.clone()));
            }
            let (outliers, samples) = (summary.outliers, summary.samples);
            if outliers * 20 > samples {
                found.push(Warning::Outliers {
                    label: label.clone(),
                    outliers,
                    samples,
                });
            }
            if let Some(switches) = result
                .involuntary_switches
                .filter(|&count| count > samples as u64)
            {
                found.push(Warning::Switches { label, switches });
            }
        }
        found
    }

    fn code(&self) -> &'static str {
        match self {
            Warning::Emulated(_) => "emulated",
            Warning::Governor(_) => "governor",
            Warning::Load { .. } => "load",
            Warning::Throttled(_) => "throttled",
            Warning::Battery => "battery",
            Warning::VirtualMachine => "virtual_machine",
            Warning::Threads { .. } => "threads",
            Warning::Unsteady(_) => "unsteady",
            Warning::Outliers { .. } => "outliers",
            Warning::Switches { .. } => "switches",
        }
    }
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
