//! EF06: images must be preprocessed as the backbone was trained.

mod scaled_twice;

use edgefit_base::statistics::median;

use crate::statistics::{mean, mean_and_error};
use crate::{Code, Finding, Status};
pub use scaled_twice::{Inside, Way, check_inside, wanted};

/// Median |ln(batch variance / running variance)| at the first normalisation from which on inputs
/// look wrong. Measured on EfficientNet-Lite0 and two sets of images: right 0.26 to 0.28, wrong
/// 1.30 to 9.8.
pub const LOG_RATIO: f64 = 1.0;
/// By how much the log ratio of another candidate must be smaller for it to fit better.
pub const NEARER: f64 = 0.5;
/// Log ratio (a factor of 10) from which on inputs look wrong even if no candidate fits better.
pub const FAR: f64 = std::f64::consts::LN_10;
/// By how much the original head must be more confident under another candidate, in the mean.
/// Measured: right 0.556, BGR 0.470, ImageNet statistics 0.474.
pub const MORE_CONFIDENT: f64 = 0.05;
/// [`NEARER`] and [`MORE_CONFIDENT`] for a candidate that is both. Measured: `unit` instead of `lite`
/// on 32 photographs, 0.96 against 0.53 and 0.389 against 0.434.
pub const BOTH: [f64; 2] = [0.25, 0.02];
/// Standard errors of the paired difference in confidence that it must exceed: several candidates
/// are compared.
pub const ERRORS: f64 = 3.0;

/// Median over channels of |ln(batch variance / running variance)|; `None` without channels that have
/// both. A mean would be ruled by a few dead channels.
pub fn log_ratio(batch_variance: &[f64], running_variance: &[f64]) -> Option<f64> {
    let pairs = batch_variance.iter().zip(running_variance);
    let known = pairs.filter(|(batch, running)| **batch > 0.0 && **running > 0.0);
    median(known.map(|(batch, running)| (batch / running).ln().abs()))
}

/// Elements of the prepared images.
#[derive(Debug, Clone, Copy)]
pub struct Values {
    /// How many are NaN or infinite.
    pub non_finite: usize,
    /// Smallest of the others.
    pub smallest: f64,
    /// Largest of the others.
    pub largest: f64,
    /// Smallest and largest value that the preprocessing can give.
    pub range: [f64; 2],
}

impl Values {
    /// Those of no image, prepared into `range`.
    pub fn none(range: [f64; 2]) -> Self {
        Values {
            non_finite: 0,
            smallest: f64::INFINITY,
            largest: f64::NEG_INFINITY,
            range,
        }
    }

    /// Counts the elements of an image.
    pub fn add(&mut self, elements: &[f32]) {
        for element in elements.iter().copied().map(f64::from) {
            if element.is_finite() {
                self.smallest = self.smallest.min(element);
                self.largest = self.largest.max(element);
            } else {
                self.non_finite += 1;
            }
        }
    }
}

/// Fails where elements are non-finite, or out of the range of the preprocessing, or all equal.
pub fn check_values(values: &Values) -> Finding {
    let [low, high] = values.range;
    let slack = 1e-3 * (high - low);
    let problem = match values {
        Values { non_finite, .. } if *non_finite > 0 => {
            format!("{non_finite} elements of the prepared images are NaN or infinite")
        }
        Values {
            smallest, largest, ..
        } if *smallest < low - slack || *largest > high + slack => {
            format!(
                "prepared images range from {smallest:.3} to {largest:.3}, and the \
                preprocessing gives {low:.3} to {high:.3}"
            )
        }
        Values {
            smallest, largest, ..
        } if smallest == largest => {
            format!("every element of the prepared images is {smallest:.3}")
        }
        Values {
            smallest, largest, ..
        } => {
            let text = format!("prepared images range from {smallest:.3} to {largest:.3}");
            return Finding::new(Code::Ef06, Status::Pass, text);
        }
    };
    Finding::new(Code::Ef06, Status::Failed, problem)
}

/// A preprocessing, tried on some of the user's images.
#[derive(Debug, Clone, Default)]
pub struct Candidate {
    /// Name, such as `imagenet` or `lite, BGR`.
    pub name: String,
    /// [`log_ratio`] at the first normalisation, where the backbone kept one.
    pub log_ratio: Option<f64>,
    /// Highest probability of the original head for each image, the same images for all candidates;
    /// empty without such a head.
    pub confidences: Vec<f64>,
}

