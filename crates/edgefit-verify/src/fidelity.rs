//! A quantised model compared with the float one that it was made of: how much it keeps.

use edgefit_base::statistics::Paired;
use edgefit_engine::{Array, EngineName};
use edgefit_graph::Graph;
use edgefit_graph::quantized::first_quantized;
use serde::Serialize;

use crate::accuracy::correct;
use crate::cases::Case;
use crate::input_kind::InputKind;
use crate::layer_errors::LayerErrors;
use crate::noise::Noise;
use crate::results::Results;
use crate::setting::Setting;
use crate::tolerance::LEAST_COSINE;

/// Share of the samples that quantising may lose; a loss counts where it is certainly larger.
pub const ALLOWED_LOSS: f64 = 0.005;

/// Least signal to noise of an output in decibels: that of [`LEAST_COSINE`] where the noise has no direction
/// of its own, so that a result of the right direction and another size is not taken for right.
pub(crate) const LEAST_SQNR_DB: f64 = 16.9;

/// Which of two models is quantised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantized {
    /// The model.
    Model,
    /// What it is compared with.
    Against,
}

/// What the verdict on a quantised model rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// Labels that one of the two gets correct and the other does not.
    Accuracy,
    /// The outputs.
    Outputs,
}

/// How much a quantised model keeps of the float one, on inputs like those that it was calibrated for.
#[derive(Debug, Clone, Serialize)]
pub struct Fidelity {
    /// Which one is quantised.
    pub quantized: Quantized,
    /// What decides.
    pub decided_by: DecidedBy,
    /// Whether it keeps enough.
    pub within: bool,
    /// Its outputs in each engine.
    pub outputs: Vec<OutputFidelity>,
    /// Its labels in each engine, where they are known.
    pub accuracy: Vec<PairedLoss>,
    /// The values inside, where both show them.
    pub layers: Option<LayerErrors>,
}

/// How much of an output is kept in an engine.
#[derive(Debug, Clone, Serialize)]
pub struct OutputFidelity {
    /// The engine.
    pub engine: EngineName,
    /// Name of the output.
    pub output: String,
    /// Kind of input.
    pub input: InputKind,
    /// Number of samples.
    pub samples: usize,
    /// Cosine of the angle between the two results.
    pub cosine: f64,
    /// Signal to quantisation noise: 10 · log₁₀ of Σ float² / Σ (float − quantised)²; `null` where they are
    /// the same.
    pub sqnr_db: Option<f64>,
    /// Share of samples with the same largest element; of an output with a row of several for each sample.
    pub top1_agree: Option<f64>,
    /// The share that noise of this size leaves by itself.
    pub top1_expected: Option<f64>,
    /// The least share that is explained by it.
    pub top1_least: Option<f64>,
    /// Whether the cosine and the share are large enough.
    pub within: bool,
}

/// Labels that one of the two gets correct and the other does not, in an engine.
#[derive(Debug, Clone, Serialize)]
pub struct PairedLoss {
    /// The engine.
    pub engine: EngineName,
    /// Number of samples.
    pub samples: usize,
    /// Samples that only the float model gets correct.
    pub lost: usize,
    /// Samples that only the quantised one gets correct.
    pub gained: usize,
    /// Percentage points lost.
    pub lost_points: f64,
    /// Their standard error.
    pub paired_error: f64,
    /// Whether the loss is not certainly more than half a point.
    pub within: bool,
}

/// Which of the two models of `setting` is quantised, where exactly one is.
pub fn quantized_side(model: &Graph, other: Option<&Graph>) -> Option<Quantized> {
    match (first_quantized(model), other.map(first_quantized)?) {
        (Some(_), None) => Some(Quantized::Model),
        (None, Some(_)) => Some(Quantized::Against),
        _ => None,
    }
}

/// The two results of an engine, the float one first.
fn in_order(results: &Results, quantized: Quantized) -> Option<[&[Array]; 2]> {
    let (own, other) = (results.outputs.as_slice(), results.other.as_deref()?);
    Some(match quantized {
        Quantized::Model => [other, own],
        Quantized::Against => [own, other],
    })
}

