//! Where the application's own modules lie.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pyo3::types::{PyAnyMethods, PyDict, PyDictMethods, PyModule, PyModuleMethods};
use pyo3::{PyResult, Python};

use crate::Error;

/// The directories of all modules that are loaded now, but for the standard library and installed packages.
///
/// # Errors
/// The Python exception, should `sys.modules` be no dictionary any more.
pub fn source_directories() -> Result<Vec<PathBuf>, Error> {
    Python::attach(|py| -> PyResult<Vec<PathBuf>> {
        let library = PyModule::import(py, "sysconfig")?.getattr("get_paths")?.call0()?;
        let library: Vec<PathBuf> = ["stdlib", "platstdlib"]
            .iter()
            .filter_map(|name| library.get_item(name).ok()?.extract().ok())
            .collect();
        // A copy: another thread may import at any time, and a dictionary that grows cannot be walked.
        let modules = PyModule::import(py, "sys")?.getattr("modules")?.cast_into::<PyDict>()?.copy()?;
        // The program that started Python is no part of the application.
        let own =
            modules.iter().filter(|(name, _)| name.extract::<&str>().is_ok_and(|name| name != "__main__"));
        let directories: BTreeSet<PathBuf> = own
            .filter_map(|(_, module)| {
                // From its dictionary: modules that load themselves when an attribute is asked for stay asleep.
                let file = module.cast_into::<PyModule>().ok()?.dict().get_item("__file__").ok()??;
                Some(file.extract::<PathBuf>().ok()?.parent()?.to_owned())
            })
            .filter(|directory| directory.is_absolute() && !is_installed(directory, &library))
            .collect();
        Ok(directories.into_iter().collect())
    })
    .map_err(|error| Error::python("list the loaded modules", &error))
}

fn is_installed(directory: &Path, library: &[PathBuf]) -> bool {
    let is_packages = |name: &str| directory.iter().any(|part| part == name);
    library.iter().any(|library| directory.starts_with(library))
        || is_packages("site-packages")
        || is_packages("dist-packages")
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;
    use crate::tests::python;

    #[test]
    fn own_modules_are_told_from_installed_ones_and_from_the_standard_library() {
        python();
        let source = "
import sys, types, json, collections.abc
def module(name, **attributes):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(attributes)
class Asleep(types.ModuleType):
    def __getattr__(self, name):
        raise SystemError('it was woken')
module('told_own', __file__='/srv/told/site/own.py')
module('told_twin', __file__='/srv/told/site/twin.py')
module('told_deep', __file__='/srv/told/deep/__init__.py')
module('told_installed', __file__='/srv/told/venv/lib/python3/site-packages/x.py')
module('told_debian', __file__='/srv/told/dist-packages/x.py')
module('told_relative', __file__='told/x.py')
module('told_builtin')
module('told_namespace', __file__=None)
module('told_odd', __file__=17)
sys.modules['told_asleep'] = Asleep('told_asleep')
sys.modules['told_none'] = None
";
        Python::attach(|py| py.run(&CString::new(source).unwrap(), None, None)).unwrap();
        let found = source_directories().unwrap();
        let told: Vec<&PathBuf> = found.iter().filter(|path| path.starts_with("/srv/told")).collect();
        assert_eq!(told, [Path::new("/srv/told/deep"), Path::new("/srv/told/site")]);
        let is_library = |path: &&PathBuf| path.join("json/__init__.py").exists() || path.ends_with("json");
        assert_eq!(found.iter().find(is_library), None);
    }

    #[test]
    fn modules_that_are_imported_meanwhile_do_not_stop_the_search() {
        python();
        let source = "
import sys, types
class Importing:
    def __fspath__(self):
        sys.modules.update({f'busy_{n}': types.ModuleType(f'busy_{n}') for n in range(10_000)})
        return '/srv/busy/one.py'
sys.modules['busy'] = types.ModuleType('busy')
sys.modules['busy'].__file__ = Importing()
";
        Python::attach(|py| py.run(&CString::new(source).unwrap(), None, None)).unwrap();
        assert!(source_directories().unwrap().contains(&PathBuf::from("/srv/busy")));
    }
}
