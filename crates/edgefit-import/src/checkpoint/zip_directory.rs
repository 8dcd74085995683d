//! A way around a fault of the `zip` crate that `pytorch-reader` opens checkpoints with.
//!
//! It takes the directory of an archive to end where its end record begins (as of version 9.8.1).
//! `torch.save` writes two more records between them, [`RECORDS`] bytes in all, so that it looks for the
//! directory as much too late. There it finds nothing and searches on, except where the first entry is just as
//! long: then it takes the second for the first. An entry is called `STEM/data.pkl`, so the file's stem has 21
//! letters.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Bytes of the end record, without a comment.
const END: u64 = 22;

/// Where the end record has the size of the directory; where it starts follows.
const SIZE: usize = 12;

/// Bytes of the ZIP64 end record and its locator.
const RECORDS: u32 = 56 + 20;

const END_MARK: &[u8] = b"PK\x05\x06";
const ZIP64_END_MARK: &[u8] = b"PK\x06\x06";
const ENTRY_MARK: &[u8] = b"PK\x01\x02";

/// A copy of the archive at `path` whose end record counts the two others as the directory's, if it is one
/// that the crate would take wrongly.
pub(super) fn repaired(path: &Path) -> Result<Option<NamedTempFile>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let Some(at) = length.checked_sub(END + u64::from(RECORDS)) else {
        return Ok(None);
    };
    let mut tail = [0; END as usize + RECORDS as usize];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut tail)?;
    let (records, end) = tail.split_at(RECORDS as usize);
    let number = |at: usize| u32::from_le_bytes([end[at], end[at + 1], end[at + 2], end[at + 3]]);
    let (size, start) = (number(SIZE), number(SIZE + 4));
    let abuts = u64::from(start) + u64::from(size) == at;
    if !(end.starts_with(END_MARK) && records.starts_with(ZIP64_END_MARK) && abuts) {
        return Ok(None);
    }
    let mut second = [0; 4];
    file.seek(SeekFrom::Start(u64::from(start) + u64::from(RECORDS)))?;
    file.read_exact(&mut second)?;
    if second != ENTRY_MARK {
        return Ok(None);
    }
    let mut copy = NamedTempFile::new()?;
    file.rewind()?;
    std::io::copy(&mut file, &mut copy)?;
    copy.seek(SeekFrom::Start(at + u64::from(RECORDS) + SIZE as u64))?;
    copy.write_all(&(size + RECORDS).to_le_bytes())?;
    copy.flush()?;
    Ok(Some(copy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checkpoint;

    /// What `torch.save` writes for `{"a": torch.tensor([1., 2.])}` into a file called `stem`.
    fn saved(stem: &str) -> Vec<u8> {
        let pickle = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\
            \x00\x00\x00storageq\x03ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\
            \x06K\x02tq\x07QK\x00K\x02\x85q\x08K\x01\x85q\t\x89ccollections\nOrderedDict\nq\n)Rq\x0btq\x0cRq\
            \rs.";
        let values: Vec<u8> = [1f32, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        let entries = [
            ("data.pkl", &pickle[..]),
            ("data/0", &values),
            ("version", b"3\n"),
        ];
        for (name, content) in entries {
            let name = format!("{stem}/{name}");
            let (at, size) = (bytes.len() as u32, (content.len() as u32).to_le_bytes());
            // Version, flags, method (stored), time, date, checksum (not kept), sizes, lengths of name and extra.
            let mut header = [
                &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
                &size,
                &size,
            ]
            .concat();
            header.extend([name.len() as u8, 0, 0, 0]);
            bytes.extend([b"PK\x03\x04", &header[..], name.as_bytes(), content].concat());
            directory.extend([ENTRY_MARK, &[20, 0], &header, &[0; 10]].concat());
            directory.extend(at.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (start, size) = (bytes.len() as u64, directory.len() as u64);
        bytes.extend(directory);
        let zip64 = bytes.len() as u64;
        let counts = (entries.len() as u64).to_le_bytes();
        bytes.extend(
            [
                ZIP64_END_MARK,
                &44u64.to_le_bytes(),
                &[45, 0, 45, 0],
                &[0; 8],
            ]
            .concat(),
        );
        bytes.extend([counts, counts, size.to_le_bytes(), start.to_le_bytes()].concat());
        bytes.extend(
            [
                b"PK\x06\x07",
                &[0; 4][..],
                &zip64.to_le_bytes(),
                &[1, 0, 0, 0],
            ]
            .concat(),
        );
        bytes.extend([END_MARK, &[0, 0, 0, 0, 3, 0, 3, 0]].concat());
        bytes.extend((size as u32).to_le_bytes());
        bytes.extend((start as u32).to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn a_checkpoint_may_be_called_anything() {
        let folder = tempfile::tempdir().unwrap();
        let mut copied = Vec::new();
        for letters in 1..=64 {
            let stem = "a".repeat(letters);
            let path = folder.path().join(format!("{stem}.pth"));
            std::fs::write(&path, saved(&stem)).unwrap();
            let checkpoint = Checkpoint::open(&path).unwrap_or_else(|error| panic!("{error}"));
            let tensor = checkpoint.tensor("a").unwrap().unwrap();
            assert_eq!(tensor.to_f32().unwrap(), [1.0, 2.0], "{stem}");
            if repaired(&path).unwrap().is_some() {
                copied.push(letters);
            }
        }
        assert_eq!(copied, [21]);
    }

    #[test]
    fn what_is_no_such_archive_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let whole = saved(&"a".repeat(21));
        for bytes in [&b""[..], b"PK", &whole[..whole.len() - 1], &[0; 200]] {
            std::fs::write(&path, bytes).unwrap();
            assert!(repaired(&path).unwrap().is_none());
        }
    }
}
