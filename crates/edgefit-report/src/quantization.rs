//! The page of `edgefit quantize`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use edgefit_base::units::format;
use serde::Deserialize;

use crate::document::Comparison;
use crate::section::Tone;
use crate::sheet::{Sheet, Table, columns};
use crate::words::{counted, dash, percent, shown, whole};

/// `edgefit.quantize/1`, as far as the page needs it.
#[derive(Deserialize)]
pub(crate) struct Quantization {
    model: PathBuf,
    float_bytes: u64,
    model_bytes: u64,
    scheme: String,
    calibration_samples: usize,
    engine: String,
    int8_groups: usize,
    float_ops: BTreeMap<String, usize>,
    float_nodes: Vec<FloatNode>,
    comparison: Comparison,
    all_int8: Comparison,
    kept_float: Vec<KeptFloat>,
    is_kept: bool,
}

#[derive(Deserialize)]
struct FloatNode {
    node: String,
    op: String,
    reason: String,
}

#[derive(Deserialize)]
struct KeptFloat {
    nodes: Vec<String>,
    alone_db: Option<f64>,
    bytes: u64,
    macs: u64,
}

impl Quantization {
    pub fn sheet(&self) -> Sheet {
        let told = match &self.comparison.accuracy {
            Some(of) => format!(
                "{} right on integers, {} in floats, on {}",
                format::percent(of.quantized),
                format::percent(of.float),
                counted(of.samples, "sample", "samples")
            ),
            None => format!(
                "the outputs keep a signal to noise of {} on {}",
                decibels(self.comparison.sqnr_db),
                counted(self.comparison.samples, "sample", "samples")
            ),
        };
        let sentence = format!(
            "{} of {}, {told}: what was allowed is {}.",
            format::bytes(self.model_bytes),
            format::bytes(self.float_bytes),
            if self.is_kept { "kept" } else { "not kept" }
        );
        let name = self.model.file_name().unwrap_or(self.model.as_os_str());
        Sheet {
            kind: "Quantisation",
            title: shown(&name.to_string_lossy()),
            tone: if self.is_kept { Tone::Good } else { Tone::Bad },
            sentence: whole(&sentence),
            notes: Vec::new(),
            chart: None,
            tables: [self.compared(), self.kept(), self.floats()]
                .into_iter()
                .filter(|table| !table.rows.is_empty())
                .collect(),
        }
    }

    fn compared(&self) -> Table {
        let of = [
            ("as written", &self.comparison),
            ("nothing kept float", &self.all_int8),
        ];
        let rows = of.map(|(name, of)| {
            let accuracy = of.accuracy.as_ref();
            vec![
                name.to_owned(),
                of.samples.to_string(),
                percent(accuracy.map(|of| of.quantized)),
                percent(accuracy.map(|of| of.float)),
                accuracy.map_or_else(dash, |of| of.only_float.to_string()),
                accuracy.map_or_else(dash, |of| of.only_quantized.to_string()),
                percent(of.agreement),
                decibels(of.sqnr_db),
                of.cosine.map_or_else(dash, |cosine| format!("{cosine:.6}")),
            ]
        });
        Table {
            head: "Against the float model",
            caption: shown(&format!(
                "Measured with {} on {}; scheme {}, {} calibration samples",
                self.engine,
                // A single one may have calibrated, too.
                match self.comparison.samples {
                    1 => "a single sample",
                    _ => "samples that calibrated nothing",
                },
                self.scheme,
                self.calibration_samples
            )),
            columns: columns(&[
                "model",
                "#samples",
                "#right",
                "#right in floats",
                "#only floats right",
                "#only integers right",
                "#same answer",
                "#signal to noise",
                "#cosine",
            ]),
            rows: rows.into(),
            left_out: 0,
        }
    }

    fn kept(&self) -> Table {
        let rows = self.kept_float.iter().map(|group| {
            vec![
                shown(&group.nodes.join(", ")),
                decibels(group.alone_db),
                format::bytes(group.bytes),
                format::count(group.macs),
            ]
        });
        Table {
            head: "What stays float for its accuracy",
            caption: format!(
                "{} of {} groups; the noise is what each makes alone on integers",
                self.kept_float.len(),
                self.int8_groups + self.kept_float.len()
            ),
            columns: columns(&[
                "nodes",
                "#signal to noise",
                "#the file grows by",
                "#MACs on floats",
            ]),
            rows: rows.collect(),
            left_out: 0,
        }
    }

    fn floats(&self) -> Table {
        let ops = self
            .float_ops
            .iter()
            .map(|(op, count)| format!("{op} ×{count}"));
        let ops: Vec<String> = ops.collect();
        let by_scheme = self.float_nodes.iter();
        let by_scheme = by_scheme.filter(|one| one.reason != "accuracy");
        let rows = by_scheme.map(|one| {
            vec![
                shown(&one.node),
                shown(&one.op),
                one.reason.replace('-', " "),
            ]
        });
        Table {
            head: "What computes on floats by the scheme",
            caption: shown(&if ops.is_empty() {
                "Nothing".to_owned()
            } else {
                ops.join(", ")
            }),
            columns: columns(&["node", "operator", "why"]),
            rows: rows.collect(),
            left_out: 0,
        }
    }
}

fn decibels(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{value:.1} dB"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_single_sample_may_have_calibrated() {
        let caption = |samples: usize| {
            let comparison = json!({ "samples": samples, "sqnr_db": 30.0 });
            let document = json!({
                "model": "q.onnx",
                "float_bytes": 4,
                "model_bytes": 1,
                "scheme": "tflite",
                "calibration_samples": 1,
                "engine": "tract",
                "int8_groups": 1,
                "float_ops": {},
                "float_nodes": [],
                "comparison": comparison,
                "all_int8": comparison,
                "kept_float": [],
                "is_kept": true,
            });
            let document: Quantization = serde_json::from_value(document).unwrap();
            document.compared().caption
        };
        assert!(caption(1).contains("on a single sample;"));
        assert!(caption(2).contains("on samples that calibrated nothing;"));
    }
}
