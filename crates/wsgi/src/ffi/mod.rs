//! The only raw calls into CPython's C API, each behind a safe function. Everything else in this crate is safe pyo3.

#![allow(unsafe_code)]

pub(crate) mod bytes;
pub(crate) mod count;
pub(crate) mod descriptor;
pub(crate) mod embed;
pub(crate) mod fork;
pub(crate) mod gil;
pub(crate) mod interrupt;
pub(crate) mod method;
pub(crate) mod text;
pub(crate) mod version;
