//! What the settings of a Django site say that a server in front of it would be told again. Django itself is never imported.

use std::path::PathBuf;

use pyo3::types::{PyAnyMethods, PyDict, PyDictMethods, PyStringMethods, PyType, PyTypeMethods};
use pyo3::{Bound, PyAny, PyResult, Python};

use crate::{Application, Error};

/// Settings of Django, as they are once the application has been loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DjangoSettings {
    /// `STATIC_URL` as it is written: a path, which stands below the script name when it has no slash in front, or a whole URL.
    pub static_url: Option<String>,
    /// `STATIC_ROOT`; `None` when it is not set.
    pub static_root: Option<PathBuf>,
    /// `MEDIA_URL` likewise; Django has an empty one where it is not set.
    pub media_url: Option<String>,
    /// `MEDIA_ROOT`; `None` when it is not set.
    pub media_root: Option<PathBuf>,
    /// `MIDDLEWARE`: dotted names.
    pub middleware: Vec<String>,
    /// `INSTALLED_APPS`: dotted names.
    pub apps: Vec<String>,
    /// `ALLOWED_HOSTS`.
    pub allowed_hosts: Vec<String>,
    /// `FORCE_SCRIPT_NAME`; empty when it is not set.
    pub script_name: String,
    /// `DEBUG`.
    pub debug: bool,
    /// WhiteNoise serves the static files: as a middleware, or around the application. That it is installed says nothing.
    pub white_noise: bool,
    /// The file of the settings module, if they are in one.
    pub file: Option<PathBuf>,
}

impl DjangoSettings {
    /// Those of the site that this process has loaded; `None` when it is none of Django. What cannot be read is logged and left out.
    ///
    /// # Errors
    /// What an object raised that took the place of Django's own.
    pub fn read(application: &Application) -> Result<Option<Self>, Error> {
        Python::attach(|py| match configured(py) {
            Ok(None) => Ok(None),
            Ok(Some(settings)) => {
                let found = Self::of(&settings);
                let white_noise = has_white_noise(application.callable().bind(py), &found.middleware);
                Ok(Some(Self { white_noise: white_noise.unwrap_or_default(), ..found }))
            }
            Err(error) => Err(Error::python("read Django's settings", &error)),
        })
    }

    fn of(settings: &Bound<'_, PyAny>) -> Self {
        Self {
            static_url: text(settings, "STATIC_URL"),
            static_root: path(settings, "STATIC_ROOT"),
            media_url: text(settings, "MEDIA_URL"),
            media_root: path(settings, "MEDIA_ROOT"),
            middleware: value(settings, "MIDDLEWARE", names).unwrap_or_default(),
            apps: value(settings, "INSTALLED_APPS", names).unwrap_or_default(),
            allowed_hosts: value(settings, "ALLOWED_HOSTS", names).unwrap_or_default(),
            script_name: text(settings, "FORCE_SCRIPT_NAME").unwrap_or_default(),
            debug: value(settings, "DEBUG", PyAnyMethods::is_truthy).unwrap_or_default(),
            white_noise: false,
            file: value(settings, "SETTINGS_MODULE", file).flatten(),
        }
    }
}

/// How many applications may be around each other before WhiteNoise.
const LAYERS: usize = 8;

/// Whether WhiteNoise, or something made of it, is a middleware, the application, or around the application.
fn has_white_noise(application: &Bound<'_, PyAny>, middleware: &[String]) -> PyResult<bool> {
    if middleware.iter().any(|name| name.to_ascii_lowercase().contains("whitenoise")) {
        return Ok(true);
    }
    let modules = modules(application.py())?;
    let Some(class) = member(&modules, "whitenoise.base", "WhiteNoise")? else { return Ok(false) };
    for (module, name) in middleware.iter().filter_map(|name| name.rsplit_once('.')) {
        let found = member(&modules, module, name)?;
        if found.is_some_and(|found| {
            found.cast::<PyType>().is_ok_and(|it| it.is_subclass(&class).unwrap_or_default())
        }) {
            return Ok(true);
        }
    }
    let mut layer = Some(application.clone());
    for _ in 0..LAYERS {
        let Some(outer) = layer else { break };
        if outer.is_instance(&class)? {
            return Ok(true);
        }
        layer = outer.getattr_opt("application")?;
    }
    Ok(false)
}

/// What a module has under this name, if it has been imported.
fn member<'py>(
    modules: &Bound<'py, PyDict>,
    module: &str,
    name: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let module = modules.get_item(module)?.filter(|module| !module.is_none());
    module.map_or(Ok(None), |module| module.getattr_opt(name))
}

fn configured(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let Some(module) = modules(py)?.get_item("django.conf")?.filter(|module| !module.is_none()) else {
        return Ok(None);
    };
    let settings = module.getattr("settings")?;
    if !settings.getattr("configured")?.is_truthy()? {
        return Ok(None);
    }
    // Django's own object adds the script name of the moment to URLs, and remembers that for the site's links. What lies behind it does
    // neither.
    let class = module.getattr_opt("LazySettings")?;
    let is_lazy = class.is_some_and(|class| settings.is_instance(&class).unwrap_or_default());
    if is_lazy { settings.getattr("_wrapped").map(Some) } else { Ok(Some(settings)) }
}

fn modules(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    Ok(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?)
}

/// A setting that is there and not None.
fn value<'py, T>(
    settings: &Bound<'py, PyAny>,
    name: &str,
    read: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<T>,
) -> Option<T> {
    let found = settings.getattr_opt(name).and_then(|found| match found {
        Some(found) if !found.is_none() => read(&found).map(Some),
        _ => Ok(None),
    });
    found.unwrap_or_else(|error| {
        tracing::warn!("cannot read Django's setting `{name}`: {error}");
        None
    })
}

