//! What is a change, and what is none.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::tempdir;

use super::{APP, reloading, start, wait_change};

#[test]
fn files_of_the_application_that_change_come_and_go_are_seen_by_both_engines() {
    for engine in ["inotify", "poll"] {
        let builder = reloading(APP, engine).file("views/__init__.py", "").file("views/deep/pages.py", "");
        let server = start(builder);
        let path = |name: &str| server.folder().join(name);
        fs::write(path("app.py"), format!("{APP}\n# changed\n")).unwrap();
        assert_eq!(wait_change(&server, 1), "app.py", "{engine}");
        fs::write(path("views/deep/pages.py"), "new = 1\n").unwrap();
        assert_eq!(wait_change(&server, 2), "views/deep/pages.py", "{engine}");
        fs::write(path("views/added.py"), "").unwrap();
        assert_eq!(wait_change(&server, 3), "views/added.py", "{engine}");
        fs::remove_file(path("views/added.py")).unwrap();
        assert_eq!(wait_change(&server, 4), "views/added.py", "{engine}");
        // As editors save: a new file takes the place of the old one.
        fs::write(path("app.py.new"), format!("{APP}\n# moved here\n")).unwrap();
        fs::rename(path("app.py.new"), path("app.py")).unwrap();
        assert_eq!(wait_change(&server, 5), "app.py", "{engine}");
        fs::create_dir(path("views/package")).unwrap();
        fs::write(path("views/package/module.py"), "").unwrap();
        assert_eq!(wait_change(&server, 6), "views/package/module.py", "{engine}");
        fs::write(path("views/package/module.py"), "again = 1\n").unwrap();
        assert_eq!(wait_change(&server, 7), "views/package/module.py", "{engine}");
    }
}

#[test]
fn what_is_no_source_is_no_change() {
    for engine in ["inotify", "poll"] {
        let server = start(reloading(APP, engine).file(".git/HEAD", "").file("__pycache__/app.pyc", ""));
        let write = |name: &str| fs::write(server.folder().join(name), "something").unwrap();
        for name in [
            "debug.log",
            "db.sqlite3",
            "db.sqlite3-journal",
            ".git/HEAD",
            ".git/hook.py",
            "__pycache__/app.pyc",
            "__pycache__/made.py",
            "4913",
            ".app.py.swp",
            "app.py~",
            ".#app.py",
            "page.html",
        ] {
            write(name);
        }
        fs::create_dir(server.folder().join("node_modules")).unwrap();
        write("node_modules/generated.py");
        fs::read(server.folder().join("app.py")).unwrap();
        // The first change that counts: had one of those counted, it would be named instead.
        write("stage.py");
        assert_eq!(wait_change(&server, 1), "stage.py", "{engine}");
    }
}

#[test]
fn a_burst_of_changes_is_one_reload() {
    let server = start(reloading(APP, "inotify"));
    for number in 0..50 {
        fs::write(server.folder().join(format!("module{number}.py")), "x = 1\n").unwrap();
    }
    assert_eq!(wait_change(&server, 1), "module0.py");
    fs::write(server.folder().join("app.py"), format!("{APP}\n")).unwrap();
    assert_eq!(wait_change(&server, 2), "app.py");
}

#[test]
fn modules_are_watched_where_they_were_loaded_from() {
    let elsewhere = tempdir().unwrap();
    let (folder, library) = (elsewhere.path().join("own"), elsewhere.path().join("site-packages"));
    for place in [&folder, &library] {
        fs::create_dir(place).unwrap();
    }
    fs::write(folder.join("library.py"), "").unwrap();
    fs::write(library.join("installed.py"), "").unwrap();
    let source = format!(
        "import sys\nsys.path += ['{}', '{}']\nimport library, installed\n{APP}",
        folder.display(),
        library.display()
    );
    let server = start(reloading(&source, "inotify"));
    server.wait_log(&format!("Reloader watches `{}`", folder.display()));
    fs::write(library.join("installed.py"), "x = 1\n").unwrap();
    fs::write(folder.join("library.py"), "x = 1\n").unwrap();
    assert_eq!(wait_change(&server, 1), folder.join("library.py").to_str().unwrap());
    assert!(!server.log().text().contains("watches `/usr"), "{}", server.log().text());
}

#[test]
fn extra_files_are_watched_too() {
    for engine in ["inotify", "poll"] {
        let builder =
            reloading(APP, engine).file("settings.toml", "").file("real.json", "").file("pages/a.html", "");
        symlink("real.json", builder.folder().join("link.json")).unwrap();
        let extra = ["settings.toml", "link.json", "pages/**/*.html"];
        let server = start(builder.args(extra.iter().flat_map(|name| ["--reload-extra-file", name])));
        let write = |name: &str| fs::write(server.folder().join(name), "something").unwrap();
        write("settings.toml");
        assert_eq!(wait_change(&server, 1), "settings.toml");
        write("real.json");
        // Which of the two names comes first is up to the engine.
        assert!(["link.json", "real.json"].contains(&wait_change(&server, 2).as_str()));
        write("pages/a.txt");
        write("pages/b.html");
        assert_eq!(wait_change(&server, 3), "pages/b.html");
    }
}

#[test]
fn the_settings_file_is_watched_wherever_it_is() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().canonicalize().unwrap().join("settings.conf");
    fs::write(&path, "workers = 1\n").unwrap();
    let server = start(reloading(APP, "inotify").args(["-c", path.to_str().unwrap()]));
    fs::write(&path, "workers = 2\n").unwrap();
    assert_eq!(wait_change(&server, 1), path.to_str().unwrap());
    server.wait_log("Reload complete: generation 2, ");
}

#[test]
fn an_extra_file_that_is_missing_is_told_at_the_start() {
    let failure = reloading(APP, "auto").args(["--reload-extra-file", "settings.toml"]).fail();
    assert_eq!(failure.code, Some(1));
    let message = "cannot watch the file `settings.toml` for `reload_extra_files` from `--reload-extra-file`";
    assert!(failure.stderr.contains(message), "{}", failure.stderr);
    let failure = reloading(APP, "auto").args(["--reload-extra-file", "a[b"]).fail();
    assert_eq!(failure.code, Some(2));
    assert!(failure.stderr.contains("invalid value `a[b` for `reload_extra_files`"), "{}", failure.stderr);
}
