//! A model of floats in LiteRT against an engine that runs the ONNX file.

use std::path::PathBuf;

use edgefit_base::statistics::is_right;
use edgefit_engine::{Array, EngineName};
use serde::Serialize;

use crate::accuracy::IntegerAccuracy;
use crate::compare::{Pair, compare};
use crate::tolerance::Tolerance;
use crate::verdict::Verdict;

/// What became of a comparison, the document `edgefit.verify/1` of a model of floats in LiteRT.
#[derive(Debug, Serialize)]
pub struct LiteRtReport {
    /// Whether all pairs agree.
    pub verdict: Verdict,
    /// File of the model.
    pub model: PathBuf,
    /// Samples that ran.
    pub samples: usize,
    /// LiteRT with its reference kernels, and with those that it takes by itself, against the engine.
    pub pairs: Vec<LiteRtPair>,
    /// On samples whose class is known.
    pub accuracy: Vec<IntegerAccuracy>,
    /// The version of LiteRT.
    pub litert: String,
}

/// Two results of the same samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiteRtPair {
    /// One side.
    pub a: String,
    /// The other, taken as the reference.
    pub b: String,
    /// Largest difference of two elements.
    pub max_abs: f32,
    /// Length of the difference by that of the result.
    pub rel_l2: f64,
    /// Cosine of the angle between both.
    pub cosine: f64,
    /// Share of samples whose largest output is the same.
    pub top1_agree: f64,
    /// The share of its tolerance that the worst element takes.
    pub tolerance_used: f64,
    /// Whether that is within the tolerance.
    pub within: bool,
    /// The tolerance.
    pub tolerance: Tolerance,
}

/// What is known when all has run, a row for each sample.
pub(crate) struct FloatResults {
    /// File of the model.
    pub model: PathBuf,
    /// An engine, and what it gave.
    pub engine: (EngineName, Vec<Array>),
    /// The version of LiteRT.
    pub version: String,
    /// What it gave with its reference kernels, and with those that it takes by itself.
    pub litert: [Vec<Array>; 2],
    /// The class of each sample, where it is known.
    pub classes: Vec<Option<usize>>,
}

impl LiteRtReport {
    /// The report of `results`.
    pub(crate) fn of(results: FloatResults) -> Self {
        let (engine, given) = &results.engine;
        let names = ["litert", "litert-default"];
        let sides = names.into_iter().zip(&results.litert);
        let whole = stacked(given);
        let pairs: Vec<LiteRtPair> = sides
            .clone()
            .map(|(name, rows)| {
                let of = (*engine, &stacked(rows));
                pair(name, &compare(of, (*engine, &whole), Tolerance::F32))
            })
            .collect();
        let mut accuracy: Vec<IntegerAccuracy> = Vec::new();
        let engine = engine.to_string();
        for (name, rows) in sides.chain([(engine.as_str(), given)]) {
            let known = results.classes.iter().zip(rows);
            let judged = known.map(|(class, row)| is_right(&row.values, (*class)?));
            accuracy.extend(IntegerAccuracy::of(name, judged));
        }
        LiteRtReport {
            verdict: if pairs.iter().all(|pair| pair.within) {
                Verdict::Agree
            } else {
                Verdict::Diverge
            },
            model: results.model,
            samples: given.len(),
            pairs,
            accuracy,
            litert: results.version,
        }
    }
}

/// All rows as one array.
fn stacked(rows: &[Array]) -> Array {
    let width = rows.first().map_or(0, |row| row.values.len());
    let values = rows.iter().flat_map(|row| row.values.iter().copied());
    Array {
        dims: vec![rows.len(), width],
        values: values.collect(),
    }
}

fn pair(name: &str, pair: &Pair) -> LiteRtPair {
    LiteRtPair {
        a: name.to_owned(),
        b: pair.b.to_string(),
        max_abs: pair.max_abs,
        rel_l2: pair.rel_l2,
        cosine: pair.cosine,
        top1_agree: pair.top1_agree,
        tolerance_used: pair.tolerance_used,
        within: pair.within,
        tolerance: pair.tolerance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_beyond_the_tolerance_is_a_divergence() {
        let rows = |values: [[f32; 2]; 2]| {
            values.map(|row| Array {
                dims: vec![1, 2],
                values: row.to_vec(),
            })
        };
        let report = |last: f32| {
            LiteRtReport::of(FloatResults {
                model: "m.onnx".into(),
                engine: (EngineName::Tract, rows([[0.1, 2.0], [3.0, 1.0]]).to_vec()),
                version: "1".into(),
                litert: [
                    rows([[0.1, 2.0001], [3.0, 1.0]]).to_vec(),
                    rows([[0.1, 2.0], [3.0, last]]).to_vec(),
                ],
                classes: vec![Some(1), Some(1)],
            })
        };
        let near = report(1.0);
        assert_eq!(near.verdict, Verdict::Agree);
        let correct: Vec<usize> = near.accuracy.iter().map(|side| side.correct).collect();
        assert_eq!(correct, [1, 1, 1]);
        let far = report(4.0);
        assert_eq!(far.verdict, Verdict::Diverge);
        assert!(far.pairs[0].within && !far.pairs[1].within);
        assert_eq!(far.pairs[1].top1_agree, 0.5);
    }

    #[test]
    fn only_classes_among_several_outputs_are_judged() {
        let judged = |width: usize, class: usize| {
            let rows = vec![Array {
                dims: vec![1, width],
                values: vec![0.5; width],
            }];
            let report = LiteRtReport::of(FloatResults {
                model: "m.onnx".into(),
                engine: (EngineName::Tract, rows.clone()),
                version: "1".into(),
                litert: [rows.clone(), rows],
                classes: vec![Some(class)],
            });
            report.accuracy.len()
        };
        assert_eq!(judged(2, 0), 3);
        assert_eq!(judged(2, 2), 0);
        assert_eq!(judged(1, 0), 0);
    }
}