/// A text, also one that Django makes of something lazy.
fn text(settings: &Bound<'_, PyAny>, name: &str) -> Option<String> {
    value(settings, name, |value| Ok(value.str()?.to_cow()?.into_owned()))
}

/// A path that is not empty: Django takes that for the current directory, and nobody means it.
fn path(settings: &Bound<'_, PyAny>, name: &str) -> Option<PathBuf> {
    value(settings, name, |value| value.extract::<PathBuf>()).filter(|path| !path.as_os_str().is_empty())
}

fn names(value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    value.try_iter()?.map(|name| Ok(name?.str()?.to_cow()?.into_owned())).collect()
}

fn file(name: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    let Some(module) = modules(name.py())?.get_item(name)? else { return Ok(None) };
    let file = module.getattr_opt("__file__")?.filter(|file| !file.is_none());
    file.map(|file| file.extract()).transpose()
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;
    use crate::tests::python;

    fn read() -> Result<Option<DjangoSettings>, Error> {
        DjangoSettings::read(&Application::load("io:StringIO").unwrap())
    }

    fn run(source: &str) {
        Python::attach(|py| py.run(&CString::new(source).unwrap(), None, None)).unwrap();
    }

    /// One test, for there is one `sys.modules`.
    #[test]
    fn settings_are_read_where_there_are_some() {
        python();
        assert_eq!(read().unwrap(), None);
        run("
import pathlib, sys, types
class Lazy:
    def __str__(self):
        return '/lazy/'
class Settings:
    STATIC_URL, STATIC_ROOT = 'static/', pathlib.Path('/srv/static')
    MEDIA_URL, MEDIA_ROOT = Lazy(), ''
    MIDDLEWARE = ('a.B', 'whitenoise.middleware.WhiteNoiseMiddleware')
    INSTALLED_APPS = ['django.contrib.staticfiles']
    FORCE_SCRIPT_NAME, DEBUG, SETTINGS_MODULE = None, True, 'told_django_settings'
    @property
    def ALLOWED_HOSTS(self):
        raise RuntimeError('not today')
class LazySettings:
    configured, _wrapped = False, Settings()
    def __getattr__(self, name):
        raise RuntimeError('it would remember')
sys.modules['told_django_settings'] = types.ModuleType('told_django_settings')
sys.modules['told_django_settings'].__file__ = '/srv/site/settings.py'
sys.modules['django.conf'] = types.ModuleType('django.conf')
sys.modules['django.conf'].LazySettings = LazySettings
sys.modules['django.conf'].settings = LazySettings()
");
        assert_eq!(read().unwrap(), None, "not configured");
        run("import sys; sys.modules['django.conf'].settings.configured = True");
        let found = read().unwrap().unwrap();
        run("
import sys
conf = sys.modules['django.conf']
conf.settings = conf.LazySettings._wrapped
conf.settings.configured = True
del conf.LazySettings
");
        assert_eq!(read().unwrap().as_ref(), Some(&found), "an object of somebody else");
        run("import sys; sys.modules['django.conf'] = 17");
        assert!(read().is_err());
        run("import sys; sys.modules['django.conf'] = None");
        assert_eq!(read().unwrap(), None);
        let expected = DjangoSettings {
            static_url: Some("static/".into()),
            static_root: Some("/srv/static".into()),
            media_url: Some("/lazy/".into()),
            middleware: vec!["a.B".into(), "whitenoise.middleware.WhiteNoiseMiddleware".into()],
            apps: vec!["django.contrib.staticfiles".into()],
            debug: true,
            white_noise: true,
            file: Some("/srv/site/settings.py".into()),
            ..DjangoSettings::default()
        };
        assert_eq!(found, expected);
    }
    #[test]
    fn white_noise_counts_where_it_serves_and_not_where_it_is_only_imported() {
        python();
        run("
import sys, types
class WhiteNoise:
    def __init__(self, application):
        self.application = application
    def __call__(self, environ, start_response):
        pass
class Around(WhiteNoise):
    pass
class Other:
    __init__, __call__ = WhiteNoise.__init__, WhiteNoise.__call__
plain = lambda environ, start_response: None
base = sys.modules['whitenoise.base'] = types.ModuleType('whitenoise.base')
base.WhiteNoise = WhiteNoise
site = sys.modules['told_noisy_site'] = types.ModuleType('told_noisy_site')
site.plain, site.other, site.Around, site.Other = plain, Other(plain), Around, Other
site.noisy, site.deep = WhiteNoise(plain), Other(Other(Around(plain)))
site.endless = Other(plain)
site.endless.application = site.endless
");
        let has = |name: &str, middleware: &str| {
            let application = Application::load(&format!("told_noisy_site:{name}")).unwrap();
            let middleware = [middleware.to_owned()];
            Python::attach(|py| has_white_noise(application.callable().bind(py), &middleware).unwrap())
        };
        for (name, middleware, expected) in [
            ("plain", "a.B", false),
            ("other", "B", false),
            ("endless", "told_noisy_site.Other", false),
            ("plain", "told_noisy_site.plain", false),
            ("plain", "told_noisy_site.missing", false),
            ("noisy", "a.B", true),
            ("deep", "a.B", true),
            ("plain", "told_noisy_site.Around", true),
            ("plain", "whitenoise.middleware.WhiteNoiseMiddleware", true),
        ] {
            assert_eq!(has(name, middleware), expected, "{name} {middleware}");
        }
    }
}
