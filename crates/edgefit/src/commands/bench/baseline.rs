use std::path::Path;

use anyhow::Context as _;
use edgefit::bench::compare::unpaired;
use edgefit::bench::context::Context;
use edgefit::engine::{EngineName, Provider};
use serde::Deserialize;

use super::report::{Basis, BenchResult, Compared};
use super::warning::Warning;

/// What an earlier call measured.
#[derive(Deserialize)]
pub struct Baseline {
    schema: String,
    results: Vec<Earlier>,
    context: Machine,
}

#[derive(Deserialize)]
struct Earlier {
    model: String,
    engine: EngineName,
    provider: Provider,
    threads: usize,
    input_shapes: Vec<Vec<usize>>,
    launches: Vec<Launch>,
}

#[derive(Deserialize)]
struct Launch {
    p50_ns: u64,
}

#[derive(Deserialize)]
struct Machine {
    arch: String,
    cpu: Option<String>,
    cores: usize,
}

/// Reads what `edgefit bench --json` wrote.
pub fn read(path: &Path) -> anyhow::Result<Baseline> {
    let mend = || {
        format!(
            "--baseline {}: not what `edgefit bench --json` writes",
            path.display()
        )
    };
    let text = std::fs::read(path)
        .with_context(|| format!("cannot read --baseline {}", path.display()))?;
    let baseline: Baseline = serde_json::from_slice(&text).with_context(mend)?;
    anyhow::ensure!(baseline.schema == "edgefit.bench/1", mend());
    Ok(baseline)
}

impl Baseline {
    /// Each result against the one of the same engine, threads and input shapes, of the same model if
    /// there is one, else of the only model that there was; and what is to be said of it.
    pub fn against(
        &self,
        results: &[BenchResult],
        context: &Context,
    ) -> (Vec<Compared>, Vec<Warning>) {
        let mut warnings = Vec::new();
        let machine = &self.context;
        if (&machine.arch, &machine.cpu, machine.cores)
            != (&context.arch, &context.cpu, context.cores)
        {
            warnings.push(Warning::OtherMachine {
                was: format!(
                    "{}, {} cores",
                    machine.cpu.as_ref().unwrap_or(&machine.arch),
                    machine.cores
                ),
            });
        }
        let mut compared = Vec::new();
        for result in results {
            match self.like(result) {
                Some(earlier) => {
                    let before = earlier.launches.iter().map(|launch| launch.p50_ns);
                    let now = result.launches.iter().map(|launch| launch.p50_ns);
                    let (before, now): (Vec<u64>, Vec<u64>) = (before.collect(), now.collect());
                    let ratio = unpaired(&before, &now);
                    compared.extend(ratio.map(|ratio| Compared {
                        candidate: result.label.clone(),
                        reference: format!("{} in the baseline", earlier.model),
                        interleaved: false,
                        basis: Basis::Time,
                        ratio,
                    }));
                }
                None => warnings.push(Warning::NotInBaseline(result.label.clone())),
            }
        }
        (compared, warnings)
    }

    fn like(&self, result: &BenchResult) -> Option<&Earlier> {
        let mut alike = self.results.iter().filter(|earlier| {
            (earlier.engine, earlier.provider, earlier.threads)
                == (result.engine, result.provider, result.threads)
                && earlier.input_shapes == result.input_shapes
        });
        let same = alike.clone().find(|earlier| earlier.model == result.model);
        same.or_else(|| alike.next().filter(|_| alike.next().is_none()))
    }
}
