//! Until the first request: command line, application, addresses, pid file, Python, privileges, background.
mod binding;
mod daemon;
mod loading;
mod pid_file;
mod privileges;
mod python;
mod settings;
mod sockets;
mod titles;
