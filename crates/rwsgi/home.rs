//! Which Python environment the native host runs for.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// The interpreter that this binary was built against: the environment when nothing names another.
const BUILT_AGAINST: &str = env!("RWSGI_BUILD_PYTHON");

/// A `python` executable, and what named it.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    path: PathBuf,
    origin: &'static str,
}

/// Finds the environment: `--python`, `VIRTUAL_ENV`, a `python` beside the binary, or the one built against.
/// Refuses one of another minor version than the libpython that is loaded: its packages would not fit.
pub(crate) fn find(option: Option<&Path>) -> Result<PathBuf, Error> {
    let beside = std::env::current_exe().ok().and_then(|binary| Some(binary.parent()?.join("python")));
    let environment = std::env::var_os("VIRTUAL_ENV").filter(|value| !value.is_empty()).map(PathBuf::from);
    let candidate = choose(option, environment.as_deref(), beside.as_deref());
    if !candidate.path.is_file() {
        return Err(Error::NoPython { path: candidate.path, origin: candidate.origin });
    }
    let (major, minor, _) = rwsgi_wsgi::linked_version();
    let linked = format!("{major}.{minor}");
    let found = version(&candidate)?;
    if found != linked {
        return Err(Error::PythonVersion { path: candidate.path, origin: candidate.origin, linked, found });
    }
    Ok(candidate.path)
}

fn choose(option: Option<&Path>, environment: Option<&Path>, beside: Option<&Path>) -> Candidate {
    if let Some(path) = option {
        let path = if path.is_dir() { path.join("bin/python") } else { path.to_owned() };
        return Candidate { path: absolute(&path), origin: "the setting `python`" };
    }
    if let Some(environment) = environment {
        return Candidate { path: absolute(&environment.join("bin/python")), origin: "`VIRTUAL_ENV`" };
    }
    match beside.filter(|path| path.is_file()) {
        Some(path) => Candidate { path: path.to_owned(), origin: "its place beside the binary" },
        None => Candidate { path: BUILT_AGAINST.into(), origin: "the build" },
    }
}

/// `sys.executable` must be usable from any directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// `major.minor` of the environment: from its `pyvenv.cfg`, or from the interpreter itself.
fn version(candidate: &Candidate) -> Result<String, Error> {
    let config = candidate.path.parent().and_then(Path::parent).map(|root| root.join("pyvenv.cfg"));
    let text = config.and_then(|path| std::fs::read_to_string(path).ok());
    match text.as_deref().and_then(version_of_venv) {
        Some(version) => Ok(version),
        None => ask(candidate),
    }
}

/// Both spellings: `version = 3.11.7` (venv) and `version_info = 3.11.7.final.0` (virtualenv, uv).
fn version_of_venv(text: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    let (_, value) = pairs.find(|(key, _)| matches!(key.trim(), "version" | "version_info"))?;
    let mut parts = value.trim().split('.');
    Some(format!("{}.{}", parts.next()?, parts.next()?))
}

fn ask(candidate: &Candidate) -> Result<String, Error> {
    let program = "import sys; print('%d.%d' % sys.version_info[:2])";
    let unknown = |reason: String| Error::UnknownPython {
        path: candidate.path.clone(),
        origin: candidate.origin,
        reason,
    };
    let output = Command::new(&candidate.path)
        .args(["-c", program])
        .output()
        .map_err(|error| unknown(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if text.is_empty() {
        return Err(unknown(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_first_counts() {
        let place = tempfile::tempdir().unwrap();
        let beside = place.path().join("python");
        let [option, venv] = ["/o/python", "/v"].map(Path::new);
        let path = |option, venv| choose(option, venv, Some(&beside)).path;
        assert_eq!(path(Some(option), Some(venv)), Path::new("/o/python"));
        assert_eq!(path(None, Some(venv)), Path::new("/v/bin/python"));
        assert_eq!(path(None, None), Path::new(BUILT_AGAINST));
        std::fs::write(&beside, "").unwrap();
        assert_eq!(path(None, None), beside);
    }

    #[test]
    fn a_directory_is_an_environment() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(choose(Some(place.path()), None, None).path, place.path().join("bin/python"));
    }

    #[test]
    fn pyvenv_cfg_tells_the_version() {
        assert_eq!(version_of_venv("home = /usr\nversion = 3.11.7\n").as_deref(), Some("3.11"));
        assert_eq!(version_of_venv("version_info = 3.12.1.final.0\n").as_deref(), Some("3.12"));
        assert_eq!(version_of_venv("home = /usr\n"), None);
    }
}
