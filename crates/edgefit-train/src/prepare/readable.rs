//! Which samples can be read, and what is in them.

use edgefit_data::{Content, Sample, decode};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::observer::Observer;
use crate::prepare::contents::{ContentHash, contents};

/// Samples that are read between two reports of progress.
const CHUNK: usize = 64;

/// Whether each sample can be read, and the hash of its contents.
pub(crate) struct Readable {
    /// For a sample that cannot be read a sentence without its subject.
    pub read: Vec<Result<(), String>>,
    /// `None` where nothing could be read.
    pub hashes: Vec<Option<ContentHash>>,
}

impl Readable {
    /// Reads and decodes all `samples`.
    pub fn of(samples: &[Sample], observer: &mut dyn Observer) -> Self {
        observer.begin("reading samples", samples.len() as u64);
        let mut readable = Readable {
            read: Vec::with_capacity(samples.len()),
            hashes: Vec::with_capacity(samples.len()),
        };
        for chunk in samples.chunks(CHUNK) {
            let made: Vec<(Result<(), String>, Option<ContentHash>)> =
                chunk.par_iter().map(read).collect();
            for (read, hash) in made {
                readable.read.push(read);
                readable.hashes.push(hash);
            }
            observer.progress(readable.read.len() as u64, "");
        }
        observer.end();
        readable
    }
}

fn read(sample: &Sample) -> (Result<(), String>, Option<ContentHash>) {
    let bytes = match contents(sample) {
        Ok(bytes) => bytes,
        Err(problem) => return (Err(problem), None),
    };
    let decoded = match &sample.content {
        Content::Image(_) => decode(&bytes).map(drop),
        Content::Values(_) => Ok(()),
    };
    (decoded, Some(Sha256::digest(&bytes).into()))
}
