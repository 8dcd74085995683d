//! Features of samples: what a frozen backbone makes of each, computed once and kept.

use std::path::{Path, PathBuf};

use edgefit_base::hash;
use edgefit_data::{Augmentation, Sample, augmented, decode, prepare, stream, thumbnail};
use edgefit_engine::{Array, Copies, EngineName};
use edgefit_graph::Graph;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::prepare::contents::{ContentHash, contents};
use crate::prepare::feature_cache::{Entry, FeatureCache, PREFIX};
use crate::prepare::inference::Inference;
use crate::prepare::preparation::Preparation;

/// Side of the thumbnails that the pixel baseline looks at, in pixels.
pub(crate) const THUMBNAIL: u32 = 32;

/// Counts up where images are read otherwise than before, so that what is kept of them is read anew.
const READING: u32 = 3;

/// The views of each image that the backbone is run on.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) enum Views<'a> {
    /// The image as it is.
    Clean,
    /// A number of augmented views.
    Augmented {
        /// What is done to the image.
        augmentation: &'a Augmentation,
        /// Seed of the augmentation.
        seed: u64,
        /// Number of views.
        count: usize,
    },
}

impl Views<'_> {
    fn count(&self) -> usize {
        match self {
            Views::Clean => 1,
            Views::Augmented { count, .. } => (*count).max(1),
        }
    }
}

/// Samples as a backbone is shown them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub samples: &'a [&'a Sample],
    /// Whether each goes through the backbone; of the others a thumbnail is all that is made. All do, if not said.
    pub through: Option<&'a [bool]>,
    pub preparation: &'a Preparation,
    pub views: Views<'a>,
}

impl Shown<'_> {
    fn goes_through(&self, at: usize) -> bool {
        self.through.is_none_or(|through| through[at])
    }
}

/// Something of each sample of a dataset, in their order.
#[derive(Debug)]
pub(crate) struct Extracted<T> {
    /// One for each sample; for an image that cannot be read a sentence instead.
    pub entries: Vec<Result<T, String>>,
    /// What was read of each sample; `None` where nothing could be.
    pub hashes: Vec<Option<ContentHash>>,
    /// How many of those that went through the backbone came from the cache.
    pub cached: usize,
}

/// The features of samples that could be read before, a row for each: all views, one behind the
/// other.
///
/// # Errors
/// As [`extract`], or a sample can no longer be read.
pub(crate) fn extract_all(
    backbone: &Graph,
    shown: Shown,
    cache: &Path,
    inference: Inference,
) -> Result<Vec<Vec<f32>>> {
    let extracted = extract(backbone, shown, cache, inference)?;
    let rows = extracted.entries.into_iter().zip(shown.samples);
    rows.map(|(entry, sample)| {
        let entry = entry.map_err(|detail| edgefit_data::Error::Image {
            path: sample.place().to_path_buf(),
            detail,
        })?;
        Ok(entry.features)
    })
    .collect()
}

/// Runs `backbone` over the views of all samples, taking from the folder `cache` what is there and
/// leaving the rest there. Each thread reads samples and runs them, in a copy of the backbone if its weights are not too
/// many ([`SideBySide`](edgefit_engine::SideBySide)).
///
/// An entry is found again by the contents of the sample, the backbone with its weights, the
/// preprocessing, the engine and the views; renaming files or adding some costs nothing.
///
/// # Errors
/// The engine fails, or its output is not a row of finite numbers for each image.
pub(crate) fn extract(
    backbone: &Graph,
    shown: Shown,
    cache: &Path,
    inference: Inference,
) -> Result<Extracted<Entry>> {
    let Inference {
        engine,
        threads,
        observer,
    } = inference;
    let mut kept = Kept {
        features: FeatureCache::open(cache_file(backbone, shown, engine, cache)),
        thumbnails: shown
            .through
            .map(|_| FeatureCache::open(thumbnail_file(cache))),
    };
    let copies = Copies::new(engine, backbone, threads);
    let at_once = copies.batch() / shown.views.count();
    let mut extracted = Extracted {
        entries: Vec::with_capacity(shown.samples.len()),
        hashes: Vec::with_capacity(shown.samples.len()),
        cached: 0,
    };
    observer.begin("features", shown.samples.len() as u64);
    let all: Vec<usize> = (0..shown.samples.len()).collect();
    for batches in copies.portions(&all, at_once) {
        let seen = copies.map(&batches, |batch| see(batch, shown, &kept, &copies));
        for seen in seen {
            for Seen { hash, entry } in seen? {
                if let (Some(hash), Ok(Known::Fresh(entry))) = (hash, &entry) {
                    kept.insert(hash, entry.clone());
                }
                let was_known = matches!(entry, Ok(Known::Cached(_)));
                let goes_through = shown.goes_through(extracted.entries.len());
                extracted.cached += usize::from(was_known && goes_through);
                extracted.hashes.push(hash);
                extracted.entries.push(entry.map(Known::entry));
            }
        }
        observer.progress(extracted.entries.len() as u64, "");
        kept.features.store_now_and_then(observer);
    }
    observer.end();
    kept.features.store(observer);
    if let Some(thumbnails) = kept.thumbnails {
        thumbnails.store(observer);
    }
    Ok(extracted)
}

