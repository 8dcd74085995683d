//! What `inspect` says of types, of quantised values, and of constants that nothing reads.

use edgefit_base::units::format;
use edgefit_cost::{Inspection, TypeShare};
use edgefit_graph::quantized::{LayerSafety, QuantizedValue, StandsFor};

use crate::report::shorten::{MOST_NAMES, first_of};
use crate::table::table;

/// Quantised values that are listed; `--json` has all.
const MOST_VALUES: usize = 12;

/// The quantised values, and which layers are safe on which processor; nothing of a float model.
pub fn text(inspection: &Inspection) -> String {
    if inspection.quantized.is_empty() {
        return String::new();
    }
    let mut rows = table(&["quantised value", "is", "type", "scale", "zero point"]);
    // What is calibrated says more than what follows from the weights.
    let mut values: Vec<&QuantizedValue> = inspection.quantized.iter().collect();
    values.sort_by_key(|value| value.kind != StandsFor::Activation);
    for value in values.into_iter().take(MOST_VALUES) {
        rows.add_row([
            value.name.clone(),
            value.kind.to_string(),
            value.scaling.dtype.to_string(),
            scales(value),
            range(value.scaling.zero_points.iter().copied()),
        ]);
    }
    let mut text = format!("\n{rows}");
    let more = inspection.quantized.len().saturating_sub(MOST_VALUES);
    if more > 0 {
        text.push_str(&format!("\n{more} more quantised values; --json has all"));
    }
    text.push_str(&safety(inspection));
    text
}

/// One line: which layers are safe where.
fn safety(inspection: &Inspection) -> String {
    let layers = &inspection.integer_layers;
    if layers.is_empty() {
        return String::new();
    }
    let count = layers.len();
    let named = |wanted: &dyn Fn(&LayerSafety) -> bool| -> Vec<String> {
        let layers = layers.iter().filter(|layer| wanted(layer));
        layers.map(|layer| layer.node.clone()).collect()
    };
    let may = |what: &str, names: &[String]| match names.len() {
        0 => String::new(),
        some => format!("; {what} in {some} ({})", first_of(names, MOST_NAMES)),
    };
    let overflows = may(
        "32-bit sums may overflow",
        &named(&|layer| !layer.fits_accumulator),
    );
    let saturates = may(
        "16-bit sums may saturate there",
        &named(&|layer| !layer.bounds.fits_pairs()),
    );
    let safe = |safe: usize| {
        if safe == count {
            "all".to_owned()
        } else {
            safe.to_string()
        }
    };
    let anywhere = layers.iter().filter(|layer| layer.fits_accumulator).count();
    let without = layers
        .iter()
        .filter(|layer| layer.safe_without_vnni)
        .count();
    format!(
        "\ninteger layers: {count}; safe with VNNI and on ARM: {}{overflows}; safe on x86 without VNNI: \
         {}{saturates}",
        safe(anywhere),
        safe(without)
    )
}

/// Such as `: int8 4.41 MiB, int32 61.00 KiB`; nothing where there is one type.
pub fn by_type(inspection: &Inspection) -> String {
    let bytes = |share: &TypeShare| match share.weight_bytes {
        0 => None,
        bytes => Some(format!("{} {}", share.name, format::bytes(bytes))),
    };
    joined(inspection.types.iter().filter_map(bytes))
}

/// The same of multiply-accumulates.
pub fn macs_by_type(inspection: &Inspection) -> String {
    let macs = |share: &TypeShare| match share.macs {
        0 => None,
        macs => Some(format!("{} {}", share.name, format::count(macs))),
    };
    joined(inspection.types.iter().filter_map(macs))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.as_slice() {
        [] | [_] => String::new(),
        parts => format!(": {}", parts.join(", ")),
    }
}

/// Constants that nothing reads, if there are any.
pub fn unused(inspection: &Inspection) -> Option<String> {
    let unused = &inspection.unused_constants;
    let names: Vec<String> = unused.iter().map(|one| one.name.clone()).collect();
    let bytes = unused.iter().map(|one| one.bytes).sum();
    (!unused.is_empty()).then(|| {
        format!(
            "×{} ({}): {}",
            unused.len(),
            format::bytes(bytes),
            first_of(&names, MOST_NAMES)
        )
    })
}

/// The scale, or the smallest and the largest of several.
fn scales(value: &QuantizedValue) -> String {
    let scaling = &value.scaling;
    let least = scaling.scales.iter().copied().fold(f32::INFINITY, f32::min);
    let most = scaling.scales.iter().copied().fold(0f32, f32::max);
    match scaling.axis {
        None => format!("{most:.3e}"),
        Some(axis) => {
            let count = scaling.scales.len();
            format!("{least:.3e} to {most:.3e} ({count}, axis {axis})")
        }
    }
}

/// The value, or the smallest and the largest of several.
fn range(values: impl Iterator<Item = i64> + Clone) -> String {
    match (values.clone().min(), values.max()) {
        (Some(least), Some(most)) if least != most => format!("{least} to {most}"),
        (Some(one), _) => one.to_string(),
        (None, _) => String::new(),
    }
}
