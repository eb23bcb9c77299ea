//! Files and directories that change while they are served.

use std::fs;
use std::time::Duration;

use tokio::time::advance;

use super::{Files, TICK, ticks};

#[tokio::test(start_paused = true)]
async fn a_change_is_seen_within_a_second_and_a_lost_file_too() {
    let mut files = Files::new(|_| {});
    assert_eq!(files.status("/static/a.css", "").await, "200 OK");
    let path = files.folder.path().join("own/a.css");
    fs::rename(&path, path.with_extension("away")).unwrap();
    assert_eq!(files.status("/static/a.css", "").await, "200 OK", "no file is looked at for this");
    // Somebody asks all the time, so that it is looked at behind their backs.
    let mut steps = 0;
    while files.status("/static/a.css", "").await == "200 OK" {
        steps += 1;
        assert!(steps < 25, "a lost file is still sent");
        advance(Duration::from_millis(50)).await;
    }
    files.write("own/a.css", "new");
    assert_eq!(files.get("/static/a.css", "").await.1, "new", "what is missing is not remembered");
    files.write("own/a.css", "newer");
    // Nobody has asked for a while: it is looked at before it is sent.
    ticks().await;
    assert_eq!(files.get("/static/a.css", "").await.1, "newer");
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_comes_later_is_served_then_and_its_paths_are_the_handlers_before() {
    let mut files = Files::new(|statics| {
        statics.folders[0].path.push("later");
        statics.index = Some("index.html".into());
    });
    for request in ["/static/file", "/static/", "/static", "POST /static/file"] {
        files.ask(request, "").await;
        let path = request.trim_start_matches("POST ");
        assert_eq!(files.site.answer("of the handler").await, path);
        assert_eq!(files.client.answer().await.1, "of the handler");
    }
    fs::create_dir(files.folder.path().join("own/later")).unwrap();
    files.write("own/later/file", "first");
    advance(TICK).await;
    assert_eq!(files.get("/static/file", "").await.1, "first");
    assert_eq!(files.status("/static/missing", "").await, "404 Not Found");
    assert_eq!(files.status("/static", "").await, "301 Moved Permanently");
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_made_anew_is_served_as_the_old_one_was() {
    for memory in [0, 1 << 20] {
        let mut files = Files::new(|statics| statics.memory = memory);
        files.write("own/kept", "old");
        for path in ["/static/a.css", "/static/kept"] {
            assert_eq!(files.status(path, "").await, "200 OK");
        }
        let own = files.folder.path().join("own");
        fs::remove_dir_all(&own).unwrap();
        for path in ["/static/a.css", "/static/missing"] {
            ticks().await;
            assert_eq!(files.status(path, "").await, "404 Not Found", "{path}");
        }
        fs::create_dir(&own).unwrap();
        for name in ["kept", "added"] {
            files.write(&format!("own/{name}"), "new");
        }
        ticks().await;
        assert_eq!(files.get("/static/added", "").await.1, "new");
        assert_eq!(files.get("/static/kept", "").await.1, "new");
        fs::rename(&own, own.with_extension("old")).unwrap();
        ticks().await;
        assert_eq!(files.get("/static/kept", "").await.1, "new");
        fs::create_dir(&own).unwrap();
        files.write("own/kept", "newer");
        ticks().await;
        assert_eq!(files.get("/static/kept", "").await.1, "newer");
    }
}
