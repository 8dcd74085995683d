//! The model on its device: budgets, the arena over time, and where the time goes.

use edgefit_base::units::format;

use crate::document::Check;
use crate::page::Allowance;
use crate::run::Deployed;
use crate::words::shown;

/// Buffers that are listed at the peak.
const AT_PEAK: usize = 12;

/// The model on its device.
pub(crate) struct DeviceCard {
    pub device: String,
    pub engine: Option<String>,
    pub verdict: String,
    pub budgets: Vec<BudgetRow>,
    pub latency: Option<Time>,
    pub note: Option<String>,
    pub arena: Option<Arena>,
    pub blocks: Vec<BlockRow>,
}

/// A budget.
pub(crate) struct BudgetRow {
    pub resource: String,
    pub place: String,
    pub need: String,
    pub have: String,
    pub margin: String,
    /// Share of what there is, in hundredths, 100 at most.
    pub bar: u32,
    pub tone: super::Tone,
    pub basis: String,
    pub explanation: String,
}

/// The time of a run.
pub(crate) struct Time {
    pub words: String,
    pub basis: String,
    pub threads: u32,
}

/// The activations in memory.
pub(crate) struct Arena {
    pub picture: String,
    pub left_out: Option<String>,
    pub peak: String,
    pub node: String,
    pub buffers: Vec<BufferRow>,
    pub more: usize,
    /// Whether the limit is for more than activations.
    pub shares_memory: bool,
}

/// What is alive at the peak.
pub(crate) struct BufferRow {
    pub name: String,
    pub bytes: String,
    pub share: String,
}

/// Nodes that belong together.
pub(crate) struct BlockRow {
    pub name: String,
    pub nodes: usize,
    pub macs: String,
    pub time: String,
    pub share: String,
    pub bar: u32,
}

impl DeviceCard {
    pub fn of(check: &Check, deployed: Option<&Deployed>, allowance: Allowance) -> Self {
        let time = check.latency.as_ref().map(|latency| Time {
            words: latency.words(),
            basis: latency.basis.clone(),
            threads: latency.threads,
        });
        let arena = deployed.and_then(|deployed| {
            let (picture, left_out) = deployed.picture(allowance.buffers)?;
            let peak = deployed.peak()?;
            let listed = peak
                .buffers
                .iter()
                .take(AT_PEAK)
                .map(|(name, bytes)| BufferRow {
                    name: shown(name),
                    bytes: format::bytes(*bytes),
                    share: format::share(*bytes, peak.bytes),
                });
            Some(Arena {
                picture,
                left_out,
                peak: format::bytes(peak.bytes),
                node: shown(&peak.node),
                buffers: listed.collect(),
                more: peak.buffers.len().saturating_sub(AT_PEAK),
                shares_memory: deployed.shares_memory(),
            })
        });
        let blocks = deployed.map_or(Vec::new(), |deployed| deployed.blocks());
        let whole: u64 = blocks.iter().map(|block| block.ns).sum();
        let most = blocks
            .iter()
            .map(|block| block.ns)
            .max()
            .unwrap_or(1)
            .max(1);
        let blocks = blocks.into_iter().map(|block| BlockRow {
            name: shown(&block.name),
            nodes: block.nodes,
            macs: format::count(block.macs),
            time: format::milliseconds(block.ns),
            share: format::share(block.ns, whole),
            bar: (100 * block.ns / most) as u32,
        });
        DeviceCard {
            device: shown(&check.device),
            engine: check.engine.as_deref().map(shown),
            verdict: check.words(),
            budgets: budgets(check),
            latency: time,
            note: check.note.as_deref().map(shown),
            arena,
            blocks: blocks.collect(),
        }
    }
}

fn budgets(check: &Check) -> Vec<BudgetRow> {
    let rows = check.budgets.iter().map(|budget| {
        let [need, have] = budget.amounts();
        BudgetRow {
            resource: match budget.resource.as_str() {
                "ram" => "RAM".into(),
                other => shown(other),
            },
            place: shown(&budget.place),
            need,
            have,
            margin: budget.margin_words(),
            bar: (100.0 * budget.share().unwrap_or(0.0)).min(100.0).round() as u32,
            tone: match budget.holds {
                Some(true) => super::Tone::Good,
                Some(false) => super::Tone::Bad,
                None => super::Tone::Unsure,
            },
            basis: shown(&budget.basis),
            explanation: budget.explanation.clone(),
        }
    });
    rows.collect()
}
