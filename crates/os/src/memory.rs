use std::fs;

use crate::{Pid, cgroup::Cgroup};

/// The kernel's count of processes that it killed for memory in our control group, so that a `SIGKILL` can be
/// told from one that somebody sent.
#[derive(Debug)]
pub struct MemoryKills {
    seen: u64,
}

impl MemoryKills {
    /// Starts counting from now.
    #[must_use]
    pub fn watch() -> Self {
        Self { seen: kills().unwrap_or(0) }
    }

    /// How many there were since the last call; 0 also where the kernel does not tell.
    pub fn since_last(&mut self) -> u64 {
        self.advance(kills().unwrap_or(self.seen))
    }

    fn advance(&mut self, now: u64) -> u64 {
        let new = now.saturating_sub(self.seen);
        self.seen = now;
        new
    }
}

/// The resident memory of a process in bytes; none when it is gone.
#[must_use]
pub fn resident_memory(pid: Pid) -> Option<u64> {
    resident(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The memory of a process in bytes, of which it has only its part where others share it (`Pss`, proc_pid_smaps(5)); none when it
/// is gone, or when this process may not know.
#[must_use]
pub fn proportional_memory(pid: Pid) -> Option<u64> {
    kilobytes(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}

fn resident(status: &str) -> Option<u64> {
    kilobytes(status, "VmRSS:")
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?;
    number.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// `memory.events` of version 2 (the root group has none, so the nearest that exists), else
/// `memory.oom_control` of version 1.
fn kills() -> Option<u64> {
    let nearest = |controller, file: &str| {
        let group = Cgroup::find(controller)?;
        group.read_upwards(file).find_map(|text| oom_kills(&text))
    };
    nearest(None, "memory.events")
        .or_else(|| nearest(Some("memory"), "memory.oom_control"))
        .or_else(machine_kills)
}

/// Without control groups for memory: the count of the whole machine.
fn machine_kills() -> Option<u64> {
    oom_kills(&fs::read_to_string("/proc/vmstat").ok()?)
}

fn oom_kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_read_in_both_versions() {
        assert_eq!(oom_kills("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"), Some(5));
        assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\n"), None);
    }

    #[test]
    fn resident_memory_is_counted_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmHWM:\t  99 kB\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
        assert!(resident_memory(Pid::this()).unwrap() > 100 * 1024);
        assert_eq!(resident_memory(Pid::from_raw(i32::MAX)), None);
    }

    #[test]
    fn shared_memory_is_divided() {
        let text =
            "55-7f ---p 0 00:00 0 [rollup]\nRss: 20 kB\nPss:                  12 kB\nPss_Dirty: 4 kB\n";
        assert_eq!(kilobytes(text, "Pss:"), Some(12 * 1024));
        assert!(proportional_memory(Pid::this()).is_some_and(|bytes| bytes > 10 * 1024));
    }

    #[test]
    fn only_new_kills_count() {
        let mut watch = MemoryKills { seen: 3 };
        assert_eq!([3, 5, 5, 0, 1].map(|now| watch.advance(now)), [0, 2, 0, 0, 1]);
    }
}
