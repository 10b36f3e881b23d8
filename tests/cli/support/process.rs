//! What the system tells of processes, in `/proc`.

use std::collections::BTreeSet;
use std::fs;

/// The processes that a process has started.
pub(crate) fn children(process: u32) -> BTreeSet<u32> {
    let text = read(&format!("/proc/{process}/task/{process}/children"));
    text.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// The processor time that a process has spent, in hundredths of a second.
pub(crate) fn spent(process: u32) -> u64 {
    let stat = read(&format!("/proc/{process}/stat"));
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// The command line of a process, as `ps` shows it; empty if it has ended.
pub(crate) fn title(process: u32) -> String {
    read(&format!("/proc/{process}/cmdline")).replace('\0', " ")
}

/// The name of a process, by which `pgrep` and `top` know it.
pub(crate) fn name(process: u32) -> String {
    read(&format!("/proc/{process}/comm")).trim_end().to_owned()
}

fn read(path: &str) -> String {
    String::from_utf8(fs::read(path).unwrap_or_default()).unwrap()
}
