use std::str::FromStr;

use edgefit::base::units::{bytes, nanoseconds};
use edgefit::bench::statistics::{P90_SAMPLES, P99_SAMPLES, quantile_interval};
use serde::Serialize;

use super::report::{BenchResult, Compared, LaunchFigures};

/// What a user asserts of every result, or of every comparison.
#[derive(Debug, Clone)]
pub struct Claim {
    text: String,
    of: Of,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Of {
    P50,
    P90,
    P99,
    Mean,
    Min,
    ColdStart,
    PeakRss,
    Ratio,
}

/// What became of a claim.
#[derive(Debug, Serialize)]
pub struct Judged {
    /// The claim.
    pub claim: String,
    /// What it was held against.
    pub of: String,
    /// Measured figure, in the claim's base unit (ns, bytes, a ratio).
    pub value: Option<f64>,
    /// Whether it holds. A figure above its limit by no more than its own noise holds.
    pub holds: bool,
    /// Whether the limit lies within the noise.
    pub within_noise: bool,
}

impl FromStr for Claim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mend = "write it like \"p90<=30ms\", \"peak_rss<=64MiB\" or \"ratio<=1.05\"";
        let (name, limit) = text.split_once("<=").ok_or(mend)?;
        let (of, limit) = (name.trim(), limit.trim());
        let of = match of {
            "p50" => Of::P50,
            "p90" => Of::P90,
            "p99" => Of::P99,
            "mean" => Of::Mean,
            "min" => Of::Min,
            "cold_start" => Of::ColdStart,
            "peak_rss" => Of::PeakRss,
            "ratio" => Of::Ratio,
            _ => {
                return Err(format!(
                    "'{of}' is not one of p50, p90, p99, mean, min, cold_start, peak_rss, ratio; {mend}"
                ));
            }
        };
        let limit = match of {
            Of::Ratio => limit
                .parse()
                .ok()
                .filter(|ratio: &f64| ratio.is_finite() && *ratio > 0.0)
                .ok_or_else(|| format!("'{limit}' is not a ratio; {mend}"))?,
            Of::PeakRss => bytes(limit)? as f64,
            _ => nanoseconds(limit)? as f64,
        };
        Ok(Claim {
            text: text.to_owned(),
            of,
            limit,
        })
    }
}

impl Claim {
    /// Runs that its figure takes.
    pub fn runs(&self) -> usize {
        match self.of {
            Of::P90 => P90_SAMPLES,
            Of::P99 => P99_SAMPLES,
            _ => 1,
        }
    }

    /// Whether it is about a comparison.
    pub fn compares(&self) -> bool {
        self.of == Of::Ratio
    }

    /// Holds it against all there is.
    pub fn judge(&self, results: &[BenchResult], compared: &[Compared]) -> Vec<Judged> {
        if self.compares() {
            let judge = |one: &Compared| {
                let low = one.ratio.low.unwrap_or(one.ratio.ratio);
                self.judged(one.what(), Some((one.ratio.ratio, low)))
            };
            return compared.iter().map(judge).collect();
        }
        let judge = |one: &BenchResult| self.judged(one.label.clone(), self.figure(one));
        results.iter().map(judge).collect()
    }

    /// The figure, and the lower end of its interval where it has one.
    fn figure(&self, result: &BenchResult) -> Option<(f64, f64)> {
        let times = result.summary.as_ref()?;
        let quantile = |value: Option<u64>, q| {
            let (low, _) = quantile_interval(&result.times_ns, q)?;
            Some((value? as f64, low as f64))
        };
        let plain = |value: u64| Some((value as f64, value as f64));
        let over_launches = |value: u64, of: fn(&LaunchFigures) -> u64| {
            let half = result
                .mean_over_launches(of)
                .and_then(|mean| mean.half_interval());
            Some((value as f64, value as f64 - half.unwrap_or(0.0)))
        };
        match self.of {
            Of::P50 => quantile(times.p50_ns, 0.5),
            Of::P90 => quantile(times.p90_ns, 0.9),
            Of::P99 => quantile(times.p99_ns, 0.99),
            Of::Mean => over_launches(times.mean_ns, |launch| launch.mean_ns),
            Of::ColdStart => over_launches(result.cold_start_ns?, |launch| launch.cold_start_ns),
            Of::Min => plain(times.min_ns),
            Of::PeakRss => plain(result.peak_rss_bytes?),
            Of::Ratio => None,
        }
    }

    fn judged(&self, of: String, figure: Option<(f64, f64)>) -> Judged {
        Judged {
            claim: self.text.clone(),
            of,
            value: figure.map(|(value, _)| value),
            holds: figure.is_some_and(|(_, low)| low <= self.limit),
            within_noise: figure
                .is_some_and(|(value, low)| low <= self.limit && value > self.limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_have_a_figure_and_a_limit_with_a_unit() {
        let claim: Claim = "p90 <= 30ms".parse().unwrap();
        assert_eq!((claim.of, claim.limit, claim.runs()), (Of::P90, 3e7, 64));
        assert!("ratio<=1.05".parse::<Claim>().unwrap().compares());
        for (bad, why) in [
            ("p90<30ms", "p90<=30ms"),
            ("p95<=1ms", "p50, p90"),
            ("ratio<=x", "not a ratio"),
            ("p50<=30", ""),
        ] {
            let error = bad.parse::<Claim>().unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn noise_is_not_held_against_anybody() {
        let claim: Claim = "ratio<=1.05".parse().unwrap();
        let judged = claim.judged("b".into(), Some((1.06, 1.04)));
        assert!(judged.holds && judged.within_noise);
        assert!(!claim.judged("b".into(), Some((1.09, 1.07))).holds);
        assert!(!claim.judged("b".into(), None).holds);
    }
}
