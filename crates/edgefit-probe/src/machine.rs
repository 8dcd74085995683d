//! Instruction set, caches and CPU quota of this machine, as the system describes them.

use std::path::Path;

/// Extensions of the instruction set that engines have kernels for, by the names compilers take.
pub fn isa() -> Vec<String> {
    let mut found = vec![std::env::consts::ARCH.to_owned()];
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        let known = [
            ("sse4.2", has!("sse4.2")),
            ("avx", has!("avx")),
            ("fma", has!("fma")),
            ("f16c", has!("f16c")),
            ("avx2", has!("avx2")),
            ("avxvnni", has!("avxvnni")),
            ("avx512f", has!("avx512f")),
            ("avx512bw", has!("avx512bw")),
            ("avx512vl", has!("avx512vl")),
            ("avx512vnni", has!("avx512vnni")),
            ("avx512bf16", has!("avx512bf16")),
        ];
        add(&mut found, &known);
    }
    #[cfg(target_arch = "aarch64")]
    {
        use std::arch::is_aarch64_feature_detected as has;
        let known = [
            ("neon", has!("neon")),
            ("fp16", has!("fp16")),
            ("dotprod", has!("dotprod")),
            ("i8mm", has!("i8mm")),
            ("bf16", has!("bf16")),
            ("sve", has!("sve")),
            ("sve2", has!("sve2")),
        ];
        add(&mut found, &known);
    }
    found
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn add(found: &mut Vec<String>, known: &[(&str, bool)]) {
    let there = known.iter().filter(|(_, there)| *there);
    found.extend(there.map(|(name, _)| (*name).to_owned()));
}

/// Cores' worth of time that the control group of this process may use, where it is limited.
pub fn cpu_quota() -> Option<f64> {
    quota(&std::fs::read_to_string("/sys/fs/cgroup/cpu.max").ok()?)
}

/// The text of `cpu.max`: microseconds of time, or `max`, and of the period.
fn quota(text: &str) -> Option<f64> {
    let mut parts = text.split_whitespace();
    let (time, period): (f64, f64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (time > 0.0 && period > 0.0).then(|| time / period)
}

/// Bytes of the caches that the first core uses for data, by level.
pub fn caches() -> Vec<(u32, u64)> {
    caches_in(Path::new("/sys/devices/system/cpu/cpu0/cache"))
}

fn caches_in(folder: &Path) -> Vec<(u32, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let read = |entry: &std::fs::DirEntry, name: &str| {
        let text = std::fs::read_to_string(entry.path().join(name)).ok()?;
        Some(text.trim().to_owned())
    };
    let mut found: Vec<(u32, u64)> = entries
        .filter(|entry| read(entry, "type").is_some_and(|kind| kind != "Instruction"))
        .filter_map(|entry| {
            let level = read(&entry, "level")?.parse().ok()?;
            let kibibytes: u64 = read(&entry, "size")?.strip_suffix('K')?.parse().ok()?;
            Some((level, kibibytes.checked_mul(1024)?))
        })
        .collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_read_and_nonsense_is_none() {
        assert_eq!(quota("150000 100000\n"), Some(1.5));
        for none in ["max 100000", "", "0 100000", "a b", "100000"] {
            assert_eq!(quota(none), None, "{none}");
        }
    }

    #[test]
    fn caches_of_data_are_listed_by_level() {
        let folder = tempfile::tempdir().unwrap();
        for (index, level, kind, size) in [
            ("index0", "1", "Data", "32K"),
            ("index1", "1", "Instruction", "64K"),
            ("index2", "2", "Unified", "1024K"),
            ("index3", "3", "Unified", "many"),
        ] {
            let cache = folder.path().join(index);
            std::fs::create_dir(&cache).unwrap();
            for (name, text) in [("level", level), ("type", kind), ("size", size)] {
                std::fs::write(cache.join(name), format!("{text}\n")).unwrap();
            }
        }
        assert_eq!(caches_in(folder.path()), [(1, 32 << 10), (2, 1 << 20)]);
    }
}
