//! Which preprocessing a backbone was trained with (EF06), and whether it ends in logits (EF04).

use edgefit_base::statistics::power_sums;
use edgefit_data::{RgbImage, normalised};
use edgefit_engine::{Array, Copies, EngineName};
use edgefit_graph::rewrite::extract;
use edgefit_graph::{Graph, ImageInput, Node, Preprocessing, ValueInfo};
use edgefit_guards::ef06_preprocessing::{
    Candidate, Evidence, NEARER, Values, check, check_values, log_ratio,
};
use edgefit_guards::{Findings, ef04_logits};

use crate::error::Result;
use crate::prepare::preparation::Preparation;
use crate::prepare::preprocessing_candidates::{candidates, left_by, range};
use crate::prepare::scales_inside::scales_inside;
use crate::prepare::some_images::SomeImages;

/// Images whose statistics are looked at.
const STATISTICS: usize = 32;

/// Images on which the confidence of the original head is measured.
const IMAGES: usize = 128;

/// The model as it came, but for a softmax at its end.
pub(crate) struct Original<'a> {
    pub graph: &'a Graph,
    /// The softmax or sigmoid that was cut off.
    pub cut: Option<&'a str>,
    pub engine: EngineName,
    pub threads: usize,
}

/// The preprocessing in use, and where it comes from.
pub(crate) struct Chosen {
    pub preprocessing: Preprocessing,
    /// Whether neither the model nor the user says which one it is.
    pub guessed: bool,
}

impl Original<'_> {
    /// Tries all known ways to prepare `images` and finds whether the model was trained with another
    /// than `used` (EF06), and whether it ends in logits (EF04). Without `used`, the one that fits
    /// best is taken.
    pub fn try_out(
        &self,
        used: Option<&Preprocessing>,
        input: &ImageInput,
        mut images: SomeImages,
        findings: &mut Findings,
    ) -> Result<Chosen> {
        let mut candidates = candidates(used, input);
        // It says more than any statistics of what comes out.
        if let Some(inside) = scales_inside(self.graph) {
            candidates = left_by(&inside, candidates, used.is_some(), findings);
        }
        let normalisation = self.first_normalisation()?;
        let normalisation = normalisation
            .as_ref()
            .map(|(front, running)| (self.running(front), running));
        let mut tried: Vec<Candidate> = Vec::with_capacity(candidates.len());
        for (name, preprocessing) in &candidates {
            let log_ratio = match &normalisation {
                Some((front, running)) => {
                    let images = images.resized(preprocessing, STATISTICS);
                    log_ratio(&front.variance(images, prepared(preprocessing))?, running)
                }
                None => None,
            };
            tried.push(Candidate {
                name: name.clone(),
                log_ratio,
                confidences: Vec::new(),
            });
        }
        // A whole run is slow: it only decides between candidates that the statistics cannot tell apart.
        let ratio = |candidate: &Candidate| candidate.log_ratio.unwrap_or(0.0);
        let nearest = tried.iter().map(ratio).fold(f64::INFINITY, f64::min);
        let open =
            |at: usize, candidate: &Candidate| at == 0 || ratio(candidate) <= nearest + NEARER;
        let many = match normalisation {
            Some(_) => IMAGES,
            None => STATISTICS,
        };
        let whole = self.running(self.graph);
        let mut outputs = Vec::new();
        for (at, (_, preprocessing)) in candidates.iter().enumerate() {
            if !open(at, &tried[at]) {
                continue;
            }
            let images = images.resized(preprocessing, many);
            if at == 0 && used.is_some() {
                findings.record(check_values(&values(images, preprocessing)));
            }
            let made = whole.logits(images, prepared(preprocessing))?;
            let classes = made.len() / images.len().max(1);
            if classes > 1 {
                tried[at].confidences = made.chunks(classes).map(confidence).collect();
            }
            if at == 0 {
                outputs = made;
            }
        }
        let rows = tried.first().map_or(0, |first| first.confidences.len());
        findings.record(ef04_logits::check(&self.outputs(&outputs, rows)));
        let best = match used {
            Some(_) => 0,
            None => best(&tried),
        };
        findings.record(check(&Evidence {
            used: best,
            guessed: used.is_none(),
            candidates: tried,
        }));
        Ok(Chosen {
            preprocessing: candidates.swap_remove(best).1,
            guessed: used.is_none(),
        })
    }

    /// Finds whether the model ends in logits (EF04), on `samples` that are prepared already.
    pub fn try_arrays(
        &self,
        samples: &[Vec<f32>],
        preparation: &Preparation,
        findings: &mut Findings,
    ) -> Result<()> {
        let prepare = |sample: &Vec<f32>| preparation.batch(std::slice::from_ref(sample));
        let logits = self.running(self.graph).logits(samples, prepare)?;
        findings.record(ef04_logits::check(&self.outputs(&logits, samples.len())));
        Ok(())
    }

    fn outputs(&self, logits: &[f32], rows: usize) -> ef04_logits::Evidence {
        let logits: Vec<f64> = logits.iter().copied().map(f64::from).collect();
        ef04_logits::Evidence {
            removed: self.cut.map(str::to_owned),
            ..ef04_logits::Evidence::of_outputs(&logits, rows)
        }
    }

    /// The value in front of the first normalisation behind a layer, and the running variance there.
    fn first_normalisation(&self) -> Result<Option<(Graph, Vec<f64>)>> {
        // One in front of the first layer scales images, and says nothing of what the layer learnt.
        let layers = |node: &&Node| ["Conv", "Gemm", "MatMul"].contains(&node.op.as_str());
        let mut nodes = self.graph.nodes.iter().skip_while(|node| !layers(node));
        let Some(node) = nodes.find(|node| node.op == "BatchNormalization") else {
            return Ok(None);
        };
        let running = node
            .input(4)
            .and_then(|name| self.graph.initializers.get(name));
        let (Some(value), Some(running)) = (node.input(0), running) else {
            return Ok(None);
        };
        let front = extract(self.graph, &self.graph.inputs, &[ValueInfo::float(value)])?;
        let running = running.to_f32()?.into_iter().map(f64::from).collect();
        Ok(Some((front, running)))
    }

    fn running<'g>(&self, graph: &'g Graph) -> Running<'g> {
        Running {
            copies: Copies::new(self.engine, graph, self.threads),
        }
    }
}

