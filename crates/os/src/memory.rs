use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use nix::unistd::{SysconfVar, sysconf};

use crate::{Error, cgroup::Cgroup};

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
        let now = kills().unwrap_or(self.seen);
        let new = now.saturating_sub(self.seen);
        self.seen = now;
        new
    }
}

/// The resident memory of this process.
#[derive(Debug)]
pub struct Rss {
    statm: File,
    page_bytes: u64,
}

impl Rss {
    /// Opens the meter; a fork does not carry it over, since it goes on measuring the process that opened it.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub fn of_this_process() -> Result<Self, Error> {
        // Not `/proc/self`, which would do as well: a path with the pid in it cannot be mistaken for the
        // reader's own.
        let statm = File::open(format!("/proc/{}/statm", std::process::id()))
            .map_err(|source| Error::system("read the memory use of this process", source))?;
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|bytes| u64::try_from(bytes).ok());
        Ok(Self { statm, page_bytes: page.unwrap_or(4096) })
    }

    /// Bytes resident now, shared pages included; 0 when it cannot be read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let mut text = [0; 128];
        let count = self.statm.read_at(&mut text, 0).unwrap_or(0);
        resident_pages(&String::from_utf8_lossy(&text[..count])).unwrap_or(0) * self.page_bytes
    }
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

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split(' ').nth(1)?.parse().ok()
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
    fn only_new_kills_count() {
        let now = kills().unwrap_or(0);
        let mut watch = MemoryKills { seen: now.saturating_sub(1) };
        assert!(watch.since_last() >= now.min(1));
        assert_eq!(MemoryKills { seen: u64::MAX }.since_last(), 0);
    }

    #[test]
    fn resident_memory_grows_with_what_is_touched() {
        let rss = Rss::of_this_process().unwrap();
        let before = rss.bytes();
        let touched = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(rss.bytes() > before + (32 << 20), "{} {before}", rss.bytes());
        drop(touched);
        assert_eq!(resident_pages("100 42 7 1 0 3 0\n"), Some(42));
    }
}
