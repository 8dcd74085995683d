//! What a user asserts of results and comparisons, such as `p90<=30ms`.

use std::str::FromStr;

use edgefit_base::units::{bytes, nanoseconds};
use serde::Serialize;

use crate::comparison::Comparison;
use crate::result::{BenchResult, LaunchFigures};
use crate::statistics::{P50_SAMPLES, P90_SAMPLES, P99_SAMPLES, quantile_interval};

/// What a user asserts of every result, or of every comparison.
///
/// ```
/// use edgefit_bench::Assertion;
/// let assertion: Assertion = "p90<=30ms".parse()?;
/// // Fewer runs earn no p90.
/// assert_eq!(assertion.runs(), 64);
/// assert!("p90<=30".parse::<Assertion>().unwrap_err().contains("unit"));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone)]
pub struct Assertion {
    text: String,
    figure: Figure,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    P50,
    P90,
    P99,
    Mean,
    Min,
    ColdStart,
    PeakRss,
    Ratio,
}

/// Whether an assertion holds of one result or comparison.
#[derive(Debug, Serialize)]
pub struct Judged {
    /// The assertion, as it was written.
    #[serde(rename = "claim")]
    pub assertion: String,
    /// The result or the comparison.
    pub of: String,
    /// Measured figure, in the base unit of its limit (ns, bytes, a ratio).
    pub value: Option<f64>,
    /// Whether it holds. A figure above its limit by no more than its own noise holds.
    pub holds: bool,
    /// Whether the limit lies within the noise.
    pub within_noise: bool,
}

impl FromStr for Assertion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fix = "write it like \"p90<=30ms\", \"peak_rss<=64MiB\" or \"ratio<=1.05\"";
        let (name, limit) = text.split_once("<=").ok_or(fix)?;
        let (name, limit) = (name.trim(), limit.trim());
        let figure = match name {
            "p50" => Figure::P50,
            "p90" => Figure::P90,
            "p99" => Figure::P99,
            "mean" => Figure::Mean,
            "min" => Figure::Min,
            "cold_start" => Figure::ColdStart,
            "peak_rss" => Figure::PeakRss,
            "ratio" => Figure::Ratio,
            _ => {
                return Err(format!(
                    "'{name}' is not one of p50, p90, p99, mean, min, cold_start, peak_rss, ratio; {fix}"
                ));
            }
        };
        let limit = match figure {
            Figure::Ratio => limit
                .parse()
                .ok()
                .filter(|ratio: &f64| ratio.is_finite() && *ratio > 0.0)
                .ok_or_else(|| format!("'{limit}' is not a ratio; {fix}"))?,
            Figure::PeakRss => bytes(limit)? as f64,
            _ => nanoseconds(limit)? as f64,
        };
        Ok(Assertion {
            text: text.to_owned(),
            figure,
            limit,
        })
    }
}

impl Assertion {
    /// Runs that its figure takes.
    pub fn runs(&self) -> usize {
        match self.figure {
            Figure::P50 => P50_SAMPLES,
            Figure::P90 => P90_SAMPLES,
            Figure::P99 => P99_SAMPLES,
            _ => 1,
        }
    }

    /// Whether it is about a comparison.
    pub fn compares(&self) -> bool {
        self.figure == Figure::Ratio
    }

    /// Whether it is among what was `judged`, of any result or comparison.
    pub(crate) fn is_among(&self, judged: &[Judged]) -> bool {
        judged.iter().any(|one| one.assertion == self.text)
    }

    /// Whether it holds of each result, or of each comparison.
    pub fn judge(&self, results: &[BenchResult], compared: &[Comparison]) -> Vec<Judged> {
        if self.compares() {
            let judge = |one: &Comparison| {
                let low = one.ratio.low.unwrap_or(one.ratio.ratio);
                self.judged(one.label(), Some((one.ratio.ratio, low)))
            };
            return compared.iter().map(judge).collect();
        }
        let judge = |one: &BenchResult| self.judged(one.label.clone(), self.measured(one));
        results.iter().map(judge).collect()
    }

