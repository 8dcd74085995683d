//! Results of an earlier call, which new ones are compared with.

use std::path::Path;

use edgefit_base::schema;
use edgefit_engine::{EngineName, Provider};
use serde::Deserialize;

use crate::comparison::{Basis, Comparison};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ratio::unpaired;
use crate::result::BenchResult;
use crate::warning::Warning;

/// Schema of the document of `edgefit bench`.
pub const SCHEMA: &str = "edgefit.bench/1";

/// What an earlier call measured.
#[derive(Debug, Deserialize)]
pub struct Baseline {
    results: Vec<EarlierResult>,
    context: Machine,
}

#[derive(Debug, Deserialize)]
struct EarlierResult {
    model: String,
    engine: EngineName,
    provider: Provider,
    threads: usize,
    input_shapes: Vec<Vec<usize>>,
    launches: Vec<Launch>,
}

#[derive(Debug, Deserialize)]
struct Launch {
    p50_ns: u64,
}

#[derive(Debug, Deserialize)]
struct Machine {
    arch: String,
    cpu: Option<String>,
    cores: usize,
}

impl Baseline {
    /// Reads what `edgefit bench --json` wrote.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let text = edgefit_base::file::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_path_buf(),
            source,
        })?;
        schema::from_json(&text, SCHEMA).map_err(|source| Error::NotABaseline {
            path: path.to_path_buf(),
            source,
        })
    }

    /// Each result against the one of the same engine, threads and input shapes, of the same model if
    /// there is one, else of the only model that there was; and the warnings about it.
    pub fn against(
        &self,
        results: &[BenchResult],
        context: &Context,
    ) -> (Vec<Comparison>, Vec<Warning>) {
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
                    compared.extend(ratio.map(|ratio| Comparison {
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

    fn like(&self, result: &BenchResult) -> Option<&EarlierResult> {
        let mut alike = self.results.iter().filter(|earlier| {
            (earlier.engine, earlier.provider, earlier.threads)
                == (result.engine, result.provider, result.threads)
                && earlier.input_shapes == result.input_shapes
        });
        let same = alike.clone().find(|earlier| earlier.model == result.model);
        same.or_else(|| alike.next().filter(|_| alike.next().is_none()))
    }
}
