//! Features of samples: what a frozen backbone makes of each, computed once and kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgefit_base::file::{WriteError, write_atomically};
use edgefit_data::{Augmentation, Content, Sample, augmented, decode, prepare, stream, thumbnail};
use edgefit_engine::{Array, EngineName};
use edgefit_graph::Graph;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::events::Observer;
use crate::preparation::Preparation;

/// Most images of a batch through the backbone.
pub const BATCH: usize = 16;

/// Side of the thumbnails that the pixel baseline looks at.
pub const THUMBNAIL: u32 = 32;

/// Most bytes that are left in the cache folder by one pass.
const STORED: usize = 1 << 30;

/// Time after which a pass leaves what it has in the cache folder.
const STORE_EVERY: Duration = Duration::from_secs(60);

/// What is kept of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Output of the backbone, for each view one behind the other.
    pub features: Vec<f32>,
    /// An image as [`THUMBNAIL`]² RGB pixels; nothing of an array.
    pub pixels: Vec<u8>,
}

/// What the backbone is shown of each image.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Views<'a> {
    /// The image as it is.
    Clean,
    /// A number of augmented views.
    Augmented {
        /// What is done to the image.
        augmentation: &'a Augmentation,
        /// Seed of what is left to chance.
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

/// Features of a dataset, in the order of its samples.
#[derive(Debug)]
pub struct Extracted {
    /// An entry for each sample; an image that cannot be read has a sentence instead.
    pub entries: Vec<Result<Entry, String>>,
    /// How many entries came from the cache.
    pub cached: usize,
}

/// How a frozen backbone is run.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// The engine.
    pub engine: EngineName,
    /// Threads of the engine.
    pub threads: usize,
    /// Images at a time, [`BATCH`] at most.
    pub batch: usize,
}

type Digest256 = [u8; 32];

/// Runs `backbone` over the `views` of all `samples`, taking from the folder `cache` what is there and leaving
/// the rest there.
///
/// An entry is found again by the contents of the sample, the backbone with its weights, the
/// preprocessing, the engine and the views; renaming files or adding some costs nothing.
///
/// # Errors
/// The engine fails, or its output is not a row of finite numbers for each image.
pub fn extract(
    backbone: &Graph,
    preparation: &Preparation,
    views: Views,
    pass: Pass,
    samples: &[&Sample],
    cache: &Path,
    observer: &mut dyn Observer,
) -> Result<Extracted> {
    let path = cache_file(backbone, preparation, views, pass.engine, cache);
    let mut known = load(&path).unwrap_or_default();
    let before = known.len();
    let mut model = None;
    let mut entries = Vec::with_capacity(samples.len());
    let mut cached = 0;
    let mut stored = Instant::now();
    observer.begin("features", samples.len() as u64);
    let count = views.count();
    for chunk in samples.chunks((pass.batch.min(BATCH) / count).max(1)) {
        let read: Vec<(Option<Digest256>, Result<Prepared, String>)> = chunk
            .par_iter()
            .map(|sample| read(sample, preparation, views, &known))
            .collect();
        let fresh: Vec<&Fresh> = read
            .iter()
            .filter_map(|(_, prepared)| match prepared {
                Ok(Prepared::Fresh(image)) => Some(image),
                _ => None,
            })
            .collect();
        let mut outputs = Vec::new();
        if !fresh.is_empty() {
            let model = match &mut model {
                Some(model) => model,
                none => none.insert(edgefit_engine::load(pass.engine, backbone, pass.threads)?),
            };
            let inputs: Vec<Vec<f32>> = fresh.iter().flat_map(|one| one.inputs.clone()).collect();
            let each = rows(model.run(&[preparation.batch(&inputs)])?, inputs.len())?;
            outputs = each.chunks(count).map(<[_]>::concat).collect();
        }
        let mut outputs = outputs.into_iter();
        for (digest, prepared) in read {
            entries.push(match prepared {
                Err(problem) => Err(problem),
                Ok(Prepared::Known(entry)) => {
                    cached += 1;
                    Ok(entry)
                }
                Ok(Prepared::Fresh(image)) => {
                    let entry = Entry {
                        features: outputs.next().unwrap_or_default(),
                        pixels: image.pixels,
                    };
                    if let Some(digest) = digest {
                        known.insert(digest, entry.clone());
                    }
                    Ok(entry)
                }
            });
        }
        observer.progress(entries.len() as u64, "");
        if known.len() > before && stored.elapsed() > STORE_EVERY {
            keep(&path, &known, observer);
            stored = Instant::now();
        }
    }
    observer.end();
    if known.len() > before {
        keep(&path, &known, observer);
    }
    Ok(Extracted { entries, cached })
}

/// Stores the entries, unless they are very many; says so if that fails.
fn keep(path: &Path, known: &HashMap<Digest256, Entry>, observer: &mut dyn Observer) {
    let width = |entry: &Entry| 4 * entry.features.len() + entry.pixels.len();
    let bytes = known.len() * known.values().next().map_or(0, width);
    if bytes > STORED {
        return;
    }
    if let Err(error) = store(path, known) {
        observer.warn(&format!(
            "{error}; the features are computed again next time (EDGEFIT_CACHE names another \
             cache folder)"
        ));
    }
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
    Known(Entry),
    Fresh(Fresh),
}

struct Fresh {
    inputs: Vec<Vec<f32>>,
    pixels: Vec<u8>,
}

