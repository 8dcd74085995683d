use std::path::Path;

use anyhow::Context;
use edgefit::bench::compare::unpaired;
use edgefit::engine::EngineName;
use serde::Deserialize;

use super::report::{BenchResult, Compared};

/// What an earlier call measured.
#[derive(Deserialize)]
pub struct Baseline {
    schema: String,
    results: Vec<Earlier>,
}

#[derive(Deserialize)]
struct Earlier {
    model: String,
    engine: EngineName,
    threads: usize,
    launch_p50_ns: Vec<u64>,
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
    /// Each result against the one of the same engine and threads, of the same model if there is one,
    /// else of the only model that there was.
    pub fn against(&self, results: &[BenchResult]) -> Vec<Compared> {
        let compare = |result: &BenchResult| {
            let mut alike = self.results.iter().filter(|earlier| {
                earlier.engine == result.engine && earlier.threads == result.threads
            });
            let same = alike.clone().find(|earlier| earlier.model == result.model);
            let earlier = match same {
                Some(same) => same,
                None => alike.next().filter(|_| alike.next().is_none())?,
            };
            Some(Compared {
                candidate: result.label(),
                reference: format!("{} in the baseline", earlier.model),
                interleaved: false,
                ratio: unpaired(&earlier.launch_p50_ns, &result.launch_p50_ns)?,
            })
        };
        results.iter().filter_map(compare).collect()
    }
}
