//! Fourth phase: the exported file, measured on the validation samples.

use std::path::PathBuf;
use std::time::Instant;

use edgefit_graph::Graph;
use edgefit_verify::Pair;

use crate::error::Result;
use crate::evaluate::exported::ExportedModel;
use crate::evaluate::metrics::Metrics;
use crate::evaluate::split_metrics::metrics;
use crate::guards;
use crate::pipeline::int8_done::Int8Done;
use crate::pipeline::loaded::nanoseconds;
use crate::pipeline::session::Session;
use crate::pipeline::split::SplitJob;
use crate::pipeline::trained::TrainedJob;
use crate::prepare::inference::Inference;

/// Name of the exported model.
pub const MODEL: &str = "model.onnx";

/// A job whose model is written and measured.
pub(crate) struct ExportedJob<'a> {
    pub trained: TrainedJob<'a>,
    pub path: PathBuf,
    /// As it was read from the file.
    pub graph: Graph,
    pub int8: Option<Int8Done>,
    pub val: Metrics,
    pub parity: Vec<Pair>,
}

impl<'a> TrainedJob<'a> {
    /// Writes the model, and measures the file: what it says of the validation samples, and whether the
    /// engines agree on them.
    ///
    /// # Errors
    /// The file cannot be written, or an engine cannot run it.
    pub fn export(mut self, session: &mut Session) -> Result<ExportedJob<'a>> {
        let SplitJob {
            loaded,
            samples,
            model,
            ..
        } = &self.split;
        let val = &samples.splits.val;
        let path = session.run.path(MODEL);
        model.to_export().save(&path)?;
        let graph = Graph::load(&path)?;
        let exported = ExportedModel {
            graph: &graph,
            preparation: &model.preparation,
        };
        let mut inference = Inference {
            engine: loaded.engine,
            threads: self.job.threads,
            observer: session.observer,
        };
        let val_predictions = exported.predict(&val.samples, "validation", &mut inference)?;
        let clock = Instant::now();
        let parity = exported.parity(&val.samples, &loaded.compared, &mut inference)?;
        self.timing.parity_ns = nanoseconds(clock);
        let val = metrics(&model.transform, &val_predictions, val);
        guards::exported::check_export(&mut self.findings, &self.untrained, &graph, &parity);
        guards::exported::check_predictions(&mut self.findings, &loaded.dataset.classes, &val);
        guards::exported::check_regression(&mut self.findings, &val, &self.baselines);
        Ok(ExportedJob {
            val,
            parity,
            graph,
            path,
            int8: None,
            trained: self,
        })
    }
}
