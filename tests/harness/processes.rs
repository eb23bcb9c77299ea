//! Processes as the kernel shows them.

use std::fs;
use std::path::PathBuf;

/// The processes whose parent is `parent`, but for the dead ones that it has not buried yet.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let mut found: Vec<u32> = numbers("/proc").filter(|&pid| parent_of(pid) == Some(parent)).collect();
    found.sort_unstable();
    found
}

/// The threads of a process.
pub(crate) fn threads(pid: u32) -> Vec<u32> {
    numbers(&format!("/proc/{pid}/task")).collect()
}

/// How often all threads of a process have gone to sleep so far: what wakes any of them shows here.
pub(crate) fn sleeps_of(pid: u32) -> Vec<(u32, u64)> {
    let sleeps = |thread: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        (thread, line.trim().parse().unwrap())
    };
    threads(pid).into_iter().map(sleeps).collect()
}

/// What process lists show for a process.
pub(crate) fn title_of(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    String::from_utf8(line).unwrap().trim_end_matches('\0').to_owned()
}

/// How many sockets a process has open, listening ones too.
pub(crate) fn sockets_of(pid: u32) -> usize {
    socket_links(pid).len()
}

/// Whether there is a socket that both processes have.
pub(crate) fn have_sockets_in_common(one: u32, other: u32) -> bool {
    let others = socket_links(other);
    socket_links(one).iter().any(|link| others.contains(link))
}

/// What the descriptors of a process that are sockets lead to.
fn socket_links(pid: u32) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    // A descriptor may be closed between the listing and the look at it.
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.filter(|target| target.as_os_str().as_encoded_bytes().starts_with(b"socket:")).collect()
}

/// The processor time that a process has used so far, in hundredths of a second.
pub(crate) fn cpu_ticks_of(pid: u32) -> u64 {
    let fields = fields_of(pid).unwrap();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// The memory that a process has, in bytes.
pub(crate) fn resident_memory_of(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

fn parent_of(pid: u32) -> Option<u32> {
    let fields = fields_of(pid)?;
    if fields[0] == "Z" { None } else { fields[1].parse().ok() }
}

/// What the kernel says of a process, from its state on; `None` when it has ended.
fn fields_of(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold spaces and brackets: fields count from behind it.
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn numbers(folder: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
