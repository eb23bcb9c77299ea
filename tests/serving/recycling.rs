//! `--max-requests`.

use crate::harness::Server;

const APP: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'hello')
";

const LINE: &str = "Autorestarting worker after current request.";

#[test]
fn a_worker_that_has_answered_its_share_says_so_once_and_serves_on() {
    for threads in ["1", "2"] {
        let server = Server::wsgi(APP).args(["--max-requests", "3", "--threads", threads]).start();
        let worker = server.worker_pid();
        for _ in 0..2 {
            assert_eq!(server.get("/").status, 200);
        }
        assert!(!server.log().text().contains(LINE));
        for _ in 0..20 {
            assert_eq!(server.get("/").status, 200);
        }
        let line = server.wait_log(LINE);
        assert!(line.contains("[INFO]") && line.contains(&format!("[{worker}]")), "{line}");
        let own = format!("[{worker}] [INFO] {LINE}");
        assert_eq!(server.log().text().matches(&own).count(), 1);
    }
}
