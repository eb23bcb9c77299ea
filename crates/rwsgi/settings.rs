//! The settings file: which one it is, and what it says.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rwsgi_config::{Draft, File, FileChoice, Table};
use rwsgi_wsgi::SettingsSource;

use crate::error::Error;

/// What stands in the start directory without being named, the first one wins.
const TOML: &str = "rwsgi.toml";
const PROJECT: &str = "pyproject.toml";
const PYTHON: &str = "gunicorn.conf.py";

/// Where settings are, besides the command line and the environment.
pub(crate) enum Found {
    Nothing,
    /// In a file that is read already.
    Toml {
        file: File,
        /// It is there too, and is not read.
        ignored: Option<&'static str>,
    },
    /// In Python, to be executed in a mold.
    Python(SettingsSource),
}

impl Found {
    /// The file, if it is no Python.
    pub(crate) fn file(&self) -> Option<&File> {
        match self {
            Self::Toml { file, .. } => Some(file),
            Self::Nothing | Self::Python(_) => None,
        }
    }

    /// The file, if it is Python.
    pub(crate) fn into_source(self) -> Option<SettingsSource> {
        match self {
            Self::Python(source) => Some(source),
            Self::Toml { .. } | Self::Nothing => None,
        }
    }

    /// Where it is, if it is a file that is named or found by its path.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Toml { file: File::Toml { path, .. }, .. } | Self::Python(SettingsSource::Path(path)) => {
                Some(path)
            }
            Self::Toml { .. } | Self::Python(SettingsSource::Module(_)) | Self::Nothing => None,
        }
    }

    /// Says in the log what nobody might expect.
    pub(crate) fn explain(&self) {
        if let Self::Toml { file: File::Toml { path, .. }, ignored: Some(ignored) } = self {
            tracing::info!("Settings are read from `{}`; ignored: {ignored}", path.display());
        }
    }
}

/// Looks for the file that is named, or else for one in the directory where the program was started (Gunicorn's `config`).
pub(crate) fn find(draft: &Draft, start: &Path) -> Result<Found, Error> {
    match draft.file() {
        FileChoice::None => Ok(Found::Nothing),
        FileChoice::Module(name) => Ok(Found::Python(SettingsSource::Module(name.clone()))),
        FileChoice::Path(named) => {
            let path = start.join(named);
            if let Some(table) = Table::of(&path) {
                return Ok(Found::Toml { file: toml(&path, table)?, ignored: None });
            }
            // Python would tell it less clearly, and later.
            fs::File::open(&path).map_err(|source| unreadable(&path, source))?;
            Ok(Found::Python(SettingsSource::Path(path)))
        }
        FileChoice::Default => in_directory(start),
    }
}

fn in_directory(start: &Path) -> Result<Found, Error> {
    let python = start.join(PYTHON);
    let has_python = python.is_file();
    let ignored = has_python.then_some(PYTHON);
    if start.join(TOML).is_file() {
        return Ok(Found::Toml { file: toml(&start.join(TOML), Table::Whole)?, ignored });
    }
    // One that cannot be read is somebody else's.
    let project = start.join(PROJECT);
    if fs::read_to_string(&project).is_ok_and(|text| Table::is_in(&text)) {
        return Ok(Found::Toml { file: toml(&project, Table::ToolRwsgi)?, ignored });
    }
    Ok(if has_python { Found::Python(SettingsSource::Path(python)) } else { Found::Nothing })
}

fn toml(path: &Path, table: Table) -> Result<File, Error> {
    let text = fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
    Ok(File::Toml { path: path.to_owned(), text, table })
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::ReadSettings { path: path.to_owned(), source }
}

/// What the source is called in messages.
pub(crate) fn name(source: &SettingsSource) -> PathBuf {
    match source {
        SettingsSource::Path(path) => path.clone(),
        SettingsSource::Module(name) => format!("python:{name}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(directory: &Path, arguments: &[&str]) -> Result<Found, Error> {
        let program = rwsgi_config::Program { name: "rwsgi", version: "" };
        let all = ["rwsgi", "app:app"].iter().chain(arguments).map(|text| (*text).into()).collect();
        let rwsgi_config::Opened::Draft(draft) = rwsgi_config::open(all, [], program).unwrap() else {
            panic!("nothing to serve")
        };
        find(&draft, directory)
    }

    #[test]
    fn the_first_of_three_files_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert!(matches!(found(folder.path(), &[]), Ok(Found::Nothing)));
        write(PROJECT, "[tool.other]\n");
        write(PYTHON, "");
        let python = SettingsSource::Path(folder.path().join(PYTHON));
        assert!(matches!(found(folder.path(), &[]), Ok(Found::Python(source)) if source == python));
        write(PROJECT, "[tool.rwsgi]\nworkers = 3\n");
        let is_toml = |found: Result<Found, Error>, expected: &str, table| match found {
            Ok(Found::Toml { file: File::Toml { path, table: found, .. }, ignored: Some(PYTHON) }) => {
                path.ends_with(expected) && found == table
            }
            _ => false,
        };
        assert!(is_toml(found(folder.path(), &[]), PROJECT, Table::ToolRwsgi));
        write(TOML, "");
        assert!(is_toml(found(folder.path(), &[]), TOML, Table::Whole));
        assert!(matches!(found(folder.path(), &["-c", "/dev/null"]), Ok(Found::Nothing)));
    }

    #[test]
    fn the_file_that_is_named_has_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("any.name"), "").unwrap();
        let python = found(folder.path(), &["-c", "any.name"]);
        assert!(
            matches!(python, Ok(Found::Python(SettingsSource::Path(path))) if path.ends_with("any.name"))
        );
        for missing in ["none.py", "none.toml", "file:none"] {
            assert!(matches!(found(folder.path(), &["-c", missing]), Err(Error::ReadSettings { .. })));
        }
        let module = SettingsSource::Module("a.b".to_owned());
        assert!(matches!(found(folder.path(), &["-c", "python:a.b"]), Ok(Found::Python(it)) if it == module));
    }
}
