//! The documents that are made from the table of settings: they are what the table says today.
//!
//! `make docs` sets `WRITE_DOCUMENTS`, and then they are written rather than compared.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use rwsgi_config::{Opened, Program, open};

/// Each form of the manual with its place in the repository. Those in `rwsgi.data` are installed by the wheel.
const DOCUMENTS: [(&str, &str); 5] = [
    ("markdown", "docs/settings.md"),
    ("man", "python/rwsgi.data/data/share/man/man1/rwsgi.1"),
    ("bash", "python/rwsgi.data/data/share/bash-completion/completions/rwsgi"),
    ("zsh", "python/rwsgi.data/data/share/zsh/site-functions/_rwsgi"),
    ("fish", "python/rwsgi.data/data/share/fish/vendor_completions.d/rwsgi.fish"),
];

#[test]
fn the_documents_are_those_of_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut stale = Vec::new();
    for (form, path) in DOCUMENTS {
        let (file, text) = (root.join(path), generated(form));
        if std::env::var_os("WRITE_DOCUMENTS").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        } else if fs::read_to_string(file).unwrap_or_default() != text {
            stale.push(path);
        }
    }
    assert!(
        stale.is_empty(),
        "not what the table of settings says: {stale:?}; run `make docs` and commit them"
    );
}

fn generated(form: &str) -> String {
    let program = Program { name: "rwsgi", version: env!("CARGO_PKG_VERSION") };
    let args = ["rwsgi", "--generate", form].map(Into::into).to_vec();
    match open(args, [], program) {
        Ok(Opened::Print(text)) => text,
        other => panic!("{form}: {other:?}"),
    }
}
