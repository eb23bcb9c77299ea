//! Importing the application, and saying in one sentence why that failed.

use pyo3::exceptions::{PyAttributeError, PyModuleNotFoundError};
use pyo3::types::{PyAnyMethods, PyModule, PyModuleMethods, PyTuple, PyTypeMethods};
use pyo3::{Bound, Py, PyAny, PyErr, Python};

use crate::LoadError;
use crate::error::traceback;
use crate::spec::Spec;

/// A WSGI application: a Python callable.
#[derive(Debug)]
pub struct Application(Py<PyAny>);

impl Application {
    /// Imports what `spec` names, for example `mysite.wsgi:application`.
    ///
    /// # Errors
    /// A sentence with a hint, and the Python traceback when the application's own code raised.
    pub fn load(spec: &str) -> Result<Self, LoadError> {
        Python::attach(|py| Loader { py, text: spec }.load().map(|found| Self(found.unbind())))
    }

    pub(crate) fn callable(&self) -> &Py<PyAny> {
        &self.0
    }
}

struct Loader<'py, 'a> {
    py: Python<'py>,
    text: &'a str,
}

impl<'py> Loader<'py, '_> {
    fn load(&self) -> Result<Bound<'py, PyAny>, LoadError> {
        let spec =
            Spec::parse(self.py, self.text).map_err(|(reason, hint)| self.error(reason, hint, None))?;
        let module = PyModule::import(self.py, spec.module.as_str())
            .map_err(|error| self.import_failed(&spec.module, &error))?;
        let mut found = module.into_any();
        for name in &spec.attributes {
            found =
                found.getattr(name.as_str()).map_err(|error| self.attribute_failed(&found, name, &error))?;
        }
        if let Some((positional, named)) = &spec.call {
            let made = PyTuple::new(self.py, positional)
                .and_then(|arguments| found.call(arguments, Some(named.bind(self.py))))
                .map_err(|error| {
                    self.error("the factory raised an exception".to_owned(), None, Some(&error))
                })?;
            return self.callable(made, "the factory returned");
        }
        let name = format!("`{}` is", spec.attributes.join("."));
        self.callable(found, &name)
    }

    fn callable(&self, found: Bound<'py, PyAny>, subject: &str) -> Result<Bound<'py, PyAny>, LoadError> {
        if found.is_callable() {
            return Ok(found);
        }
        let kind = found.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        let hint = "a WSGI application is called with `environ` and `start_response`".to_owned();
        Err(self.error(format!("{subject} a `{kind}`, which cannot be called"), Some(hint), None))
    }

    fn import_failed(&self, module: &str, error: &PyErr) -> LoadError {
        if error.is_instance_of::<PyModuleNotFoundError>(self.py) {
            let missing = error.value(self.py).getattr("name").and_then(|name| name.extract::<String>());
            if let Ok(missing) = missing {
                let hint = self.where_to_look(module, &missing);
                return self.error(not_found(module, &missing), Some(hint), Some(error));
            }
        }
        self.error(format!("importing the module `{module}` raised an exception"), None, Some(error))
    }

    fn where_to_look(&self, module: &str, missing: &str) -> String {
        let stem = module.strip_suffix(".py").filter(|_| is_prefix(missing, module));
        if let Some(stem) = stem {
            return format!("give the module without its ending: `{stem}`");
        }
        if let Some((package, _)) = missing.rsplit_once('.') {
            let place = self.place_of(package).map_or_else(String::new, |path| format!(" in `{path}`"));
            return format!(
                "is the name mistyped? If not, the `{package}`{place} is not the one, or not the version, that is meant"
            );
        }
        if is_prefix(missing, module) {
            return "start rwsgi in the directory that holds it, or name that directory with `--chdir` or `--pythonpath`"
                .to_owned();
        }
        format!("install the package that has `{missing}` into the environment that rwsgi runs in")
    }

    /// Where an imported package, or module, was found.
    fn place_of(&self, name: &str) -> Option<String> {
        let module = self.py.import("sys").ok()?.getattr("modules").ok()?.get_item(name).ok()?;
        let folder = module.getattr("__path__").and_then(|path| path.get_item(0));
        folder.or_else(|_| module.getattr("__file__")).and_then(|place| place.extract()).ok()
    }

    fn attribute_failed(&self, owner: &Bound<'py, PyAny>, name: &str, error: &PyErr) -> LoadError {
        if !error.is_instance_of::<PyAttributeError>(self.py) {
            return self.error(format!("looking up `{name}` raised an exception"), None, Some(error));
        }
        let place = owner
            .cast::<PyModule>()
            .ok()
            .and_then(|module| module.name().ok())
            .map_or_else(|| "the object before it".to_owned(), |module| format!("the module `{module}`"));
        self.error(format!("{place} has no attribute `{name}`"), candidates(owner), None)
    }

    fn error(&self, reason: String, hint: Option<String>, error: Option<&PyErr>) -> LoadError {
        let traceback = error.map(|error| traceback(self.py, error));
        LoadError { spec: self.text.to_owned(), reason, hint, traceback }
    }
}

fn not_found(module: &str, missing: &str) -> String {
    match (is_prefix(missing, module), missing.rsplit_once('.')) {
        (true, Some((package, name))) => format!("`{package}` has no module `{name}`"),
        (true, None) => format!("there is no module `{missing}`"),
        // Python looks into a package only when it has it.
        (false, Some((package, name))) => {
            format!("the module `{module}` imports `{missing}`, and `{package}` has no module `{name}`")
        }
        (false, None) => format!("the module `{module}` imports `{missing}`, which is not installed"),
    }
}

/// Whether `missing` is `module` or one of the packages around it.
fn is_prefix(missing: &str, module: &str) -> bool {
    module == missing || module.strip_prefix(missing).is_some_and(|rest| rest.starts_with('.'))
}

/// The callables that the module defines or imports, as a hint for a mistyped name.
fn candidates(owner: &Bound<'_, PyAny>) -> Option<String> {
    let names = owner.dir().ok()?;
    let mut callable = Vec::new();
    for name in names.try_iter().ok()? {
        let Ok(name) = name.and_then(|name| name.extract::<String>()) else { continue };
        let value = owner.getattr(name.as_str());
        if !name.starts_with('_') && value.is_ok_and(|value| value.is_callable()) {
            callable.push(format!("`{name}`"));
        }
    }
    callable.truncate(8);
    (!callable.is_empty()).then(|| format!("it has these callables: {}", callable.join(", ")))
}
