//! What stage int8 made.

use edgefit_base::units::format;
use edgefit_quant::Comparison;
use edgefit_train::{Int8Figures, Int8Origin, Int8Report};

use crate::table::table;

/// The quantised model as it was before training and after it, and which of both was written.
pub(super) fn int8(report: &Int8Report) -> String {
    let mut rows = table(&["int8", "val", "val loss", "against float", ""]);
    let each = [
        (
            "quantised",
            Some(&report.quantized),
            Int8Origin::Quantization,
        ),
        ("trained", report.trained.as_ref(), Int8Origin::Training),
    ];
    for (name, figures, origin) in each {
        let Some(figures) = figures else { continue };
        rows.add_row(row(name, figures, report.kept == origin));
    }
    let test = report.test.as_ref().map_or(String::new(), |test| {
        format!("\nint8 on the test samples: {}", against(test))
    });
    format!(
        "\n{rows}{test}\nint8 model in scheme {}, calibrated on {} samples: {}",
        report.scheme,
        report.calibration_samples,
        report.exported.path.display()
    )
}

fn row(name: &str, figures: &Int8Figures, is_kept: bool) -> [String; 5] {
    [
        name.to_owned(),
        figures.val_accuracy.map_or("–".to_owned(), format::percent),
        format!("{:.4}", figures.val_loss),
        figures.val.as_ref().map_or(String::new(), against),
        if is_kept {
            "kept".to_owned()
        } else {
            String::new()
        },
    ]
}

/// Points lost with their paired standard error, agreement, and noise.
fn against(comparison: &Comparison) -> String {
    let mut told = Vec::new();
    if let Some(accuracy) = &comparison.accuracy {
        told.push(format!(
            "{:.2} points lost (s.e. {:.2})",
            accuracy.drop, accuracy.standard_error
        ));
    }
    if let Some(agreement) = comparison.agreement {
        told.push(format!("{} alike", format::percent(agreement)));
    }
    told.push(format!("{:.1} dB", comparison.sqnr_db));
    told.join(", ")
}
