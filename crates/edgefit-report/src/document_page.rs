//! The page of a document that a command prints with `--json`.

use serde::Deserialize;
use serde_json::Value;

use crate::benchmark::Benchmark;
use crate::error::{Error, Result};
use crate::page::Page;
use crate::quantization::Quantization;
use crate::verification::Verification;

/// Documents that have a page, without their version.
const KNOWN: [&str; 3] = ["edgefit.bench/1", "edgefit.quantize/1", "edgefit.verify/1"];

/// The page of a document of `edgefit quantize`, `verify` or `bench`, of which `schema` is the name.
///
/// # Errors
/// It is another document, or of another version.
pub fn document_page(schema: &str, document: Value) -> Result<Page> {
    let sheet = match schema {
        "edgefit.bench/1" => Benchmark::deserialize(document).map(|of| of.sheet()),
        "edgefit.quantize/1" => Quantization::deserialize(document).map(|of| of.sheet()),
        "edgefit.verify/1" => Verification::deserialize(document).map(|of| of.sheet()),
        other => {
            return Err(Error::Document {
                schema: other.to_owned(),
                problem: format!("has no page; those that have are {}", KNOWN.join(", ")),
            });
        }
    };
    let sheet = sheet.map_err(|error| Error::Document {
        schema: schema.to_owned(),
        problem: format!("lacks something ({error}); make it anew with this edgefit"),
    })?;
    sheet.page()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::MOST_BYTES;

    #[test]
    fn a_benchmark_has_a_page_however_many_results_there_are() {
        let result = |at: usize| {
            json!({
                "model": format!("<script>{at}"), "engine": "tract", "threads": 1, "samples": 10,
                "p50_ns": if at == 1 { None } else { Some(2_000_000 + at) }, "p90_ns": null, "p99_ns": null, "min_ns": 1_000_000,
                "cold_start_ns": null, "peak_rss_bytes": null, "energy_mj": null,
            })
        };
        let document = |count: usize| {
            json!({
                "results": (0..count).map(result).collect::<Vec<_>>(),
                "comparisons": [], "assertions": [{"holds": false}], "failures": [],
                "warnings": [{"message": "the machine is busy"}],
                "context": {"cpu": "a <b> processor", "cores": 2},
            })
        };
        let page = document_page("edgefit.bench/1", document(2)).unwrap();
        assert!(page.html.contains("at its fastest") && page.html.contains("does not hold"));
        assert!(page.html.contains("the machine is busy") && !page.html.contains("<script"));
        let page = document_page("edgefit.bench/1", document(6000)).unwrap();
        assert!(page.html.len() <= MOST_BYTES && page.html.contains("more rows are left out"));
    }

    #[test]
    fn what_has_no_page_is_refused() {
        let refused = |schema: &str| document_page(schema, json!({})).unwrap_err().to_string();
        assert!(refused("edgefit.plan/1").contains("has no page"));
        assert!(refused("edgefit.verify/1").contains("missing field"));
    }
}
