//! Each two results of a case, compared.

use edgefit_engine::{Array, EngineName};
use serde::Serialize;

use crate::cases::Case;
use crate::compare::{Pair, compare};
use crate::input_kind::InputKind;
use crate::results::Results;
use crate::setting::Setting;
use crate::tolerance::Tolerance;

/// Two results for one output on one kind of input.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// Kind of input.
    pub input: InputKind,
    /// How many samples.
    pub samples: usize,
    /// Name of the output.
    pub output: String,
    /// How far they are apart.
    #[serde(flatten)]
    pub pair: Pair,
    /// Beyond the tolerance on an edge-case input, though every node alone is within: rounding adds up,
    /// which no engine is to blame for.
    pub accumulated: bool,
    /// Whether it counts: of a quantised model and a float one, what the model is for counts instead.
    pub decides: bool,
    /// Index of the case.
    #[serde(skip)]
    pub(crate) case: usize,
}

impl Compared {
    /// Whether the difference is none that counts.
    pub fn agrees(&self) -> bool {
        self.pair.within || self.accumulated || !self.decides
    }
}

/// Compares each two results of the case with number `index`, and each output.
pub(crate) fn compare_each(
    (index, case): (usize, &Case),
    setting: &Setting,
    results: &[Results],
) -> Vec<Compared> {
    let mut found = Vec::new();
    let mut add =
        |(a, of_a): (EngineName, &[Array]), (b, of_b): (EngineName, &[Array]), samples| {
            let held = setting.tolerances.iter().zip(&setting.graph.outputs);
            for ((x, y), (tolerance, output)) in of_a.iter().zip(of_b).zip(held) {
                found.push(Compared {
                    input: case.kind,
                    samples,
                    output: output.name.clone(),
                    pair: compare((a, x), (b, y), for_kind(*tolerance, case.kind)),
                    accumulated: false,
                    decides: true,
                    case: index,
                });
            }
        };
    for (at, a) in results.iter().enumerate() {
        let of_a = (a.engine, a.outputs.as_slice());
        if let Some(other) = &a.other {
            add(of_a, (a.engine, other.as_slice()), a.samples.len());
            continue;
        }
        for b in &results[at + 1..] {
            let wanted = setting
                .only
                .is_none_or(|only| [a.engine, b.engine].contains(&only));
            if wanted {
                add(of_a, (b.engine, b.outputs.as_slice()), a.samples.len());
            }
        }
    }
    found
}

/// On an edge case, a NaN may stand where the other result has one.
pub(crate) fn for_kind(tolerance: Tolerance, kind: InputKind) -> Tolerance {
    Tolerance {
        nan_is_nan: kind.is_edge_case(),
        ..tolerance
    }
}

/// For each two engines and each output the input that takes most of the tolerance.
pub(crate) fn worst(compared: &[Compared]) -> Vec<Compared> {
    let mut worst: Vec<Compared> = Vec::new();
    let key = |of: &Compared| (!of.agrees(), of.pair.tolerance_used);
    for each in compared {
        let same = |known: &&mut Compared| {
            (known.pair.a, known.pair.b, &known.output) == (each.pair.a, each.pair.b, &each.output)
        };
        match worst.iter_mut().find(same) {
            None => worst.push(each.clone()),
            Some(known) if key(each) > key(known) => *known = each.clone(),
            Some(_) => {}
        }
    }
    worst
}