fn read(
    sample: &Sample,
    preparation: &Preparation,
    views: Views,
    known: &HashMap<Digest256, Entry>,
) -> (Option<Digest256>, Result<Prepared, String>) {
    let bytes = match &sample.content {
        Content::Image(path) => match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return (None, Err(format!("cannot be read ({error})"))),
        },
        Content::Values(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let digest: Digest256 = Sha256::digest(&bytes).into();
    if let Some(entry) = known.get(&digest) {
        return (Some(digest), Ok(Prepared::Known(entry.clone())));
    }
    let fresh = match preparation {
        Preparation::Images(preprocessing) => decode(&bytes).and_then(|image| {
            Ok(Fresh {
                inputs: match views {
                    Views::Clean => vec![prepare(&image, preprocessing)?],
                    Views::Augmented {
                        augmentation,
                        seed,
                        count,
                    } => {
                        let name = base16ct::lower::encode_string(&digest);
                        let view = |view| {
                            let mut chance = stream(seed, view, &name);
                            augmented(&image, preprocessing, augmentation, &mut chance)
                        };
                        (1..=count as u64).map(view).collect::<Result<_, _>>()?
                    }
                },
                pixels: thumbnail(&image, THUMBNAIL)?,
            })
        }),
        Preparation::Arrays(_) => {
            let row = preparation.clean(sample).map_err(|error| error.to_string());
            row.map(|row| Fresh {
                inputs: vec![row; views.count()],
                pixels: Vec::new(),
            })
        }
    };
    (Some(digest), fresh.map(Prepared::Fresh))
}

fn cache_file(
    backbone: &Graph,
    preparation: &Preparation,
    views: Views,
    engine: EngineName,
    cache: &Path,
) -> PathBuf {
    let mut hasher = Sha256::new();
    hasher.update(backbone.to_bytes());
    hasher.update(serde_json::json!([preparation, views]).to_string());
    hasher.update(format!(
        "{engine} {THUMBNAIL} {}",
        env!("CARGO_PKG_VERSION")
    ));
    let key = base16ct::lower::encode_string(&hasher.finalize()[..8]);
    cache.join(format!("features-{key}.safetensors"))
}

/// The entries of a cache file; `None` when there is none, or none that can be used.
fn load(path: &Path) -> Option<HashMap<Digest256, Entry>> {
    let bytes = std::fs::read(path).ok()?;
    let file = SafeTensors::deserialize(&bytes).ok()?;
    let column = |name: &str, dtype: Dtype| {
        let view = file.tensor(name).ok()?;
        let &[rows, width] = view.shape() else {
            return None;
        };
        (view.dtype() == dtype).then_some((rows, width, view.data()))
    };
    let (rows, 32, digests) = column("digests", Dtype::U8)? else {
        return None;
    };
    let (feature_rows, width, features) = column("features", Dtype::F32)?;
    let (pixel_rows, pixel_width, pixels) = column("pixels", Dtype::U8)?;
    if feature_rows != rows || pixel_rows != rows || width == 0 {
        return None;
    }
    let digests = digests.as_chunks::<32>().0.iter();
    let features = features.chunks_exact(4 * width).map(|row| {
        let values = row.as_chunks::<4>().0.iter();
        values.map(|bytes| f32::from_le_bytes(*bytes)).collect()
    });
    let pixels = (0..rows).map(|row| pixels[row * pixel_width..(row + 1) * pixel_width].to_vec());
    let entries = features
        .zip(pixels)
        .map(|(features, pixels)| Entry { features, pixels });
    Some(digests.copied().zip(entries).collect())
}

fn store(path: &Path, entries: &HashMap<Digest256, Entry>) -> Result<()> {
    let mut rows: Vec<(&Digest256, &Entry)> = entries.iter().collect();
    rows.sort_by_key(|(digest, _)| **digest);
    let width = |column: fn(&Entry) -> usize| rows.first().map_or(0, |(_, entry)| column(entry));
    let digests: Vec<u8> = rows.iter().flat_map(|(digest, _)| **digest).collect();
    let features: Vec<u8> = rows
        .iter()
        .flat_map(|(_, entry)| &entry.features)
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let pixels: Vec<u8> = rows
        .iter()
        .flat_map(|(_, entry)| entry.pixels.clone())
        .collect();
    let columns = [
        ("digests", Dtype::U8, 32, &digests),
        (
            "features",
            Dtype::F32,
            width(|entry| entry.features.len()),
            &features,
        ),
        (
            "pixels",
            Dtype::U8,
            width(|entry| entry.pixels.len()),
            &pixels,
        ),
    ];
    let serialize = || {
        let views = columns
            .into_iter()
            .map(|(name, dtype, width, data)| {
                Ok((name, TensorView::new(dtype, vec![rows.len(), width], data)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
        safetensors::serialize(views, None)
    };
    let fail = |source| WriteError {
        path: path.to_path_buf(),
        source,
    };
    let bytes = serialize().map_err(|error| fail(std::io::Error::other(error)))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    Ok(write_atomically(path, |file| file.write_all(&bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_damage_is_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/features.safetensors");
        let entries: HashMap<Digest256, Entry> = (0..3u8)
            .map(|index| {
                let entry = Entry {
                    features: vec![f32::from(index), -1.5],
                    pixels: vec![index; 4],
                };
                ([index; 32], entry)
            })
            .collect();
        store(&path, &entries).unwrap();
        assert_eq!(load(&path), Some(entries));
        let bytes = std::fs::read(&path).unwrap();
        for damaged in [&bytes[..bytes.len() - 1], b"", b"nonsense"] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(load(&path), None);
        }
    }
}