/// Candidates for the preprocessing, and the one in use.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What was tried.
    pub candidates: Vec<Candidate>,
    /// Index of the one in use.
    pub used: usize,
    /// Whether it was chosen because neither the model nor the user says.
    pub guessed: bool,
}

/// Fails where the statistics favour another candidate, and warns where only the confidence does, as
/// for BGR.
pub fn check(evidence: &Evidence) -> Finding {
    let Some(used) = evidence.candidates.get(evidence.used) else {
        return Finding::new(Code::Ef06, Status::Off, "no preprocessing was tried");
    };
    if let Some(finding) = by_statistics(used, &evidence.candidates) {
        return finding;
    }
    if let Some(finding) = by_both(used, &evidence.candidates) {
        return finding;
    }
    if let Some(finding) = by_confidence(used, &evidence.candidates) {
        return finding;
    }
    let (name, figures) = (&used.name, figures(used));
    if evidence.guessed {
        let text =
            format!("the model does not name its preprocessing; '{name}' fits best ({figures})");
        return Finding::new(Code::Ef06, Status::Fixed, text);
    }
    let text = format!("no candidate fits better than '{name}' ({figures})");
    Finding::new(Code::Ef06, Status::Pass, text)
}

fn by_statistics(used: &Candidate, candidates: &[Candidate]) -> Option<Finding> {
    let own = used.log_ratio.filter(|own| *own >= LOG_RATIO)?;
    let of = |candidate: &Candidate| candidate.log_ratio.unwrap_or(f64::INFINITY);
    let best = candidates.iter().min_by(|a, b| of(a).total_cmp(&of(b)))?;
    if of(best) <= own - NEARER {
        let text = format!(
            "the images do not look as the backbone expects under '{}' ({}); '{}' fits \
            ({}): {}",
            used.name,
            figures(used),
            best.name,
            figures(best),
            remedy(&best.name)
        );
        return Some(Finding::new(Code::Ef06, Status::Failed, text));
    }
    (own >= FAR).then(|| {
        let text = format!(
            "under no known preprocessing do the images look as the backbone expects \
            ('{}': {}); look at their range",
            used.name,
            figures(used)
        );
        Finding::new(Code::Ef06, Status::Warning, text)
    })
}

/// What to do where the candidate called `name` fits best.
fn remedy(name: &str) -> String {
    match name.split_once(", ") {
        Some((name, order)) => format!(
            "its channels are {order}, which no name of --preprocessing says; turn those of the model's first layer \
             around, and use `--preprocessing {name}`"
        ),
        None => format!("use `--preprocessing {name}`"),
    }
}

/// How much more confident the original head is under `other` than under `used`, if by more than
/// `least` and than the noise.
fn more_confident(other: &Candidate, used: &Candidate, least: f64) -> Option<f64> {
    let pairs = other.confidences.iter().zip(&used.confidences);
    let more: Vec<f64> = pairs.map(|(other, own)| other - own).collect();
    let (mean, error) = mean_and_error(&more);
    (mean > least && mean > ERRORS * error).then_some(mean)
}

/// A candidate that fits somewhat better by both figures.
fn by_both(used: &Candidate, candidates: &[Candidate]) -> Option<Finding> {
    let own = used.log_ratio?;
    let [nearer, least] = BOTH;
    let rivals = candidates.iter().filter(|candidate| {
        candidate
            .log_ratio
            .is_some_and(|other| other <= own - nearer)
    });
    let rivals = rivals.filter_map(|other| Some((more_confident(other, used, least)?, other)));
    let (_, best) = rivals.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let text = format!(
        "the images look less as the backbone expects under '{}' ({}) than under '{}' ({}): {}",
        used.name,
        figures(used),
        best.name,
        figures(best),
        remedy(&best.name)
    );
    Some(Finding::new(Code::Ef06, Status::Failed, text))
}

/// Another candidate counts only if its statistics do not rule it out.
fn by_confidence(used: &Candidate, candidates: &[Candidate]) -> Option<Finding> {
    let as_near = |candidate: &&Candidate| match (used.log_ratio, candidate.log_ratio) {
        (Some(own), Some(other)) => other <= own + NEARER,
        _ => true,
    };
    let rivals = candidates.iter().filter(as_near);
    let rivals = rivals.filter_map(|candidate| {
        Some((more_confident(candidate, used, MORE_CONFIDENT)?, candidate))
    });
    let (more, best) = rivals.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let text = format!(
        "the original head is more confident by {more:.3} under '{}' ({}) than under '{}' ({})",
        best.name,
        figures(best),
        used.name,
        figures(used)
    );
    Some(Finding::new(Code::Ef06, Status::Warning, text))
}