impl Fidelity {
    /// Nothing known yet.
    pub(crate) fn new(quantized: Quantized) -> Self {
        Fidelity {
            quantized,
            decided_by: DecidedBy::Outputs,
            within: true,
            outputs: Vec::new(),
            accuracy: Vec::new(),
            layers: None,
        }
    }

    /// Adds what the engines made of a case; of inputs that no model is calibrated for nothing.
    pub(crate) fn add(&mut self, case: &Case, setting: &Setting, results: &[Results]) {
        if !case.kind.is_data() {
            return;
        }
        for result in results {
            let Some([float, quantized]) = in_order(result, self.quantized) else {
                continue;
            };
            let outputs = setting.graph.outputs.iter();
            for (output, (x, y)) in outputs.zip(float.iter().zip(quantized)) {
                let samples = result.samples.len();
                let name = output.name.clone();
                let of = (result.engine, name, case.kind, samples);
                self.outputs.push(OutputFidelity::of(of, x, y));
            }
            let known = case.labels.as_ref().and_then(|labels| {
                let samples = &result.samples;
                let float = correct(labels, samples, float)?.into_iter();
                let both = float.zip(correct(labels, samples, quantized)?);
                Some(both.filter_map(|(float, quantized)| float.zip(quantized)))
            });
            let (float, quantized): (Vec<bool>, Vec<bool>) = known.into_iter().flatten().unzip();
            if !float.is_empty() {
                let loss = PairedLoss::of(result.engine, &float, &quantized);
                self.accuracy.push(loss);
            }
        }
        if self.accuracy.is_empty() {
            self.decided_by = DecidedBy::Outputs;
            self.within = self.outputs.iter().all(|output| output.within);
        } else {
            self.decided_by = DecidedBy::Accuracy;
            self.within = self.accuracy.iter().all(|loss| loss.within);
        }
        // A result that is no number is none, whatever the labels say.
        self.within &= self.outputs.iter().all(|output| output.cosine.is_finite());
    }
}

impl Fidelity {
    /// The engines in which it does not keep enough.
    pub(crate) fn engines_not_within(&self) -> Vec<EngineName> {
        let outputs = self.outputs.iter().filter(|output| !output.within);
        let labels = self.accuracy.iter().filter(|loss| !loss.within);
        match self.decided_by {
            DecidedBy::Outputs => outputs.map(|output| output.engine).collect(),
            DecidedBy::Accuracy => labels.map(|loss| loss.engine).collect(),
        }
    }
}

impl OutputFidelity {
    fn of(
        (engine, output, input, samples): (EngineName, String, InputKind, usize),
        float: &Array,
        quantized: &Array,
    ) -> Self {
        let noise = Noise::of(float, quantized);
        let top1 = noise
            .as_ref()
            .and_then(|noise| noise.top1(float, quantized));
        let cosine = noise.as_ref().map_or(f64::NAN, |noise| noise.cosine);
        let sqnr_db = noise.as_ref().and_then(Noise::sqnr_db);
        let close = cosine >= LEAST_COSINE && sqnr_db.is_none_or(|sqnr| sqnr >= LEAST_SQNR_DB);
        OutputFidelity {
            engine,
            output,
            input,
            samples,
            cosine,
            sqnr_db,
            top1_agree: top1.map(|top1| top1.agree),
            top1_expected: top1.map(|top1| top1.expected),
            top1_least: top1.map(|top1| top1.least),
            within: close && top1.is_none_or(|top1| top1.agree >= top1.least),
        }
    }
}

impl PairedLoss {
    fn of(engine: EngineName, float: &[bool], quantized: &[bool]) -> Self {
        let count = |wanted: (bool, bool)| {
            let pairs = float.iter().copied().zip(quantized.iter().copied());
            pairs.filter(|pair| *pair == wanted).count()
        };
        let paired = Paired {
            samples: float.len(),
            lost: count((true, false)),
            gained: count((false, true)),
        };
        PairedLoss {
            engine,
            samples: paired.samples,
            lost: paired.lost,
            gained: paired.gained,
            lost_points: 100.0 * paired.loss(),
            paired_error: 100.0 * paired.standard_error(),
            within: !paired.exceeds(ALLOWED_LOSS),
        }
    }
}

#[cfg(test)]
mod tests;
