//! `checkpoint.safetensors`: what a run needs to go on after it was killed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use edgefit_base::file::{WriteError, write_atomically};
use edgefit_base::{floats, hash};
use edgefit_burn::Weights;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::stages::stage::Done;
use crate::stages::training::state::{Progress, State};
use crate::stages::tune::candidate::Tuning;

/// Name and version of the file's contents.
const SCHEMA: &str = "edgefit.checkpoint/2";

/// Stages that are over, and where the present one stands.
#[derive(Debug, Default)]
pub(crate) struct Checkpoint {
    /// What `--tune` found.
    pub tuning: Option<Tuning>,
    pub done: Vec<Done>,
    /// Weights that the stages so far have changed for good.
    pub kept: Weights,
    pub current: Option<(StageName, State)>,
    /// Length of the events that belong to it, in bytes.
    pub events: u64,
}

/// Everything but tensors.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    tuning: Option<Cow<'a, Tuning>>,
    done: Cow<'a, [Done]>,
    current: Option<(StageName, Cow<'a, Progress>)>,
    events: u64,
}

impl Checkpoint {
    /// Epochs of all stages that are over.
    pub fn epochs(&self) -> u64 {
        let done = self.done.iter().map(|done| done.stage.epochs.len());
        let current = self.current.iter();
        let current = current.map(|(_, state)| state.progress.epochs.len());
        done.chain(current).sum::<usize>() as u64
    }

    /// The checkpoint in a file; an empty one if there is no file.
    ///
    /// # Errors
    /// The file is damaged, or of another version.
    pub fn load(path: &Path) -> Result<Self> {
        let fail = |problem: String| Error::Run {
            path: path.to_path_buf(),
            problem,
        };
        let bytes = match edgefit_base::file::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Checkpoint::default());
            }
            Err(error) => return Err(fail(format!("cannot be read ({error})"))),
        };
        let damaged = || fail("is damaged or cut short; remove it to start the run again".into());
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|_| damaged())?;
        let text = |key: &str| header.metadata().as_ref()?.get(key).cloned();
        let schema = text("schema").ok_or_else(damaged)?;
        if schema != SCHEMA {
            return Err(fail(format!(
                "is of version '{schema}', and this edgefit reads {SCHEMA}; go on with the edgefit that wrote it"
            )));
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|_| damaged())?;
        let written = text("run").ok_or_else(damaged)?;
        let mut tensors: BTreeMap<String, (Dtype, &[u8])> = BTreeMap::new();
        for (name, view) in file.iter() {
            tensors.insert(name.to_owned(), (view.dtype(), view.data()));
        }
        let data = tensors
            .iter()
            .map(|(name, (_, data))| (name.as_str(), *data));
        if text("digest") != Some(digest(&written, data)) {
            return Err(damaged());
        }
        let written: Written = serde_json::from_str(&written).map_err(|_| damaged())?;
        let group = |prefix: &str| -> Weights {
            let named = tensors.iter().filter_map(|(name, (_, data))| {
                Some((
                    name.strip_prefix(prefix)?.to_owned(),
                    floats::from_bytes(data),
                ))
            });
            named.collect()
        };
        let some = |weights: Weights| (!weights.is_empty()).then_some(weights);
        let current = written.current.map(|(stage, progress)| {
            let optimizer = tensors.get("optimizer").map(|(_, data)| data.to_vec());
            let state = State {
                progress: progress.into_owned(),
                weights: group("weights/"),
                best: some(group("best/")),
                average: some(group("average/")),
                optimizer: optimizer.unwrap_or_default(),
            };
            (stage, state)
        });
        Ok(Checkpoint {
            tuning: written.tuning.map(Cow::into_owned),
            done: written.done.into_owned(),
            kept: group("kept/"),
            current,
            events: written.events,
        })
    }

    /// Writes the file, whole or not at all: a full disk leaves the one before.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let fail = |source| WriteError {
            path: path.to_path_buf(),
            source,
        };
        let other = |error: String| fail(std::io::Error::other(error));
        let written = Written {
            tuning: self.tuning.as_ref().map(Cow::Borrowed),
            done: Cow::Borrowed(&self.done),
            current: self
                .current
                .as_ref()
                .map(|(stage, state)| (*stage, Cow::Borrowed(&state.progress))),
            events: self.events,
        };
        let written = serde_json::to_string(&written).map_err(|error| other(error.to_string()))?;
        let mut tensors: BTreeMap<String, (Dtype, Vec<u8>)> = BTreeMap::new();
        let mut add = |prefix: &str, weights: &Weights| {
            for (name, values) in weights {
                let bytes = floats::as_bytes(values).to_vec();
                tensors.insert(format!("{prefix}{name}"), (Dtype::F32, bytes));
            }
        };
        add("kept/", &self.kept);
        if let Some((_, state)) = &self.current {
            add("weights/", &state.weights);
            state.best.iter().for_each(|best| add("best/", best));
            state
                .average
                .iter()
                .for_each(|average| add("average/", average));
            tensors.insert("optimizer".into(), (Dtype::U8, state.optimizer.clone()));
        }
        let data = tensors
            .iter()
            .map(|(name, (_, data))| (name.as_str(), data.as_slice()));
        let metadata = HashMap::from([
            ("schema".to_owned(), SCHEMA.to_owned()),
            ("digest".to_owned(), digest(&written, data)),
            ("run".to_owned(), written),
        ]);
        let views = tensors.iter().map(|(name, (dtype, data))| {
            let width = match dtype {
                Dtype::F32 => 4,
                _ => 1,
            };
            TensorView::new(*dtype, vec![data.len() / width], data).map(|view| (name, view))
        });
        let views: Result<Vec<_>, _> = views.collect();
        let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
        let bytes = bytes.map_err(|error| other(error.to_string()))?;
        Ok(write_atomically(path, |file| file.write_all(&bytes))?)
    }
}

