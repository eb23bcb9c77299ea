//! The descriptors of files that are sent.

use std::fs;
use std::path::Path;

use http::HeaderName;

use super::client::{Client, Site, full, give, options, with_header};
use crate::{Contents, Misses, Options, StaticFiles, StaticFolder};

/// More than the connections of these tests hold.
const LARGE: usize = 5000;

/// A server of the static files in a directory, which the application may name too. None is kept in memory.
fn site(folder: &Path) -> Site {
    let served = StaticFolder {
        prefix: "/static/".to_owned(),
        path: folder.to_owned(),
        may_come: false,
        misses: Misses::Refused,
        contents: Contents::Assets,
    };
    let statics = StaticFiles { folders: vec![served], ..StaticFiles::default() };
    let sendfile_roots = vec![("/named/".to_owned(), folder.to_owned())];
    Site::new(Options { statics, sendfile_roots, ..options() })
}

/// How often this process has files open whose paths begin so.
fn open_files(path: &Path) -> usize {
    let links =
        fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with(&*path.to_string_lossy())).count()
}

/// Clients that have read the heads of their answers and no more.
async fn ask(site: &mut Site, path: &str) -> Vec<Client> {
    let mut clients: Vec<_> = (0..10).map(|_| site.connect_with_room(600)).collect();
    for client in &mut clients {
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        if !path.starts_with("/static") {
            let name = HeaderName::from_static("x-accel-redirect");
            give(&site.request().await, with_header(full(""), name, "/named/file"));
        }
        assert_eq!(client.head().await.status, "HTTP/1.1 200 OK");
    }
    clients
}

#[tokio::test(start_paused = true)]
async fn answers_with_the_same_large_file_at_the_same_time_share_its_descriptor() {
    for path in ["/static/file", "/"] {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = ("o".repeat(LARGE), "n".repeat(LARGE));
        let file = folder.path().join("file");
        fs::write(&file, &old).unwrap();
        let mut site = site(folder.path());
        let mut first = ask(&mut site, path).await;
        assert_eq!(open_files(&file), 1);
        // As many bytes in another file.
        fs::rename(&file, folder.path().join("file-before")).unwrap();
        fs::write(&file, &new).unwrap();
        let mut second = ask(&mut site, path).await;
        assert_eq!(open_files(&file), 2);
        assert_eq!(first.pop().unwrap().exactly(LARGE).await, old);
        assert_eq!(second.pop().unwrap().exactly(LARGE).await, new);
        for client in first.into_iter().chain(second) {
            client.leave().await;
        }
        assert_eq!(open_files(&file), 0, "{path}");
    }
}
