//! PEP 3333 on byte slices: each test is a Python application as source text and the requests that it is asked.

mod again;
mod body;
mod environ;
mod failures;
mod files;
mod heads;
mod hooks;
mod input;
mod interrupt;
mod load;
mod mock;
mod preload;
mod proxies;
mod recorder;
mod runtime;
mod settings_file;
mod site;
mod start_response;
mod validator;
mod watched;

pub(crate) use site::python;
