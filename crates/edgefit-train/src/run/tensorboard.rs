//! Epochs of a run as TensorBoard reads them: scalars in a file of records.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use edgefit_base::file::ensure_place;
use prost::Message;

use crate::stages::training::epoch::Epoch;

/// Name of the file; TensorBoard looks for `tfevents` in it.
pub(crate) const NAME: &str = "events.out.tfevents.edgefit";

/// What the first record of a file says.
const VERSION: &str = "brain.Event:2";

/// The file, which is made anew with the first epoch. Steps count the epochs of all stages.
pub(crate) struct TensorBoard {
    path: PathBuf,
    file: Option<File>,
    epochs: i64,
}

/// `tensorflow.Event` of `tensorflow/core/util/event.proto`, as far as scalars need it.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    simple_value: f32,
}

impl TensorBoard {
    pub fn create(path: PathBuf) -> Self {
        TensorBoard {
            path,
            file: None,
            epochs: 0,
        }
    }

    /// Appends the figures of an epoch. An error names the file.
    pub fn append(&mut self, epoch: &Epoch) -> Result<(), String> {
        let appended = self.try_append(epoch);
        appended.map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn try_append(&mut self, epoch: &Epoch) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                ensure_place(&self.path).map_err(|error| error.source)?;
                let file = none.insert(File::create(&self.path)?);
                file.write_all(&record(&Event {
                    wall_time: now(),
                    file_version: Some(VERSION.into()),
                    ..Event::default()
                }))?;
                file
            }
        };
        self.epochs += 1;
        let figures = [
            ("loss/train", Some(epoch.train_loss)),
            ("loss/validation", Some(epoch.val_loss)),
            ("accuracy/train", epoch.train_accuracy),
            ("accuracy/validation", epoch.val_accuracy),
            ("learning_rate", Some(epoch.learning_rate)),
        ];
        let value = figures.into_iter().filter_map(|(tag, figure)| {
            Some(Scalar {
                tag: tag.into(),
                simple_value: figure? as f32,
            })
        });
        file.write_all(&record(&Event {
            wall_time: now(),
            step: self.epochs,
            file_version: None,
            summary: Some(Summary {
                value: value.collect(),
            }),
        }))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// A record as TensorFlow's `io/record_writer.h` has it: length, its checksum, the bytes, theirs.
fn record(event: &Event) -> Vec<u8> {
    let bytes = event.encode_to_vec();
    let length = (bytes.len() as u64).to_le_bytes();
    let checksums = [&length[..], &bytes].map(|bytes| masked(crc32c::crc32c(bytes)).to_le_bytes());
    [&length[..], &checksums[0], &bytes, &checksums[1]].concat()
}

/// `crc32c::Mask` of TensorFlow.
fn masked(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_lengths_checksums_and_scalars() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let mut log = TensorBoard::create(path.clone());
        let epoch = Epoch {
            epoch: 1,
            train_loss: 0.5,
            train_accuracy: None,
            val_loss: 0.25,
            val_accuracy: Some(0.75),
            learning_rate: 1e-3,
        };
        log.append(&epoch).unwrap();
        log.append(&epoch).unwrap();
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        let mut events = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<8>() {
            let count = u64::from_le_bytes(*length) as usize;
            assert_eq!(after[..4], masked(crc32c::crc32c(length)).to_le_bytes());
            let (body, checksum) = after[4..].split_at(count);
            assert_eq!(checksum[..4], masked(crc32c::crc32c(body)).to_le_bytes());
            events.push(Event::decode(body).unwrap());
            rest = &checksum[4..];
        }
        assert_eq!(events[0].file_version.as_deref(), Some(VERSION));
        let last = &events[2];
        assert_eq!(last.step, 2);
        let values = &last.summary.as_ref().unwrap().value;
        let values = values
            .iter()
            .map(|scalar| (scalar.tag.as_str(), scalar.simple_value));
        let expected = [
            ("loss/train", 0.5),
            ("loss/validation", 0.25),
            ("accuracy/validation", 0.75),
            ("learning_rate", 1e-3),
        ];
        assert!(values.eq(expected));
    }

    #[test]
    fn a_checksum_is_masked_as_tensorflow_masks_it() {
        // What every file of TensorFlow begins with: a record of 24 bytes, and the checksum of that length.
        let header = b"\x18\0\0\0\0\0\0\0\xa3\x7fK\"";
        let checksum = masked(crc32c::crc32c(&header[..8]));
        assert_eq!(checksum.to_le_bytes(), header[8..]);
    }
}