/// A graph that samples go through, on all threads. Each is prepared when it is its turn, so that few are alive.
struct Running<'g> {
    copies: Copies<'g>,
}

impl Running<'_> {
    /// What `look` makes of the outputs for each sample.
    fn each<S: Sync, R: Send>(
        &self,
        samples: &[S],
        prepare: impl Fn(&S) -> Array + Sync,
        look: impl Fn(Vec<Array>) -> R + Sync,
    ) -> Result<Vec<R>> {
        let run = |sample: &S| Ok(look(self.copies.run(&[prepare(sample)])?));
        let made = self.copies.map(samples, run);
        made.into_iter().collect()
    }

    /// The first output for all samples.
    fn logits<S: Sync>(
        &self,
        samples: &[S],
        prepare: impl Fn(&S) -> Array + Sync,
    ) -> Result<Vec<f32>> {
        let first = |made: Vec<Array>| made.into_iter().next().map(|array| array.values);
        let made = self.each(samples, prepare, first)?;
        Ok(made.into_iter().flatten().flatten().collect())
    }

    /// Variance of each channel of what it makes of all samples.
    fn variance<S: Sync>(
        &self,
        samples: &[S],
        prepare: impl Fn(&S) -> Array + Sync,
    ) -> Result<Vec<f64>> {
        let each = self.each(samples, prepare, |made| {
            made.iter().flat_map(sums).collect::<Vec<[f64; 3]>>()
        })?;
        let mut all = each
            .first()
            .map_or_else(Vec::new, |sums| vec![[0.0; 3]; sums.len()]);
        for sums in each {
            for (all, sums) in all.iter_mut().zip(sums) {
                for (all, one) in all.iter_mut().zip(sums) {
                    *all += one;
                }
            }
        }
        let variance = all.into_iter().map(|[count, sum, squares]| {
            let mean = sum / count;
            squares / count - mean * mean
        });
        Ok(variance.collect())
    }
}

/// Count, sum and sum of squares of each channel.
fn sums(array: &Array) -> Vec<[f64; 3]> {
    let channels = array.dims.get(1).copied().unwrap_or(1).max(1);
    let inner = array.values.len() / channels;
    let chunks = array.values.chunks(inner.max(1));
    chunks.map(power_sums).collect()
}

/// Place of the candidate that fits best: by the statistics where one is clearly nearer, and by the
/// confidence among those.
fn best(tried: &[Candidate]) -> usize {
    let ratio = |candidate: &Candidate| candidate.log_ratio.unwrap_or(0.0);
    let nearest = tried.iter().map(ratio).fold(f64::INFINITY, f64::min);
    let mean = |candidate: &Candidate| {
        candidate.confidences.iter().sum::<f64>() / candidate.confidences.len().max(1) as f64
    };
    let near = tried
        .iter()
        .enumerate()
        .filter(|(_, candidate)| ratio(candidate) <= nearest + NEARER);
    let surest = near.max_by(|(_, a), (_, b)| mean(a).total_cmp(&mean(b)));
    surest.map_or(0, |(at, _)| at)
}

/// Highest probability under softmax.
fn confidence(logits: &[f32]) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits
        .iter()
        .map(|&logit| f64::from(logit - most).exp())
        .sum();
    1.0 / sum
}

/// Prepares an image that has the model's size.
fn prepared(preprocessing: &Preprocessing) -> impl Fn(&RgbImage) -> Array + Sync {
    let preparation = Preparation::Images(preprocessing.clone());
    move |image| preparation.batch(&[normalised(image, preprocessing)])
}

fn values(images: &[RgbImage], preprocessing: &Preprocessing) -> Values {
    let mut found = Values::none(range(preprocessing));
    for image in images {
        found.add(&normalised(image, preprocessing));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_that_of_softmax() {
        let expected = 1f64.exp() / (1f64.exp() + 1.0);
        assert!((confidence(&[1.0, 0.0]) - expected).abs() < 1e-9);
    }
}
