//! The model of a run that is over, or of one that was interrupted.

use std::path::Path;

use edgefit_graph::Graph;
use serde::Deserialize;

use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::evaluate::exported::sha256;
use crate::run::checkpoint::Checkpoint;
use crate::run::occupant::CHECKPOINT;
use crate::run::report;
use crate::stages::weights::load_weights;

/// What `report.json` is read for.
#[derive(Deserialize)]
struct Reported {
    /// Nothing where a guard ended the run.
    exported: Option<ReportedFile>,
    stages: Vec<ReportedStage>,
}

#[derive(Deserialize)]
struct ReportedFile {
    sha256: String,
}

#[derive(Deserialize)]
struct ReportedStage {
    name: StageName,
    kept: bool,
}

/// The model of the run in `folder`. Of a finished run that is the file it exported; of one that was
/// interrupted, `like` with the best weights of the checkpoint.
///
/// # Errors
/// There is no run, it has trained nothing yet, its files are damaged or changed, or `like` is not its
/// model.
pub fn model_of_run(folder: &Path, like: &Graph) -> Result<Graph> {
    let fail = |name: &str, problem: String| Error::Run {
        path: folder.join(name),
        problem,
    };
    let reported = || -> Result<Option<Reported>> {
        let text = match edgefit_base::file::read_to_string(&folder.join("report.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail("report.json", format!("cannot be read ({error})"))),
        };
        let report = serde_json::from_str(&text);
        report
            .map(Some)
            .map_err(|error| fail("report.json", format!("is damaged ({error})")))
    };
    if folder.join(CHECKPOINT).exists() && !report::is_finished(folder) {
        let checkpoint = Checkpoint::load(&folder.join(CHECKPOINT))?;
        let mut weights = checkpoint.kept;
        let report = reported()?;
        let last = report.as_ref().and_then(|report| report.stages.last());
        // A stage that was worse than the ones before it when it was interrupted does not count.
        let is_worse = |stage| last.is_some_and(|last| last.name == stage && !last.kept);
        if let Some((stage, state)) = checkpoint.current
            && stage != StageName::Int8
            && !is_worse(stage)
        {
            weights.extend(state.best.unwrap_or_default());
        }
        if weights.is_empty() {
            let problem = "holds no epoch that ended; go on with `edgefit train --resume`";
            return Err(fail(CHECKPOINT, problem.into()));
        }
        let mut graph = like.clone();
        load_weights(&mut graph, &weights).map_err(|_| {
            let problem = "has weights that the model does not; give the model of this run";
            fail(CHECKPOINT, problem.into())
        })?;
        return Ok(graph);
    }
    let Some(report) = reported()? else {
        let problem = "is not there; give a model, or the folder of a run of `edgefit train`";
        return Err(fail("report.json", problem.into()));
    };
    let Some(exported) = report.exported else {
        let problem = "is of a run that a guard ended before it exported a model; train again";
        return Err(fail("report.json", problem.into()));
    };
    let path = folder.join("model.onnx");
    let graph = Graph::load(&path)?;
    if sha256(&path)? != exported.sha256 {
        let problem = "is not the file that the run wrote (its SHA-256 is not the one in report.json); \
                       give it as a model of its own, or train again";
        return Err(fail("model.onnx", problem.into()));
    }
    Ok(graph)
}