fn figures(candidate: &Candidate) -> String {
    let ratio = candidate
        .log_ratio
        .map(|ratio| format!("variance off by a factor of {:.1}", ratio.exp()));
    let confidences = &candidate.confidences;
    let confidence =
        (!confidences.is_empty()).then(|| format!("confidence {:.3}", mean(confidences)));
    let known: Vec<String> = ratio.into_iter().chain(confidence).collect();
    if known.is_empty() {
        "no figures".into()
    } else {
        known.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, log_ratio: f64, confidence: f64) -> Candidate {
        let spread = [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3];
        Candidate {
            name: name.into(),
            log_ratio: Some(log_ratio),
            confidences: spread.map(|off| confidence + off).repeat(5),
        }
    }

    /// The figures measured on EfficientNet-Lite0.
    fn measured(used: usize) -> Evidence {
        Evidence {
            candidates: vec![
                candidate("lite", 0.27, 0.556),
                candidate("tf", 0.27, 0.557),
                candidate("imagenet", 1.5, 0.474),
                candidate("raw", 9.6, 0.21),
                candidate("lite, BGR", 0.29, 0.470),
            ],
            used,
            guessed: false,
        }
    }

    #[test]
    fn what_cannot_be_typed_is_not_proposed() {
        assert_eq!(remedy("lite"), "use `--preprocessing lite`");
        let turned = remedy("lite, BGR");
        assert!(turned.contains("are BGR") && turned.ends_with("`--preprocessing lite`"));
    }

    #[test]
    fn the_wrong_preprocessing_is_raised_and_the_right_one_named() {
        for (used, status) in [
            (0, Status::Pass),
            (1, Status::Pass),
            (2, Status::Failed),
            (3, Status::Failed),
            (4, Status::Warning),
        ] {
            let finding = check(&measured(used));
            assert_eq!(finding.status, status, "{}", finding.message);
            assert!(finding.message.contains("'lite'") || finding.message.contains("'tf'"));
        }
        let guessed = Evidence {
            guessed: true,
            ..measured(0)
        };
        assert_eq!(check(&guessed).status, Status::Fixed);
    }

    #[test]
    fn images_unlike_photographs_are_not_a_wrong_preprocessing() {
        let candidates = vec![candidate("lite", 1.3, 0.3), candidate("imagenet", 1.2, 0.3)];
        let unlike = Evidence {
            candidates,
            ..Evidence::default()
        };
        assert_eq!(check(&unlike).status, Status::Pass);
        let candidates = vec![candidate("lite", 5.0, 0.3), candidate("imagenet", 4.9, 0.3)];
        let far = Evidence {
            candidates,
            ..Evidence::default()
        };
        assert_eq!(check(&far).status, Status::Warning);
    }

    #[test]
    fn noise_in_the_confidence_is_not_raised() {
        let mut evidence = measured(0);
        let noise = |(i, c): (usize, &f64)| c + if i % 2 == 0 { 0.5 } else { -0.35 };
        let confidences = evidence.candidates[0]
            .confidences
            .iter()
            .enumerate()
            .map(noise);
        evidence.candidates[4].confidences = confidences.collect();
        assert_eq!(check(&evidence).status, Status::Pass);
    }

    #[test]
    fn impossible_values_are_raised() {
        let right = Values {
            non_finite: 0,
            smallest: -0.99,
            largest: 1.0,
            range: [-1.0, 1.0],
        };
        assert_eq!(check_values(&right).status, Status::Pass);
        for wrong in [
            Values {
                non_finite: 1,
                ..right
            },
            Values {
                largest: 255.0,
                ..right
            },
            Values {
                largest: -0.99,
                ..right
            },
        ] {
            assert_eq!(check_values(&wrong).status, Status::Failed);
        }
    }

    #[test]
    fn dead_channels_do_not_rule_the_ratio() {
        let ratio = log_ratio(&[1.0, 1.1, 0.0, 1e-9], &[1.0, 1.0, 1.0, 1.0]).unwrap();
        assert!(ratio < 0.2, "{ratio}");
        assert_eq!(log_ratio(&[], &[]), None);
    }
}
