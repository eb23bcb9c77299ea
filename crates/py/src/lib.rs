//! The wheel's host: the program as an extension module of the user's `python`.
//!
//! What this room does: hands the arguments to `rwsgi` and its exit code back to Python.
//! What it must not know: all else.
//! Who calls it: `python/rwsgi/__main__.py`.
//!
//! Read in this order: this file is all there is.

#![forbid(unsafe_code)]

/// `rwsgi._rwsgi`
#[pyo3::pymodule(name = "_rwsgi")]
mod module {
    use std::ffi::OsString;

    use pyo3::pyfunction;
    use rwsgi::Host;

    #[pymodule_export]
    use rwsgi::RequestTimeout;

    /// The version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "it is a Python name")]
    const __version__: &str = rwsgi::VERSION;

    /// Runs the server with these arguments, the first of which is the program's name, and returns the exit code. It
    /// returns in each forked worker too.
    #[pyfunction]
    fn main(argv: Vec<OsString>) -> u8 {
        rwsgi::run(argv, Host::Extension).code()
    }
}
