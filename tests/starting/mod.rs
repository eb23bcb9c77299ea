//! Until the first request: command line, application, addresses, pid file, Python.
mod binding;
mod loading;
mod pid_file;
mod python;
mod settings;