/// SHA-256 of the run's words and of all tensors with their names.
fn digest<'a>(written: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(written);
    for (name, data) in tensors {
        hasher.update(name);
        hasher.update(data.len().to_le_bytes());
        hasher.update(data);
    }
    hash::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use edgefit_guards::TrainingWatch;
    use edgefit_guards::ef08_evaluation::Recalls;

    use super::*;
    use crate::stages::stage::Stage;
    use crate::stages::training::epoch::{Ended, Epoch};

    fn checkpoint() -> Checkpoint {
        let weights = |value: f32| Weights::from([("head.w".to_owned(), vec![value, 2.0])]);
        let progress = Progress {
            step: 3,
            best_loss: Some(0.25),
            ..Progress::default()
        };
        Checkpoint {
            tuning: None,
            done: Vec::new(),
            kept: weights(1.0),
            current: Some((
                StageName::Top,
                State {
                    progress,
                    weights: weights(3.0),
                    best: Some(weights(4.0)),
                    average: None,
                    optimizer: vec![1, 2, 3],
                },
            )),
            events: 17,
        }
    }

    #[test]
    fn what_was_saved_comes_back_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        assert!(Checkpoint::load(&path).unwrap().current.is_none());
        let saved = checkpoint();
        saved.save(&path).unwrap();
        let loaded = Checkpoint::load(&path).unwrap();
        assert_eq!(loaded.current, saved.current);
        assert_eq!((loaded.kept, loaded.events), (saved.kept, 17));

        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 7, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let error = Checkpoint::load(&path).unwrap_err().to_string();
            assert!(error.contains("cut short"), "{error}");
        }
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        assert!(Checkpoint::load(&path).is_err());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains("edgefit.checkpoint/2"));
        let other: Vec<u8> = bytes
            .windows(SCHEMA.len())
            .position(|window| window == SCHEMA.as_bytes())
            .map(|at| {
                let mut other = bytes.clone();
                other[at + SCHEMA.len() - 1] = b'9';
                other
            })
            .unwrap();
        std::fs::write(&path, other).unwrap();
        let error = Checkpoint::load(&path).unwrap_err().to_string();
        assert!(error.contains("edgefit.checkpoint/9"), "{error}");
    }

    #[test]
    fn losses_that_are_not_finite_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let mut saved = checkpoint();
        let epoch = Epoch {
            epoch: 1,
            train_loss: 0.5,
            train_accuracy: None,
            val_loss: f64::NAN,
            val_accuracy: None,
            learning_rate: 1e-3,
        };
        saved.done.push(Done {
            stage: Stage {
                name: StageName::Probe,
                learning_rate: 1e-3,
                kept: true,
                frozen_to: None,
                parameters: 2,
                best_epoch: 0,
                epochs: vec![epoch],
                ended: Ended::Diverged,
                val_accuracy: None,
                val_loss: f64::INFINITY,
                peak_bytes: None,
                duration_ns: 0,
            },
            train_accuracy: Vec::new(),
            measured_samples: 0,
            val_losses: vec![[0.25, f64::NAN]],
            val_recalls: Recalls::default(),
            watch: TrainingWatch::default(),
        });
        let (_, state) = saved.current.as_mut().unwrap();
        let losses = &mut state.progress.val_losses;
        losses.close(vec![0.25, f32::INFINITY], true);
        saved.save(&path).unwrap();

        let loaded = Checkpoint::load(&path).unwrap();
        let (_, state) = loaded.current.unwrap();
        let [first, second] = state.progress.val_losses.best_and_last()[..] else {
            panic!("two samples")
        };
        assert_eq!(first, [0.25; 2]);
        assert_eq!(second, [f64::INFINITY; 2]);
        let done = &loaded.done[0];
        assert_eq!(done.stage.epochs[0].val_loss, f64::INFINITY);
        assert_eq!(done.val_losses, [[0.25, f64::INFINITY]]);
        // One that is finite is better, whether the other was read or has just come out.
        let with_loss = |val_loss| Stage {
            val_loss,
            ..done.stage.clone()
        };
        let (finite, fresh) = (with_loss(9.0), with_loss(f64::NAN));
        for infinite in [&done.stage, &fresh] {
            assert!(finite.beats(infinite) && !infinite.beats(&finite));
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_keeps_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        checkpoint().save(&path).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(checkpoint().save(&folder.path().join("absent/c")).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
