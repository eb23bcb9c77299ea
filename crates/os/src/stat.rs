use std::{fmt::Display, fs, str::FromStr};

use crate::Pid;

/// The parent of a process; none when it has ended, or where the kernel does not tell.
#[must_use]
pub fn parent_of(process: Pid) -> Option<Pid> {
    Stat::read(process)?.field(4).map(Pid::from_raw)
}

/// What the kernel says of a process (`/proc/PID/stat`).
pub(crate) struct Stat(String);

impl Stat {
    /// Of a process id, or of `self`; none when it has ended, or where there is no `/proc`.
    pub(crate) fn read(process: impl Display) -> Option<Self> {
        fs::read_to_string(format!("/proc/{process}/stat")).ok().map(Self)
    }

    /// The field with this number in proc(5), from 3 on: the name before them may hold anything.
    pub(crate) fn field<T: FromStr>(&self, number: usize) -> Option<T> {
        let (_, fields) = self.0.rsplit_once(')')?;
        fields.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_count_from_behind_the_name() {
        let stat = Stat("17 (a) b (c) S 4 5".to_owned());
        assert_eq!((stat.field(3), stat.field(4), stat.field(5)), (Some('S'), Some(4), Some(5)));
        assert_eq!((stat.field::<u32>(6), stat.field::<u32>(3), stat.field::<u32>(2)), (None, None, None));
    }

    #[test]
    fn a_process_has_the_parent_that_it_knows() {
        assert_eq!(parent_of(Pid::this()), Some(Pid::parent()));
        assert_eq!(parent_of(Pid::from_raw(i32::MAX)), None);
    }
}