/// What the cache folder holds.
struct Kept {
    features: FeatureCache,
    /// Of samples that did not go through the backbone, whatever it is; `None` where all do.
    thumbnails: Option<FeatureCache>,
}

impl Kept {
    fn get(&self, hash: &ContentHash, goes_through: bool) -> Option<&Entry> {
        let thumbnail = || self.thumbnails.as_ref()?.get(hash);
        // A damaged file may hold rows without a value.
        let features = self.features.get(hash);
        let features = features.filter(|entry| !entry.features.is_empty());
        features.or_else(|| thumbnail().filter(|_| !goes_through))
    }

    fn insert(&mut self, hash: ContentHash, entry: Entry) {
        // Of an array that did not go through the backbone there is nothing to keep.
        if entry.features.is_empty() && entry.pixels.is_empty() {
            return;
        }
        let thumbnails = self.thumbnails.as_mut();
        match thumbnails.filter(|_| entry.features.is_empty()) {
            Some(thumbnails) => thumbnails.insert(hash, entry),
            None => self.features.insert(hash, entry),
        }
    }
}

/// A sample that was read.
struct Seen {
    hash: Option<ContentHash>,
    entry: Result<Known, String>,
}

/// What is known of a sample.
enum Known {
    Cached(Entry),
    Fresh(Entry),
}

impl Known {
    fn entry(self) -> Entry {
        match self {
            Known::Cached(entry) | Known::Fresh(entry) => entry,
        }
    }
}

/// Reads the samples at some places, and runs the backbone on those that are to go through it and are not in the
/// cache.
fn see(places: &[usize], shown: Shown, kept: &Kept, backbone: &Copies) -> Result<Vec<Seen>> {
    let read = places.iter().map(|&at| read(at, shown, kept));
    let read: Vec<(Option<ContentHash>, Result<Prepared, String>)> = read.collect();
    let views: Vec<Vec<f32>> = read
        .iter()
        .filter_map(|(_, prepared)| match prepared {
            Ok(Prepared::Fresh(image)) => Some(&image.inputs),
            _ => None,
        })
        .flatten()
        .cloned()
        .collect();
    let mut made = Vec::with_capacity(views.len());
    for views in views.chunks(backbone.batch()) {
        let outputs = backbone.run(&[shown.preparation.batch(views)])?;
        made.extend(rows(outputs, views.len())?);
    }
    let mut made = made.into_iter();
    let seen = read.into_iter().map(|(hash, prepared)| Seen {
        hash,
        entry: prepared.map(|prepared| match prepared {
            Prepared::Cached(entry) => Known::Cached(entry),
            Prepared::Fresh(image) => Known::Fresh(Entry {
                features: made.by_ref().take(image.inputs.len()).flatten().collect(),
                pixels: image.pixels,
            }),
        }),
    });
    Ok(seen.collect())
}

