//! CPython inside the native binary: start and end.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::{mem, ptr};

use pyo3::ffi;

use crate::Error;

/// Which Python environment the interpreter is started for.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// A `python` executable: CPython finds `pyvenv.cfg` beside it, and it becomes `sys.executable`.
    pub executable: PathBuf,
    /// `sys.argv`.
    pub argv: Vec<String>,
}

/// `(major, minor, patch)` of the libpython that is loaded; works before Python is started.
#[must_use]
pub fn linked_version() -> (u8, u8, u8) {
    // SAFETY: Py_GetVersion needs no interpreter and returns a static, NUL-terminated string.
    let text = unsafe { CStr::from_ptr(ffi::Py_GetVersion()) }.to_string_lossy().into_owned();
    let number = text.split([' ', '+', 'a', 'b', 'r']).next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Starts CPython on the calling thread, which becomes its main thread and stays attached.
///
/// # Errors
/// What CPython says, when it cannot find its standard library or runs out of memory.
pub fn boot(embedding: &Embedding) -> Result<(), Error> {
    // SAFETY: `config` is initialised by PyConfig_InitPythonConfig before any use and cleared once on every path;
    // the interpreter is not running yet and this process has a single thread (the caller has just been forked).
    let status = unsafe {
        let mut config = mem::MaybeUninit::<ffi::PyConfig>::zeroed().assume_init();
        ffi::PyConfig_InitPythonConfig(&raw mut config);
        let mut status = configure(&mut config, embedding);
        if ffi::PyStatus_Exception(status) == 0 {
            status = ffi::Py_InitializeFromConfig(&raw const config);
        }
        ffi::PyConfig_Clear(&raw mut config);
        status
    };
    // SAFETY: `status` is a plain value that CPython filled in; err_msg is null or a static string.
    unsafe {
        if ffi::PyStatus_Exception(status) == 0 {
            return Ok(());
        }
        let message = if status.err_msg.is_null() {
            "unknown error".to_owned()
        } else {
            CStr::from_ptr(status.err_msg).to_string_lossy().into_owned()
        };
        Err(Error::Boot { executable: embedding.executable.clone(), message })
    }
}

/// Fills in the configuration. Signals stay ours; the environment (PYTHONPATH, PYTHONHASHSEED, ...) is honoured.
///
/// # Safety
/// `config` has been initialised by `PyConfig_InitPythonConfig`.
unsafe fn configure(config: &mut ffi::PyConfig, embedding: &Embedding) -> ffi::PyStatus {
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    let executable = CString::new(embedding.executable.as_os_str().as_bytes()).unwrap_or_default();
    // SAFETY: the string is NUL-terminated and copied by CPython; the field belongs to `config`.
    let mut status =
        unsafe { ffi::PyConfig_SetBytesString(config, &raw mut config.executable, executable.as_ptr()) };
    for argument in &embedding.argv {
        // SAFETY: as above; Py_DecodeLocale returns null or a string that is freed right after it was copied.
        unsafe {
            if ffi::PyStatus_Exception(status) != 0 {
                return status;
            }
            let argument = CString::new(argument.as_bytes()).unwrap_or_default();
            let wide = ffi::Py_DecodeLocale(argument.as_ptr(), ptr::null_mut());
            if wide.is_null() {
                return ffi::PyStatus_NoMemory();
            }
            status = ffi::PyWideStringList_Append(&raw mut config.argv, wide);
            ffi::PyMem_RawFree(wide.cast());
        }
    }
    status
}

/// Ends CPython: waits for non-daemon threads and runs `atexit`, as a `python` that exits does.
///
/// To be called on the thread that called [`boot`]. Returns whether everything could be flushed.
pub fn finalize() -> bool {
    // SAFETY: the calling thread started the interpreter and is attached to it. Followers are daemon threads that are
    // parked without the GIL: one that wakes is stopped by CPython when it asks for the GIL of an interpreter that ends.
    unsafe { ffi::Py_FinalizeEx() == 0 }
}