    /// The figure, and the lower end of its interval where it has one.
    fn measured(&self, result: &BenchResult) -> Option<(f64, f64)> {
        let times = result.summary.as_ref()?;
        let quantile = |value, q| quantile_with_low(value, &result.times_ns, q);
        let plain = |value: u64| Some((value as f64, value as f64));
        let over_launches = |value: u64, of: fn(&LaunchFigures) -> u64| {
            let half = result
                .mean_over_launches(of)
                .and_then(|mean| mean.half_interval());
            Some((value as f64, value as f64 - half.unwrap_or(0.0)))
        };
        match self.figure {
            Figure::P50 => quantile(times.p50_ns, 0.5),
            Figure::P90 => quantile(times.p90_ns, 0.9),
            Figure::P99 => quantile(times.p99_ns, 0.99),
            Figure::Mean => over_launches(times.mean_ns, |launch| launch.mean_ns),
            Figure::ColdStart => {
                over_launches(result.cold_start_ns?, |launch| launch.cold_start_ns)
            }
            Figure::Min => plain(times.min_ns),
            Figure::PeakRss => plain(result.peak_rss_bytes?),
            Figure::Ratio => None,
        }
    }

    fn judged(&self, of: String, figure: Option<(f64, f64)>) -> Judged {
        Judged {
            assertion: self.text.clone(),
            of,
            value: figure.map(|(value, _)| value),
            holds: figure.is_some_and(|(_, low)| low <= self.limit),
            within_noise: figure
                .is_some_and(|(value, low)| low <= self.limit && value > self.limit),
        }
    }
}

/// The quantile `q` of `times` and the lower end of its interval.
fn quantile_with_low(value: Option<u64>, times: &[u64], q: f64) -> Option<(f64, f64)> {
    let (low, _) = quantile_interval(times, q)?;
    Some((value? as f64, low as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_have_a_figure_and_a_limit_with_a_unit() {
        let assertion: Assertion = "p90 <= 30ms".parse().unwrap();
        assert_eq!(
            (assertion.figure, assertion.limit, assertion.runs()),
            (Figure::P90, 3e7, 64)
        );
        assert_eq!("p50<=1ms".parse::<Assertion>().unwrap().runs(), 10);
        assert!("ratio<=1.05".parse::<Assertion>().unwrap().compares());
        for (bad, why) in [
            ("p90<30ms", "p90<=30ms"),
            ("p95<=1ms", "p50, p90"),
            ("ratio<=x", "not a ratio"),
            ("p50<=30", ""),
        ] {
            let error = bad.parse::<Assertion>().unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn a_limit_within_the_noise_holds() {
        let assertion: Assertion = "ratio<=1.05".parse().unwrap();
        let judged = assertion.judged("b".into(), Some((1.06, 1.04)));
        assert!(judged.holds && judged.within_noise);
        assert!(!assertion.judged("b".into(), Some((1.09, 1.07))).holds);
        assert!(!assertion.judged("b".into(), None).holds);
    }

    #[test]
    fn a_quantile_is_held_to_the_lower_end_of_its_interval() {
        let times: Vec<u64> = (1..=101).map(|ms| ms * 1_000_000).collect();
        let (value, low) = quantile_with_low(Some(51_000_000), &times, 0.5).unwrap();
        assert!(value == 51e6 && (40e6..43e6).contains(&low), "{low}");
        let assertion: Assertion = "p50<=45ms".parse().unwrap();
        let judged = assertion.judged("a".into(), Some((value, low)));
        assert!(judged.holds && judged.within_noise);
        let assertion: Assertion = "p50<=35ms".parse().unwrap();
        assert!(!assertion.judged("a".into(), Some((value, low))).holds);
        assert!(quantile_with_low(None, &times, 0.9).is_none());
    }
}