/// The backbone's outputs, cut into a row for each sample, one output behind the other.
fn rows(outputs: Vec<Array>, samples: usize) -> Result<Vec<Vec<f32>>> {
    let odd = outputs
        .iter()
        .find(|output| output.dims.first() != Some(&samples));
    if let Some(odd) = odd {
        return Err(Error::Stopped(format!(
            "the backbone makes features of shape {:?} from {samples} samples, not a row for each; \
             export it with a dynamic batch",
            odd.dims
        )));
    }
    let values = outputs.iter().flat_map(|output| &output.values);
    if !values.copied().all(f32::is_finite) {
        return Err(Error::Stopped(
            "the backbone makes features that are not finite numbers; check its weights and the \
             preprocessing"
                .into(),
        ));
    }
    let row = |row: usize| {
        let parts = outputs
            .iter()
            .map(|output| output.rows(row..row + 1).values);
        parts.collect::<Vec<_>>().concat()
    };
    Ok((0..samples).map(row).collect())
}

enum Prepared {
    Cached(Entry),
    Fresh(Fresh),
}

struct Fresh {
    /// An input for each view; none if the sample does not go through the backbone.
    inputs: Vec<Vec<f32>>,
    pixels: Vec<u8>,
}

fn read(at: usize, shown: Shown, kept: &Kept) -> (Option<ContentHash>, Result<Prepared, String>) {
    let sample = shown.samples[at];
    let goes_through = shown.goes_through(at);
    let bytes = match contents(sample) {
        Ok(bytes) => bytes,
        Err(problem) => return (None, Err(problem)),
    };
    let content: ContentHash = Sha256::digest(&bytes).into();
    if let Some(entry) = kept.get(&content, goes_through) {
        return (Some(content), Ok(Prepared::Cached(entry.clone())));
    }
    let fresh = match shown.preparation {
        Preparation::Images(preprocessing) => decode(&bytes).and_then(|image| {
            Ok(Fresh {
                inputs: match shown.views {
                    _ if !goes_through => Vec::new(),
                    Views::Clean => vec![prepare(&image, preprocessing)?],
                    Views::Augmented {
                        augmentation,
                        seed,
                        count,
                    } => {
                        let name = hash::hex(&content);
                        let view = |view| {
                            let mut rng = stream(seed, view, &name);
                            augmented(&image, preprocessing, augmentation, &mut rng)
                        };
                        (1..=count as u64).map(view).collect::<Result<_, _>>()?
                    }
                },
                pixels: thumbnail(&image, THUMBNAIL)?,
            })
        }),
        Preparation::Arrays(_) => {
            let row = shown.preparation.clean(sample);
            row.map_err(|error| error.to_string()).map(|row| Fresh {
                inputs: vec![row; if goes_through { shown.views.count() } else { 0 }],
                pixels: Vec::new(),
            })
        }
    };
    (Some(content), fresh.map(Prepared::Fresh))
}

fn cache_file(backbone: &Graph, shown: Shown, engine: EngineName, folder: &Path) -> PathBuf {
    let mut hasher = Sha256::new();
    hasher.update(backbone.to_bytes());
    hasher.update(serde_json::json!([shown.preparation, shown.views]).to_string());
    hasher.update(format!(
        "{engine} {THUMBNAIL} {READING} {}",
        env!("CARGO_PKG_VERSION")
    ));
    let key = hash::hex(&hasher.finalize()[..8]);
    folder.join(format!("{PREFIX}{key}.safetensors"))
}

/// Where thumbnails lie; how they are made is in its name.
fn thumbnail_file(folder: &Path) -> PathBuf {
    folder.join(format!("thumbnails-{THUMBNAIL}-{READING}.safetensors"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_leaves_nothing_among_thumbnails() {
        let folder = tempfile::tempdir().unwrap();
        let cache = |name: &str| FeatureCache::open(folder.path().join(name));
        let mut kept = Kept {
            features: cache("features"),
            thumbnails: Some(cache("thumbnails")),
        };
        for (hash, pixels) in [([1; 32], Vec::new()), ([2; 32], vec![7; 3])] {
            let features = Vec::new();
            kept.insert(hash, Entry { features, pixels });
        }
        assert_eq!(kept.get(&[1; 32], false), None);
        assert!(kept.get(&[2; 32], false).is_some());
    }
}
