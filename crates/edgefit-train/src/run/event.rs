//! Events of a run, and the file that they are appended to.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use edgefit_base::file::ensure_place;
use edgefit_guards::ef13_monitoring::Records;
use serde::Serialize;

use crate::config::stage_name::StageName;
use crate::run::checkpoint::Checkpoint;
use crate::run::mlflow::Mlflow;
use crate::run::report::Timing;
use crate::run::tensorboard::TensorBoard;
use crate::stages::training::epoch::Epoch;
use crate::stages::tune::candidate::Tuning;

/// Something that happened in a run; a line of `events.jsonl`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Event<'a> {
    /// Tuning ended.
    Tuning { tuning: &'a Tuning },
    /// An epoch of a stage that ended.
    Epoch { stage: StageName, epoch: &'a Epoch },
    /// The run ended.
    End { timing: Timing },
}

/// The events of a run. An event that cannot be written does not end the run; EF13 raises it.
pub(crate) struct EventLog {
    path: PathBuf,
    file: Option<File>,
    /// Bytes that are in the file.
    pub bytes: u64,
    records: Records,
    tensorboard: Option<TensorBoard>,
    pub mlflow: Option<Mlflow>,
}

impl EventLog {
    /// A new file at `path`, which is made with the first event.
    pub fn create(path: PathBuf) -> Self {
        EventLog {
            path,
            file: None,
            bytes: 0,
            records: Records::default(),
            tensorboard: None,
            mlflow: None,
        }
    }

    /// Writes epochs for TensorBoard, too.
    pub fn with_tensorboard(self, tensorboard: Option<TensorBoard>) -> Self {
        EventLog {
            tensorboard,
            ..self
        }
    }

    /// The file of a run that goes on from `checkpoint`; what was appended after it goes with the first
    /// event.
    pub fn resume(self, checkpoint: &Checkpoint) -> Self {
        let length = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        let mut log = EventLog {
            bytes: length.min(checkpoint.events),
            ..self
        };
        let epochs = checkpoint.done.iter().flat_map(|done| {
            let stage = done.stage.name;
            let epochs = done.stage.epochs.iter();
            epochs.map(move |epoch| Event::Epoch { stage, epoch })
        });
        let current = checkpoint.current.iter().flat_map(|(stage, state)| {
            let epochs = state.progress.epochs.iter();
            let stage = *stage;
            epochs.map(move |epoch| Event::Epoch { stage, epoch })
        });
        let tuning = checkpoint.tuning.iter();
        let tuning = tuning.map(|tuning| Event::Tuning { tuning });
        let before = tuning.chain(epochs).chain(current);
        before.for_each(|event| log.record(&event));
        log
    }

    /// Appends a line. An error is kept for [`EventLog::records`].
    pub fn append(&mut self, event: &Event) {
        self.record(event);
        if let Err(error) = self.write(event) {
            let error = format!("{}: {error}", self.path.display());
            self.records.unwritten.push(error);
        }
    }

    /// What was appended, and what could not be (EF13).
    pub fn records(&self) -> &Records {
        &self.records
    }

    fn record(&mut self, event: &Event) {
        self.records.events += 1;
        let Event::Epoch { stage, epoch } = event else {
            return;
        };
        if let Some(tensorboard) = &mut self.tensorboard
            && let Err(error) = tensorboard.append(epoch)
        {
            self.records.unwritten.push(error);
        }
        if let Some(mlflow) = &mut self.mlflow {
            mlflow.epoch(epoch);
        }
        let metrics = [
            ("train_loss", epoch.train_loss),
            ("val_loss", epoch.val_loss),
        ];
        let missing = metrics.iter().filter(|(_, value)| !value.is_finite());
        let names =
            missing.map(|(metric, _)| format!("{metric} of epoch {} of {stage}", epoch.epoch));
        self.records.missing.extend(names);
    }

    fn write(&mut self, event: &Event) -> std::io::Result<()> {
        let mut line = serde_json::to_string(event)?;
        line.push('\n');
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path, self.bytes)?),
        };
        file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

/// The file at `path`, cut to `length`, to be appended to.
fn open(path: &Path, length: u64) -> std::io::Result<File> {
    ensure_place(path).map_err(|error| error.source)?;
    let mut options = File::options();
    let mut file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.set_len(length)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use edgefit_guards::ef13_monitoring::check_records;
    use edgefit_guards::{Finding, Status};

    use super::*;
    use crate::stages::training::state::{Progress, State};
    use edgefit_burn::Weights;

    fn epoch(val_loss: f64) -> Epoch {
        Epoch {
            epoch: 1,
            train_loss: 0.5,
            train_accuracy: None,
            val_loss,
            val_accuracy: None,
            learning_rate: 1e-3,
        }
    }

    fn found(log: &mut EventLog, val_loss: f64) -> Finding {
        let (stage, epoch) = (StageName::Probe, &epoch(val_loss));
        log.append(&Event::Epoch { stage, epoch });
        check_records(log.records())
    }

    #[test]
    fn events_are_lines_of_json_and_a_non_finite_loss_is_a_missing_metric() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(path.clone());
        assert_eq!(check_records(log.records()).status, Status::Failed);
        assert_eq!(found(&mut log, 0.4).status, Status::Pass);
        let finding = found(&mut log, f64::NAN);
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("val_loss of epoch 1 of probe"));

        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.len() as u64, log.bytes);
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&line["event"], &line["stage"]),
            (&"epoch".into(), &"probe".into())
        );
        assert_eq!(line["epoch"]["val_loss"], 0.4);
    }

    #[test]
    fn what_cannot_be_written_is_raised() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = EventLog::create(folder.path().join("absent/events.jsonl"));
        let finding = found(&mut log, 0.4);
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("1 of 1 events"), "{finding:?}");
        assert!(finding.message.contains("events.jsonl"), "{finding:?}");
    }

    #[test]
    fn a_resumed_run_appends_behind_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::create(path.clone());
        found(&mut log, 0.4);
        let progress = Progress {
            epochs: vec![epoch(0.4)],
            ..Progress::default()
        };
        let state = State {
            progress,
            weights: Weights::new(),
            best: None,
            average: None,
            optimizer: Vec::new(),
        };
        let checkpoint = Checkpoint {
            events: log.bytes,
            current: Some((StageName::Probe, state)),
            ..Checkpoint::default()
        };
        found(&mut log, 0.3);
        let killed = std::fs::read(&path).unwrap();
        let mut resumed = EventLog::create(path.clone()).resume(&checkpoint);
        assert_eq!(resumed.records().events, 1);
        assert_eq!(std::fs::read(&path).unwrap(), killed);
        found(&mut resumed, 0.3);
        assert_eq!(std::fs::read(&path).unwrap(), killed);

        // A file that lost its end is not filled up with zeros.
        std::fs::write(&path, "").unwrap();
        let mut resumed = EventLog::create(path.clone()).resume(&checkpoint);
        found(&mut resumed, 0.3);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), resumed.bytes);
    }
}
