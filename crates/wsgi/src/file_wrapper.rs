//! `wsgi.file_wrapper`: an iterable over a file-like object (PEP 3333, "Optional Platform-Specific File Handling").
//!
//! A file of the system is not read at all: the server sends it. Only an object that reads nothing but such a file will
//! do, since one that has a descriptor may still give other bytes than the file has (`gzip`).

use pyo3::sync::PyOnceLock;
use pyo3::types::{PyAnyMethods, PyModule, PyType};
use pyo3::{Bound, Py, PyAny, PyRef, PyResult, Python, intern, pyclass, pymethods};

use crate::exchange::FileBody;
use crate::ffi::descriptor;

/// How many wrappers may be round a file: Django's round a temporary one round the file itself.
const WRAPPERS: usize = 3;

/// Wraps an object with `read(size)`, and `close()` if it has one.
#[pyclass(frozen, module = "rwsgi", name = "FileWrapper")]
pub(crate) struct FileWrapper {
    file: Py<PyAny>,
    block_size: usize,
}

#[pymethods]
impl FileWrapper {
    #[new]
    #[pyo3(signature = (filelike, blksize=8192))]
    fn new(filelike: Py<PyAny>, blksize: usize) -> Self {
        Self { file: filelike, block_size: blksize }
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let block = self.file.bind(py).call_method1(intern!(py, "read"), (self.block_size,))?;
        Ok(block.is_truthy()?.then_some(block))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.file.bind(py).getattr_opt(intern!(py, "close"))? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }
}

/// The rest of the file behind `iterable`, from where it would be read next. `None`: it is to be iterated.
pub(crate) fn plain_file(iterable: &Bound<'_, PyAny>) -> Option<FileBody> {
    let wrapper = iterable.cast_exact::<FileWrapper>().ok()?;
    // An object that fails here will fail again when it is read, and then the exception is the application's.
    rest_of(wrapper.get().file.bind(iterable.py())).ok().flatten()
}

fn rest_of(object: &Bound<'_, PyAny>) -> PyResult<Option<FileBody>> {
    let mut file = object.clone();
    for _ in 0..WRAPPERS {
        match unwrapped(&file)? {
            Some(inner) => file = inner,
            None => break,
        }
    }
    let classes = Classes::of(file.py())?;
    let kind = file.get_type();
    let is_random = kind.is(&classes.random);
    let raw = if is_random || kind.is(&classes.reader) { file.getattr("raw")? } else { file.clone() };
    if !raw.get_type().is(&classes.raw) || !raw.call_method0("readable")?.is_truthy()? {
        return Ok(None);
    }
    if is_random {
        file.call_method0("flush")?;
    }
    let offset = file.call_method0("tell")?.extract()?;
    let file = descriptor::duplicate(&raw)?;
    let metadata = file.metadata()?;
    // The files of /proc say that they are empty.
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(None);
    }
    Ok(Some(FileBody { file, offset, length: metadata.len().saturating_sub(offset) }))
}

/// The object that a known wrapper passes everything on to.
fn unwrapped<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    let kind = object.get_type();
    let is_temporary =
        known(py, intern!(py, "tempfile"), "_TemporaryFileWrapper")?.is_some_and(|class| kind.is(&class));
    let is_django = || -> PyResult<bool> {
        let Some(class) = known(py, intern!(py, "django.core.files.base"), "File")? else { return Ok(false) };
        // A subclass that reads in a way of its own, as those for remote or compressed files do, is none of them.
        let read = |kind: &Bound<'py, PyAny>| kind.getattr(intern!(py, "read"));
        Ok(object.is_instance(&class)? && read(kind.as_any())?.is(&read(&class)?))
    };
    if is_temporary || is_django()? { object.getattr(intern!(py, "file")).map(Some) } else { Ok(None) }
}

/// A class of a module that somebody has imported.
fn known<'py>(
    py: Python<'py>,
    module: &Bound<'py, pyo3::types::PyString>,
    class: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let modules = PyModule::import(py, intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let Ok(module) = modules.get_item(module) else { return Ok(None) };
    module.getattr_opt(class)
}

/// What `open` returns for a binary file, and what is below it.
struct Classes {
    reader: Py<PyType>,
    random: Py<PyType>,
    raw: Py<PyType>,
}

impl Classes {
    fn of(py: Python<'_>) -> PyResult<&Self> {
        static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
        CLASSES.get_or_try_init(py, || {
            let io = PyModule::import(py, "io")?;
            let class =
                |name| -> PyResult<Py<PyType>> { Ok(io.getattr(name)?.cast_into::<PyType>()?.unbind()) };
            Ok(Self {
                reader: class("BufferedReader")?,
                random: class("BufferedRandom")?,
                raw: class("FileIO")?,
            })
        })
    }
}
