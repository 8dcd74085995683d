//! A job up to its test samples: for one of several jobs, of which one is chosen on the validation samples.

use std::path::{Path, PathBuf};

use edgefit_guards::Finding;

use crate::config::job::Job;
use crate::error::Result;
use crate::evaluate::metrics::Metrics;
use crate::observer::Observer;
use crate::pipeline::loaded::Inputs;
use crate::pipeline::session::Completion;
use crate::pipeline::{begin, exported, reopen};
use crate::run::int8_report::Int8Report;
use crate::run::job_file::{self, JobFile};
use crate::run::manifest::{Anew, Begun, Manifest};
use crate::stages::stage::Stage;

/// A job whose models were measured on the validation samples alone.
#[derive(Debug)]
pub struct Validated {
    /// Figures of the float model on the validation samples.
    pub val: Metrics,
    /// What stage int8 made, where there is one.
    pub int8: Option<Int8Report>,
    /// What was trained in floats.
    pub stages: Vec<Stage>,
    /// Findings of the guards.
    pub guards: Vec<Finding>,
    /// The float model.
    pub model: PathBuf,
    /// Whether the user ended it.
    pub interrupted: bool,
}

/// Does what [`train`](crate::train) does but for the test samples, or goes on with that where the folder of
/// the run holds it unfinished. [`resume`](crate::resume) then reads the test samples and finishes the run.
///
/// # Errors
/// As [`train`](crate::train).
pub fn validate(job: &Job, observer: &mut dyn Observer) -> Result<Validated> {
    let (loaded, mut session) = if job_file::is_there(&job.run) {
        reopen(&job.run, Anew::Removed, observer)?
    } else {
        begin(job, observer)?
    };
    let features = loaded.features(session.observer)?;
    let exported = exported(&loaded, &features, &mut session)?;
    let done = session.checkpoint.done;
    Ok(Validated {
        val: exported.val,
        int8: exported.int8.map(|made| made.report),
        stages: done.into_iter().map(|done| done.stage).collect(),
        guards: exported.trained.findings.report(),
        model: exported.path,
        interrupted: exported.trained.completion == Completion::Interrupted,
    })
}

/// Holds what the run in a folder read against what is there now, for one of which it is known what it reached.
///
/// # Errors
/// The data, the backbone, the teacher or the settings are not those that the run began with, or cannot be read; or
/// there is no run.
pub fn hold_inputs(run: &Path, observer: &mut dyn Observer) -> Result<()> {
    let JobFile { job, .. } = JobFile::load(run)?;
    let manifest = Manifest::load(run)?;
    let begun = manifest.as_ref().map(|manifest| Begun {
        run,
        manifest,
        anew: Anew::Removed,
    });
    Inputs::open(&job, begun.as_ref(), observer).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use edgefit_base::{hash, schema};
    use edgefit_graph::{Dim, Graph, Node, ValueInfo};

    use super::*;
    use crate::prepare::model::load_backbone;
    use crate::prepare::unreadable::tests::Told;
    use crate::run::job_file::Origin;
    use crate::run::listed::Listed;
    use crate::run::manifest::{self, Models};

    /// What begins as a PNG does; nothing decodes it here.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn save(op: &str, path: &Path) {
        let mut graph = Graph::new("m", 17);
        let dims = [1, 4].map(Dim::Known);
        graph.inputs.push(ValueInfo::f32("x", dims.to_vec()));
        graph.outputs.push(ValueInfo::f32("y", dims.to_vec()));
        graph.nodes.push(Node::new(op, "node", &["x"], &["y"]));
        graph.save(path).unwrap();
    }

    #[test]
    fn a_run_on_other_data_or_another_backbone_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [data, backbone, run] = ["data", "m.onnx", "run"].map(|name| folder.path().join(name));
        let mut samples = Vec::new();
        for class in ["a", "b"] {
            let bytes = [PNG, class.as_bytes()].concat();
            fs::create_dir_all(data.join(class)).unwrap();
            fs::write(data.join(class).join("1.png"), &bytes).unwrap();
            samples.push(Listed {
                path: format!("{class}/1.png"),
                sha256: Some(hash::sha256_hex(&bytes)),
                truth: class.into(),
                split: None,
            });
        }
        save("Relu", &backbone);
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let job = Job::new(&data, &backbone, device, &run);
        let mut told = Told(Vec::new());
        let loaded = load_backbone(&job, &mut told).unwrap();
        let manifest = Manifest {
            models: Models {
                backbone: hash::sha256_hex(&loaded.to_bytes()),
                teacher: None,
            },
            settings: serde_json::json!({}),
            classes: vec!["a".into(), "b".into()],
            samples,
        };
        fs::create_dir(&run).unwrap();
        let file = JobFile::of(&job, Origin::now());
        let file = schema::to_json(job_file::SCHEMA, &file).unwrap();
        fs::write(run.join(job_file::NAME), file).unwrap();
        let manifest = schema::to_json(manifest::SCHEMA, &manifest).unwrap();
        fs::write(run.join(manifest::NAME), manifest).unwrap();
        hold_inputs(&run, &mut told).unwrap();

        save("Sigmoid", &backbone);
        let refused = hold_inputs(&run, &mut told).unwrap_err().to_string();
        assert!(refused.contains("m.onnx is not the backbone"), "{refused}");
        fs::remove_file(data.join("b/1.png")).unwrap();
        fs::write(data.join("b/2.png"), PNG).unwrap();
        let refused = hold_inputs(&run, &mut told).unwrap_err().to_string();
        assert!(refused.contains("not what the run began with"), "{refused}");
    }
}
