//! Features that are kept in a file, so that the next run finds them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgefit_base::file::{WriteError, create_folder, write_atomically};
use edgefit_base::{file, floats};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::Result;
use crate::observer::Observer;
use crate::prepare::cache_size;
use crate::prepare::contents::ContentHash;

/// Most bytes that are kept in one file.
pub(crate) const MOST_BYTES: usize = 1 << 30;

/// What the names of files with features begin with.
pub(crate) const PREFIX: &str = "features-";

/// Most bytes that all files with features take together.
const MOST_BYTES_IN_ALL: u64 = 8 << 30;

/// Time after which new entries are written, though more are to come.
const STORE_EVERY: Duration = Duration::from_secs(60);

/// What is kept of a sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Output of the backbone, for each view one behind the other; empty of what did not go through it.
    pub features: Vec<f32>,
    /// An image as [`THUMBNAIL`](super::features::THUMBNAIL)² RGB pixels; nothing of an array.
    pub pixels: Vec<u8>,
}

/// The entries of a cache file, and new ones.
pub(crate) struct FeatureCache {
    path: PathBuf,
    entries: HashMap<ContentHash, Entry>,
    /// Number of entries when it was opened.
    found: usize,
    stored: Instant,
}

impl FeatureCache {
    /// What is kept in the file at `path`; nothing where it is absent or damaged.
    pub fn open(path: PathBuf) -> Self {
        let entries = load(&path).unwrap_or_default();
        cache_size::touch(&path);
        FeatureCache {
            path,
            found: entries.len(),
            entries,
            stored: Instant::now(),
        }
    }

    pub fn get(&self, content: &ContentHash) -> Option<&Entry> {
        self.entries.get(content)
    }

    pub fn insert(&mut self, content: ContentHash, entry: Entry) {
        self.entries.insert(content, entry);
    }

    /// Writes the file if there are new entries and it was not written for a minute.
    pub fn store_now_and_then(&mut self, observer: &mut dyn Observer) {
        if self.stored.elapsed() > STORE_EVERY {
            self.store(observer);
            self.stored = Instant::now();
        }
    }

    /// Writes the file if there are new entries, unless they are very many; warns if that fails.
    pub fn store(&self, observer: &mut dyn Observer) {
        let size = |entry: &Entry| 4 * entry.features.len() + entry.pixels.len();
        let bytes: usize = self.entries.values().map(size).sum();
        if self.entries.len() == self.found || bytes > MOST_BYTES {
            return;
        }
        if let Err(error) = write(&self.path, &self.entries) {
            observer.warn(&format!(
                "{error}; the features are computed again next time (EDGEFIT_CACHE names another \
                 cache folder)"
            ));
        } else if let Some(folder) = self.path.parent() {
            cache_size::shrink(folder, PREFIX, MOST_BYTES_IN_ALL);
        }
    }
}

/// The entries of a cache file; `None` when there is none, or none that can be used.
fn load(path: &Path) -> Option<HashMap<ContentHash, Entry>> {
    let bytes = file::read(path).ok()?;
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
    if feature_rows != rows || pixel_rows != rows {
        return None;
    }
    let digests = digests.as_chunks::<32>().0.iter();
    let features =
        (0..rows).map(|row| floats::from_bytes(&features[4 * row * width..4 * (row + 1) * width]));
    let pixels = (0..rows).map(|row| pixels[row * pixel_width..(row + 1) * pixel_width].to_vec());
    let entries = features
        .zip(pixels)
        .map(|(features, pixels)| Entry { features, pixels });
    Some(digests.copied().zip(entries).collect())
}

fn write(path: &Path, entries: &HashMap<ContentHash, Entry>) -> Result<()> {
    // The rows of a column are of one width; a damaged file may have held others.
    let widths = |entry: &Entry| (entry.features.len(), entry.pixels.len());
    let widest = entries.values().map(widths).max().unwrap_or_default();
    let alike = entries.iter().filter(|(_, entry)| widths(entry) == widest);
    let mut rows: Vec<(&ContentHash, &Entry)> = alike.collect();
    rows.sort_by_key(|(digest, _)| **digest);
    let digests: Vec<u8> = rows.iter().flat_map(|(digest, _)| **digest).collect();
    let features = rows
        .iter()
        .map(|(_, entry)| floats::as_bytes(&entry.features));
    let features = features.collect::<Vec<_>>().concat();
    let pixels = rows.iter().map(|(_, entry)| entry.pixels.as_slice());
    let pixels = pixels.collect::<Vec<_>>().concat();
    let columns = [
        ("digests", Dtype::U8, 32, &digests),
        ("features", Dtype::F32, widest.0, &features),
        ("pixels", Dtype::U8, widest.1, &pixels),
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
        create_folder(folder)?;
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
        let entries: HashMap<ContentHash, Entry> = (0..3u8)
            .map(|index| {
                let entry = Entry {
                    features: vec![f32::from(index), -1.5],
                    pixels: vec![index; 4],
                };
                ([index; 32], entry)
            })
            .collect();
        write(&path, &entries).unwrap();
        assert_eq!(load(&path), Some(entries.clone()));
        let mut mixed = entries.clone();
        let odd = Entry {
            features: Vec::new(),
            pixels: Vec::new(),
        };
        mixed.insert([9; 32], odd);
        write(&path, &mixed).unwrap();
        assert_eq!(load(&path), Some(entries.clone()));
        let thumbnails: HashMap<ContentHash, Entry> = entries
            .into_iter()
            .map(|(hash, Entry { pixels, .. })| {
                let features = Vec::new();
                (hash, Entry { features, pixels })
            })
            .collect();
        write(&path, &thumbnails).unwrap();
        assert_eq!(load(&path), Some(thumbnails));
        let bytes = std::fs::read(&path).unwrap();
        for damaged in [&bytes[..bytes.len() - 1], b"", b"nonsense"] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(load(&path), None);
        }
    }
}
