//! The size of a cache folder: what was not used for longest goes first.

use std::fs::{self, File, FileTimes};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Notes that a file was used. One that cannot be touched counts as older than it is.
pub(crate) fn touch(path: &Path) {
    let now = FileTimes::new().set_modified(SystemTime::now());
    let _ = File::open(path).and_then(|file| file.set_times(now));
}

/// Removes files of `folder` whose names begin with `prefix`, those first that were not used for longest, until the
/// rest takes no more than `most` bytes.
pub(crate) fn shrink(folder: &Path, prefix: &str, most: u64) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .filter_map(|entry| {
            let known = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((known.modified().ok()?, known.len(), entry.path()))
        })
        .collect();
    files.sort();
    remove_first(&files, most);
}

/// Removes `files` from the first on, until the rest takes no more than `most` bytes.
fn remove_first(files: &[(SystemTime, u64, PathBuf)], most: u64) {
    let mut all: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in files {
        if all <= most {
            break;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {}
            // Another process may have removed it.
            _ => all -= bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (age, name) in ["other-a", "features-b", "features-c", "features-d"]
            .iter()
            .rev()
            .enumerate()
        {
            fs::write(path(name), [0; 10]).unwrap();
            let then = SystemTime::now() - std::time::Duration::from_secs(60 * (age as u64 + 1));
            let times = FileTimes::new().set_modified(then);
            File::open(path(name)).unwrap().set_times(times).unwrap();
        }
        touch(&path("features-b"));
        shrink(folder.path(), "features-", 30);
        assert!(path("features-c").exists());
        shrink(folder.path(), "features-", 29);
        assert!(path("other-a").exists() && path("features-b").exists());
        assert!(!path("features-c").exists() && path("features-d").exists());
    }

    #[test]
    fn what_cannot_be_removed_takes_its_room_still() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // No call that removes files removes a folder.
        fs::create_dir(path("stays")).unwrap();
        for name in ["goes", "is kept"] {
            fs::write(path(name), [0; 10]).unwrap();
        }
        let all = ["stays", "gone", "goes", "is kept"];
        let all = all.map(|name| (SystemTime::UNIX_EPOCH, 10u64, path(name)));
        remove_first(&all, 20);
        assert!(!path("goes").exists() && path("is kept").exists());
    }
}
