//! The unit tests of this crate link to CPython: they must load the libpython that they were built against.

fn main() {
    if let Ok(directory) = std::env::var("DEP_RWSGI_WSGI_LIBDIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{directory}");
    }
}
