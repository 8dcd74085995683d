//! The control groups of this process, and the memory that the narrowest of them leaves.

use std::fs;
use std::path::{Path, PathBuf};

/// Memory of a control group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    /// Most that the group may use, in bytes.
    pub limit: u64,
    /// What is left of it, in bytes: pages of files that can be dropped count as free.
    pub free: u64,
}

/// The files in which the two versions of control groups say what a group may use and does use.
struct Version {
    /// Type of the file system.
    filesystem: &'static str,
    limit: &'static str,
    usage: &'static str,
    /// The line of `memory.stat` with the pages of files that can be dropped, of the groups below too.
    droppable: &'static str,
}

const VERSIONS: [Version; 2] = [
    Version {
        filesystem: "cgroup2",
        limit: "memory.max",
        usage: "memory.current",
        droppable: "inactive_file",
    },
    Version {
        filesystem: "cgroup",
        limit: "memory.limit_in_bytes",
        usage: "memory.usage_in_bytes",
        droppable: "total_inactive_file",
    },
];

/// The least that is left to this process by its own group and all those above it, of either version;
/// `root` is `/`. `None` where no group has a limit, or there are no groups.
pub(crate) fn memory_limit(root: &Path) -> Option<MemoryLimit> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let groups = read("proc/self/cgroup");
    let mounts = read("proc/self/mountinfo");
    let limits = mounts.lines().filter_map(Mount::parse).flat_map(|mount| {
        let version = mount.version;
        let levels = mount.levels(&groups);
        levels.filter_map(move |level| limit_of(&root.join(level), version))
    });
    limits.min_by_key(|limit| (limit.free, limit.limit))
}

/// A mounted hierarchy of control groups that limits memory.
struct Mount<'m> {
    version: &'static Version,
    /// The group at its top.
    top: &'m str,
    /// Where it is mounted, without the leading `/`.
    point: &'m str,
}

impl<'m> Mount<'m> {
    /// A line of `mountinfo`: `31 23 0:28 TOP POINT options - TYPE source super-options`.
    fn parse(line: &'m str) -> Option<Self> {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (top, point) = (fields.next()?, fields.next()?);
        let mut fields = filesystem.split(' ');
        let kind = fields.next()?;
        let version = VERSIONS.iter().find(|version| version.filesystem == kind)?;
        let controllers = fields.nth(1).unwrap_or_default();
        let limits_memory =
            kind == "cgroup2" || controllers.split(',').any(|name| name == "memory");
        limits_memory.then_some(Mount {
            version,
            top,
            point: point.trim_start_matches('/'),
        })
    }

    /// The folder of this process's group, and of every group above it up to the mount.
    fn levels(&self, groups: &str) -> impl Iterator<Item = PathBuf> + use<> {
        let group = groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let same = match self.version.filesystem {
                "cgroup2" => controllers.is_empty(),
                _ => controllers.split(',').any(|name| name == "memory"),
            };
            same.then_some(path)
        });
        // A container may see its own group at the top of the mount, and still be told the path from
        // the host's top.
        let below = group.and_then(|group| group.strip_prefix(self.top.trim_end_matches('/')));
        let below = Path::new(below.unwrap_or_default().trim_start_matches('/'));
        let levels = below
            .ancestors()
            .map(|level| Path::new(self.point).join(level));
        levels.collect::<Vec<_>>().into_iter()
    }
}

fn limit_of(folder: &Path, version: &Version) -> Option<MemoryLimit> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    // «max» is no number.
    let limit = number(version.limit)?;
    let stat = read("memory.stat").unwrap_or_default();
    let droppable = stat.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == version.droppable).then(|| value.trim().parse::<u64>().ok())?
    });
    let used = number(version.usage)
        .unwrap_or(0)
        .saturating_sub(droppable.unwrap_or(0));
    Some(MemoryLimit {
        limit,
        free: limit.saturating_sub(used),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system whose process is in `group`, told in `proc/self/cgroup`, under the mounts of `mountinfo`.
    fn system(group: &str, mountinfo: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let process = root.path().join("proc/self");
        fs::create_dir_all(&process).unwrap();
        fs::write(process.join("cgroup"), group).unwrap();
        fs::write(process.join("mountinfo"), mountinfo).unwrap();
        root
    }

    fn write(root: &Path, folder: &str, files: &[(&str, &str)]) {
        let folder = root.join("sys/fs/cgroup").join(folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
    }

    const V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
    const V1: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      36 31 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";

    #[test]
    fn the_narrowest_group_on_the_way_up_counts() {
        let root = system("0::/user.slice/job/step\n", V2);
        write(
            root.path(),
            "user.slice/job/step",
            &[("memory.max", "max\n")],
        );
        let job = [
            ("memory.max", "1000000\n"),
            ("memory.current", "400000\n"),
            ("memory.stat", "anon 300000\ninactive_file 100000\n"),
        ];
        write(root.path(), "user.slice/job", &job);
        write(root.path(), "user.slice", &[("memory.max", "9000000\n")]);
        let found = memory_limit(root.path());
        let expected = MemoryLimit {
            limit: 1_000_000,
            free: 700_000,
        };
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn a_wide_group_that_is_full_leaves_less_than_a_narrow_one() {
        let root = system("4:cpu:/x\n5:memory:/outer/inner\n", V1);
        let inner = [
            ("memory.limit_in_bytes", "1000\n"),
            ("memory.usage_in_bytes", "100\n"),
        ];
        write(root.path(), "memory/outer/inner", &inner);
        let outer = [
            ("memory.limit_in_bytes", "5000\n"),
            ("memory.usage_in_bytes", "4900\n"),
            ("memory.stat", "inactive_file 7\ntotal_inactive_file 50\n"),
        ];
        write(root.path(), "memory/outer", &outer);
        let found = memory_limit(root.path()).unwrap();
        assert_eq!((found.limit, found.free), (5000, 150));
    }

    #[test]
    fn a_container_sees_its_own_group_at_the_top_of_the_mount() {
        let mount = "35 31 0:32 /docker/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        for path in ["/docker/c1", "/docker/c1/deeper", "/elsewhere"] {
            let root = system(&format!("5:memory:{path}\n"), mount);
            write(root.path(), "memory", &[("memory.limit_in_bytes", "77\n")]);
            let found = memory_limit(root.path()).unwrap();
            assert_eq!((found.limit, found.free), (77, 77), "{path}");
        }
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let root = system("0::/\n", V2);
        write(root.path(), "", &[("memory.max", "max\n")]);
        assert_eq!(memory_limit(root.path()), None);
        assert_eq!(memory_limit(Path::new("/nowhere/at/all")), None);
    }
}
