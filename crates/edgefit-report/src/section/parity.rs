//! Whether the engines agree on the exported file.

use crate::document::Training;
use crate::words::{dash, percent, shown};

/// Whether the engines agree.
pub(crate) struct Parity {
    pub rows: Vec<Row>,
    pub int8: Option<Int8>,
}

/// Two engines.
pub(crate) struct Row {
    pub engines: String,
    pub difference: String,
    pub tolerance: String,
    pub cosine: String,
    pub agreement: String,
    pub within: bool,
}

/// The integers against the floats.
pub(crate) struct Int8 {
    pub scheme: String,
    pub float: String,
    pub quantized: String,
    pub flips: String,
    pub samples: usize,
}

impl Parity {
    pub fn of(report: &Training) -> Self {
        let small = |value: Option<f64>| value.map_or_else(dash, |value| format!("{value:.1e}"));
        let rows = report.parity.iter().map(|pair| Row {
            engines: shown(&format!("{} – {}", pair.a, pair.b)),
            difference: small(pair.max_abs),
            tolerance: percent(pair.tolerance_used),
            cosine: pair
                .cosine
                .map_or_else(dash, |cosine| format!("{cosine:.6}")),
            agreement: percent(pair.top1_agree),
            within: pair.within,
        });
        let int8 = report.int8.as_ref().and_then(|int8| {
            let test = int8.test.as_ref()?;
            let accuracy = test.accuracy.as_ref();
            Some(Int8 {
                scheme: shown(&int8.scheme),
                float: percent(accuracy.map(|of| of.float)),
                quantized: percent(accuracy.map(|of| of.quantized)),
                flips: accuracy.map_or_else(dash, |of| {
                    format!(
                        "{} only right in floats, {} only right on integers",
                        of.only_float, of.only_quantized
                    )
                }),
                samples: test.samples,
            })
        });
        Parity {
            rows: rows.collect(),
            int8,
        }
    }
}
