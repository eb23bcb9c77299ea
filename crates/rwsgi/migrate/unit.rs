//! What a unit file of systemd says of a service.

use std::path::{Path, PathBuf};

use super::words::{self, Reader};

/// The parts of a unit that decide how the server is started.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// The last command of `ExecStart=`.
    pub(super) command: Option<Command>,
    pub(super) directory: Option<PathBuf>,
    /// Of `Environment=` and of those files of `EnvironmentFile=` that can be read.
    pub(super) variables: Vec<(String, String)>,
    /// Those that cannot be read.
    pub(super) unread: Vec<PathBuf>,
    pub(super) stop_after: Option<String>,
}

/// One `ExecStart=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// `-`, `@`, `+`, `!` and `:` before the program.
    pub(super) prefix: String,
    pub(super) text: String,
}

impl Unit {
    /// Reads a unit; `file` gives the text of another file.
    pub(super) fn read(text: &str, file: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut unit = Self::default();
        let mut is_service = false;
        for line in logical_lines(text) {
            if line.starts_with('[') {
                is_service = line.trim_end() == "[Service]";
            } else if let Some((key, value)) = line.split_once('=').filter(|_| is_service) {
                unit.set(key.trim_end(), value.trim(), file);
            }
        }
        unit
    }

    fn set(&mut self, key: &str, value: &str, file: &dyn Fn(&Path) -> Option<String>) {
        match key {
            // Without a value it takes back what stands before it.
            "ExecStart" => self.command = (!value.is_empty()).then(|| Command::read(value)),
            "WorkingDirectory" => {
                self.directory = Some(PathBuf::from(value.trim_start_matches('-')));
            }
            "Environment" if value.is_empty() => self.variables.clear(),
            "Environment" => {
                let words = words::split(value, Reader::Systemd).unwrap_or_default();
                self.variables.extend(words.iter().filter_map(|word| assignment(&word.value)));
            }
            "EnvironmentFile" if value.is_empty() => self.unread.clear(),
            "EnvironmentFile" => {
                let path = Path::new(value.trim_start_matches('-'));
                match file(path) {
                    Some(text) => self.variables.extend(variables_of(&text)),
                    None => self.unread.push(path.to_owned()),
                }
            }
            "TimeoutStopSec" | "TimeoutSec" => self.stop_after = Some(value.to_owned()),
            _ => {}
        }
    }

    /// The value of a variable, as far as the unit tells.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Command {
    fn read(value: &str) -> Self {
        let text = value.trim_start_matches(['-', '@', '+', '!', ':', '|']);
        Self { prefix: value[..value.len() - text.len()].to_owned(), text: text.trim_start().to_owned() }
    }
}

/// Lines, those that a backslash continues in one; comments, also between the two, left out.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut is_continued = false;
    for line in text.lines().map(str::trim_end) {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| is_continued) {
            Some(last) => {
                last.push(' ');
                last.push_str(part.trim());
            }
            None => lines.push(part.trim().to_owned()),
        }
        is_continued = goes_on;
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The variables of an `EnvironmentFile=`.
fn variables_of(text: &str) -> Vec<(String, String)> {
    logical_lines(text)
        .iter()
        .filter_map(|line| {
            let (name, value) = assignment(line)?;
            let value = value.trim();
            let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            Some((name, inner.unwrap_or(value).to_owned()))
        })
        .collect()
}

fn assignment(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    (!name.trim().is_empty()).then(|| (name.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Unit {
        Unit::read(text, &|path| {
            (path == Path::new("/etc/shop.env"))
                .then(|| "# of the shop\nWORKERS='4'\nexport\nURL=a=b\n".into())
        })
    }

    fn command(text: &str) -> Option<(String, String)> {
        read(text).command.map(|command| (command.prefix, command.text))
    }

    #[test]
    fn the_command_may_take_several_lines() {
        let text = "[Service]\nExecStart = /bin/a \\\n  --one \\\n# said between\n  --two\nUser=x\n";
        assert_eq!(command(text), Some((String::new(), "/bin/a --one --two".to_owned())));
    }

    #[test]
    fn what_stands_before_the_program_is_kept() {
        for prefix in ["", "-", "+", "!!", "@", ":-"] {
            let text = format!("[Service]\nExecStart={prefix}/bin/a b");
            assert_eq!(command(&text), Some((prefix.to_owned(), "/bin/a b".to_owned())));
        }
    }

    #[test]
    fn only_the_last_start_of_the_service_counts() {
        let text = "[Unit]\nExecStart=/no\n[Service]\nExecStartPre=/no\nExecStart=/old\nExecStart=\nExecStart=/new\n";
        assert_eq!(command(text), Some((String::new(), "/new".to_owned())));
        assert_eq!(command("[Service]\nExecStart=/old\nExecStart=\n"), None);
        assert_eq!(command("[Socket]\nExecStart=/no\n"), None);
    }

    #[test]
    fn variables_come_from_lines_and_files() {
        let unit = read(
            "[Service]\nEnvironment=A=1 \"B=x y\"\nEnvironment=A=2\nEnvironmentFile=-/etc/shop.env\nEnvironmentFile=/no\n",
        );
        assert_eq!(unit.variable("A"), Some("2"));
        assert_eq!(unit.variable("B"), Some("x y"));
        assert_eq!(unit.variable("WORKERS"), Some("4"));
        assert_eq!(unit.variable("URL"), Some("a=b"));
        assert_eq!(unit.unread, [Path::new("/no")]);
    }
}
