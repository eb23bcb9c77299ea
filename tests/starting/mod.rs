//! Until the first request: command line, application, addresses, pid file, Python, privileges, background.
mod binding;
mod check_config;
mod daemon;
mod files;
mod loading;
mod migrate;
mod misdeeds;
mod pid_file;
pub(crate) mod privileges;
mod python;
mod settings;
mod sockets;
mod titles;
