//! Finds out which Python this build is for, and tells the program's build script.

use std::process::Command;

fn main() {
    // The unit tests of this crate embed CPython: they must load the libpython that they were built against.
    pyo3_build_config::add_libpython_rpath_link_args();
    pyo3_build_config::use_pyo3_cfgs();
    let executable = pyo3_build_config::get().executable().unwrap_or("python3").to_owned();
    println!("cargo:python={executable}");
    if let Some(directory) = library_directory(&executable) {
        println!("cargo:libdir={directory}");
    }
}

/// Where the interpreter keeps its libpython.
fn library_directory(executable: &str) -> Option<String> {
    let program = "import sysconfig; print(sysconfig.get_config_var('LIBDIR') or '')";
    let output = Command::new(executable).args(["-c", program]).output().ok()?;
    let directory = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!directory.is_empty()).then_some(directory)
}
