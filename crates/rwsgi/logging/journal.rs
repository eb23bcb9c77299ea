//! systemd's journal: it takes severities from the beginning of each line (sd-daemon(3)).

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use rwsgi_config::LogLevel;

/// Whether this standard stream leads to the journal: systemd says in `JOURNAL_STREAM` which file that is (systemd.exec(5)), and
/// the stream may have been redirected since.
pub(super) fn reads(stream: impl AsFd) -> bool {
    std::env::var_os("JOURNAL_STREAM").is_some_and(|named| is_it(&named, stream))
}

fn is_it(named: &OsStr, stream: impl AsFd) -> bool {
    let Ok(stream) = stream.as_fd().try_clone_to_owned().map(File::from) else { return false };
    let Ok(found) = stream.metadata() else { return false };
    named.to_str() == Some(&format!("{}:{}", found.dev(), found.ino()))
}

/// The lines with their severity before each of them.
pub(super) fn prefixed(severity: LogLevel, lines: &str) -> String {
    lines.lines().map(|line| format!("<{}>{line}\n", number(severity))).collect()
}

/// The number of a severity for syslog (RFC 5424 section 6.2.1).
pub(super) fn number(severity: LogLevel) -> u8 {
    match severity {
        LogLevel::Critical => 2,
        LogLevel::Error => 3,
        LogLevel::Warning => 4,
        LogLevel::Info => 6,
        LogLevel::Debug => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_known_by_its_file() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let found = File::from(writer.as_fd().try_clone_to_owned().unwrap()).metadata().unwrap();
        assert!(is_it(format!("{}:{}", found.dev(), found.ino()).as_ref(), &writer));
        assert!(!is_it(format!("{}:{}", found.dev(), found.ino() + 1).as_ref(), &writer));
        assert!(!is_it("".as_ref(), &writer));
    }

    #[test]
    fn each_line_has_its_severity() {
        assert_eq!(prefixed(LogLevel::Error, "one\ntwo\n"), "<3>one\n<3>two\n");
    }
}
