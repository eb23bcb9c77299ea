use std::{fs, thread, time::Duration};

use nix::{
    sched::{CpuSet, sched_getaffinity},
    unistd::Pid,
};

use crate::cgroup::Cgroup;

/// How many processors this process may use: its affinity, or the quota of its control group rounded up,
/// whichever is less; at least 1.
#[must_use]
pub fn available() -> usize {
    let affinity = affinity();
    quota().map_or(affinity, |quota| quota.min(affinity)).max(1)
}

/// The processor time that a process has used, with that of its children that have ended and were waited for (proc_pid_stat(5));
/// none when it is gone.
#[must_use]
pub fn used(pid: Pid) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks(&stat).map(|ticks| Duration::from_millis(ticks * 1_000 / TICKS))
}

/// The kernel tells times to programs in hundredths of a second, whatever it counts in (`USER_HZ`).
const TICKS: u64 = 100;

fn ticks(stat: &str) -> Option<u64> {
    // The name, in brackets, may hold spaces and brackets: fields count from behind it.
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(4);
    fields.map(|field| field.parse::<u64>().ok()).sum()
}

fn affinity() -> usize {
    match sched_getaffinity(Pid::from_raw(0)) {
        Ok(set) => (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).count(),
        // A machine with more processors than the set has room for.
        Err(_) => thread::available_parallelism().map_or(1, usize::from),
    }
}

/// The tightest quota on the way up: a group cannot use more than the ones above it.
fn quota() -> Option<usize> {
    let unified = Cgroup::find(None)
        .and_then(|group| group.read_upwards("cpu.max").filter_map(|text| cpu_max(&text)).min());
    unified.or_else(|| {
        let group = Cgroup::find(Some("cpu"))?;
        let quotas = group.read_upwards("cpu.cfs_quota_us").zip(group.read_upwards("cpu.cfs_period_us"));
        quotas.filter_map(|(quota, period)| processors(quota.trim(), period.trim())).min()
    })
}

/// `cpu.max` of version 2: `QUOTA PERIOD`, where the quota may be `max`.
fn cpu_max(text: &str) -> Option<usize> {
    let (quota, period) = text.trim().split_once(' ')?;
    processors(quota, period)
}

/// Microseconds of processor time in each period; version 1 writes -1 for no limit.
fn processors(quota: &str, period: &str) -> Option<usize> {
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0).then(|| usize::try_from(quota.div_ceil(period)).unwrap_or(usize::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_time_is_read_behind_the_name() {
        let stat = "7 (a) b 1 2) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 1 0 99";
        assert_eq!(ticks(stat), Some(110));
        assert_eq!(ticks("7 (a"), None);
        assert!(used(Pid::this()).is_some());
        assert_eq!(used(Pid::from_raw(i32::MAX)), None);
    }

    #[test]
    fn quotas_round_up() {
        assert_eq!(cpu_max("max 100000\n"), None);
        assert_eq!(cpu_max("200000 100000\n"), Some(2));
        assert_eq!(cpu_max("150000 100000\n"), Some(2));
        assert_eq!(cpu_max("10000 100000\n"), Some(1));
        assert_eq!(cpu_max(""), None);
        assert_eq!(cpu_max("5 0"), None);
        assert_eq!(processors("-1", "100000"), None);
        assert_eq!(processors("400000", "100000"), Some(4));
    }

    #[test]
    fn there_is_at_least_one() {
        assert!((1..=affinity()).contains(&available()));
    }
}
