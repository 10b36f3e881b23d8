//! How many workers this machine has room for.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

/// The memory that a worker may come to need, by which their number is bounded where nobody
/// says it: 256 MiB.
const MEMORY_OF_ONE: u64 = 256 << 20;

/// As many workers as this process may use CPUs, and as fit into its memory; at least one.
///
/// What counts is the share that the process has of the machine: its CPU affinity and the limits
/// of its control groups, of version 1 and 2.
pub(super) fn workers() -> u16 {
    // Where the system does not tell, one is right.
    let cpus = available_parallelism().map_or(1, usize::from);
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let limits =
        limit_files(&groups).into_iter().filter_map(|path| read(path)?.trim().parse().ok());
    let total = read("/proc/meminfo").and_then(|text| total(&text));
    fitting(cpus, limits.chain(total).min())
}

fn fitting(cpus: usize, memory: Option<u64>) -> u16 {
    let by_memory = memory.map_or(u64::MAX, |memory| memory / MEMORY_OF_ONE);
    let fitting = (cpus as u64).min(by_memory).max(1);
    u16::try_from(fitting).unwrap_or(u16::MAX)
}

/// What the kernel tells in a file that it makes up.
fn read(path: impl AsRef<Path>) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The memory of the machine in bytes, by `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

/// The files with limits of memory for the control groups that a process is in, by its
/// `/proc/PID/cgroup`: those of the groups and of all groups around them. In a container they
/// may lie at the root of what it sees. A file that holds `max` sets no limit.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let (root, name) = if controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            continue;
        };
        let groups = Path::new(group.trim_start_matches('/')).ancestors();
        files.extend(groups.map(|group| Path::new(root).join(group).join(name)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_cpus_unless_memory_is_short() {
        let gib = 1 << 30;
        assert_eq!(fitting(8, Some(16 * gib)), 8);
        assert_eq!(fitting(8, Some(gib)), 4);
        assert_eq!(fitting(8, Some(gib / 16)), 1);
        assert_eq!(fitting(2, None), 2);
        assert!(workers() >= 1);
    }

    #[test]
    fn limits_of_all_groups_around_the_process_count() {
        let paths = |groups| {
            let files = limit_files(groups).into_iter();
            files.map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            paths("0::/system.slice/api.service\n"),
            [
                "/sys/fs/cgroup/system.slice/api.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
        assert_eq!(
            paths("4:cpu,memory:/a\n1:cpu:/b\n"),
            [
                "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ]
        );
    }

    #[test]
    fn the_memory_of_the_machine_is_told_in_kib() {
        assert_eq!(total("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(total(""), None);
    }
}
