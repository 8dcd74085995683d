//! [`Tested`]: what the run of a network says of its models, with figures on the test samples.

use std::path::Path;

use edgefit_device::ElementType;
use edgefit_train::evaluate::metrics::Classification;
use edgefit_train::{Exported, Observer, REPORT, SCHEMA, is_finished};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::written::read_json;

/// What is said where the report of a run that is over cannot be read.
const FIX: &str = "remove its folder to train the network anew";

/// What the report of a run says of its models.
#[derive(Debug, Deserialize)]
pub struct Tested {
    exported: Exported,
    test: Classification,
    int8: Option<Int8>,
    /// Whether the user ended the run.
    pub interrupted: bool,
    /// The report.
    #[serde(skip)]
    pub report: Map<String, Value>,
}

/// The same of the quantised model.
#[derive(Debug, Deserialize)]
struct Int8 {
    exported: Exported,
    test_metrics: Option<Classification>,
}

impl Tested {
    /// The report of the run in a folder. The test samples are read for it, unless the run is over: then they were.
    ///
    /// # Errors
    /// A sample can no longer be read, or a file not be read or written.
    pub fn of(run: &Path, observer: &mut dyn Observer) -> Result<Self> {
        if !is_finished(run) {
            edgefit_train::resume(run, observer)?;
        }
        let path = run.join(REPORT);
        let mut report: Map<String, Value> = read_json(&path, SCHEMA, FIX)?;
        // It says where the run lay when it was written.
        report.insert("run".into(), run.to_string_lossy().into());
        let tested: Tested = read_json(&path, SCHEMA, FIX)?;
        Ok(Tested { report, ..tested })
    }

    /// The model as `element_type`, and its figures.
    pub fn form(&self, element_type: ElementType) -> (&Exported, &Classification) {
        match (&self.int8, element_type) {
            (Some(int8), ElementType::Int8) => {
                let test = int8.test_metrics.as_ref();
                (&int8.exported, test.unwrap_or(&self.test))
            }
            _ => (&self.exported, &self.test),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::quiet::tests::Stopping;

    /// Writes the report of a run that is over into a folder.
    pub(crate) fn write_report(run: &Path) {
        let test = Classification::of(&[2.0, 0.0, 1.0, 3.0], &[0, 1], 2);
        let int8 = Classification::of(&[2.0, 0.0, 3.0, 1.0], &[0, 1], 2);
        let exported = |name: &str| json!({"path": run.join(name), "sha256": name});
        let report = json!({
            "schema": SCHEMA,
            "run": "elsewhere",
            "interrupted": false,
            "test": test,
            "exported": exported("model.onnx"),
            "int8": {"exported": exported("model-int8.onnx"), "test_metrics": int8},
        });
        fs::create_dir_all(run).unwrap();
        fs::write(run.join(REPORT), report.to_string()).unwrap();
    }

    #[test]
    fn a_run_that_is_over_is_read_and_not_trained_on() {
        let folder = tempfile::tempdir().unwrap();
        write_report(folder.path());
        let tested = Tested::of(folder.path(), &mut Stopping).unwrap();
        let (int8, test) = tested.form(ElementType::Int8);
        assert_eq!(
            (int8.sha256.as_str(), test.accuracy),
            ("model-int8.onnx", 0.5)
        );
        let (float, test) = tested.form(ElementType::F32);
        assert_eq!((float.sha256.as_str(), test.accuracy), ("model.onnx", 1.0));
        assert_eq!(tested.report["run"], folder.path().to_str().unwrap());
    }
}
