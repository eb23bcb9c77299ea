//! Ties the native binary to the libpython that it is built against, and remembers which Python that is.

use std::env::var;

fn main() {
    let python = var("DEP_RWSGI_WSGI_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    println!("cargo:rustc-env=RWSGI_BUILD_PYTHON={python}");
    if let Ok(directory) = var("DEP_RWSGI_WSGI_LIBDIR") {
        // DT_RPATH, not DT_RUNPATH: LD_LIBRARY_PATH must not bring in another libpython of the same name.
        for argument in [format!("-Wl,-rpath,{directory}"), "-Wl,--disable-new-dtags".to_owned()] {
            println!("cargo:rustc-link-arg={argument}");
        }
    }
}
