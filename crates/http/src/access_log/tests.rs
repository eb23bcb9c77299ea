use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderName, StatusCode, request};

use super::*;
use crate::journal::Journal;
use crate::record::Record;
use crate::{Answer, Content, Origin, Peer};

fn logged(format: Format, request: request::Builder, finish: impl FnOnce(&mut Record)) -> String {
    let (mut reader, file) = std::io::pipe().unwrap();
    let log = AccessLog::start(format, File::from(OwnedFd::from(file))).unwrap();
    let head = request.body(()).unwrap().into_parts().0.into();
    let peer = Arc::new(Peer::tcp("192.0.2.7:50000".parse().unwrap(), "127.0.0.1:80".parse().unwrap()));
    let origin = Origin { scheme: None, script_name: Bytes::from_static(b"/mount") };
    let journal = Arc::new(Journal { access_log: Some(log.clone()), meter: None });
    let mut record = Record::begin(&journal, &head, (&peer, Some(&origin)));
    finish(&mut record);
    record.finish(7);
    log.flush(Duration::from_secs(60));
    let mut buffer = [0; 4000];
    let length = reader.read(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn text(format: &str, request: request::Builder, finish: impl FnOnce(&mut Record)) -> String {
    logged(Format::compile(format, None).unwrap(), request, finish)
}

fn created() -> Answer {
    Answer { status: StatusCode::CREATED, content: Content::Full("12345".into()), ..Answer::default() }
}

#[test]
fn the_default_format_reads_as_gunicorns() {
    let format = r#"%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;
    let request = http::Request::get("/a?b=c")
        .header("authorization", "Basic YWxpY2U6c2VjcmV0")
        .header("user-agent", "curl/8");
    let line = text(format, request, |record| {
        record.answered(&mut created());
        record.sent(5);
    });
    assert_eq!(line, "192.0.2.7 - alice \"GET /a?b=c HTTP/1.1\" 201 5 \"-\" \"curl/8\"\n");
}

#[test]
fn what_gunicorn_does_not_show_has_atoms_too() {
    let format = "%(q_ms)05d %(fb_ms)s %(bytes_in)s %(id)s %(end)s %({wsgi.x}e)s %({no}e)s %({x}o)s";
    let line = text(format, http::Request::get("/"), |record| {
        let mut answer = created();
        answer.queued = Some(Duration::from_micros(12_345));
        answer.environ = [Some("it's \u{1b}".into()), None].into();
        answer.headers.insert(HeaderName::from_static("x"), HeaderValue::from_static("7"));
        record.answered(&mut answer);
        record.sent(5);
    });
    assert_eq!(line, "00012 0 7 - complete it's \\x1b - 7\n");
}

#[test]
fn a_request_cannot_forge_a_line() {
    let request = http::Request::get("/%0Aevil%22").header("user-agent", HeaderValue::from_static("a\"b\\c"));
    let line = text("%(U)s %(a)s", request, |_| {});
    assert_eq!(line, "/\\x0aevil\\\" a\\\"b\\\\c\n");
}

#[test]
fn the_path_is_the_one_below_the_mount_point() {
    assert_eq!(text("%(U)s", http::Request::get("/mount/a%20b?c"), |_| {}), "/a b\n");
    assert_eq!(text("%(U)s %(r)s", http::Request::get("/mounts"), |_| {}), "/mounts GET /mounts HTTP/1.1\n");
}

#[test]
fn a_client_that_left_without_an_answer_is_499() {
    assert_eq!(text("%(s)s %(b)s %(q_ms)s %(end)s", http::Request::get("/"), |_| {}), "499 0 - gone\n");
}

#[test]
fn json_has_types_and_forges_nothing() {
    let request = http::Request::get("/%0Aé\u{7f}?x=%22".replace('\u{7f}', "%7F"))
        .header("user-agent", HeaderValue::from_bytes(b"a\"\\\xff\t").unwrap())
        .header("x-request-id", "abc");
    let line = logged(Format::json(Some(&"x-request-id".parse().unwrap())), request, |record| {
        let mut answer = created();
        answer.queued = Some(Duration::from_micros(12));
        record.answered(&mut answer);
        record.sent(5);
    });
    assert_eq!(line.lines().count(), 1);
    for part in [
        r#""method":"GET","path":"/%0Aé%7F","query":"x=%22","status":201,"bytes":5,"bytes_in":7,"duration":0.0"#,
        r#","queue_time":0.000012,"first_byte_time":0.0"#,
        r#","peer":"192.0.2.7","forwarded_for":null,"request_id":"abc","worker":"#,
        r#","protocol":"HTTP/1.1","user_agent":"a\"\\�\u0009","referer":null,"end":"complete"}"#,
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(line.starts_with("{\"time\":\"20") && line.as_bytes()[28] == b'.', "{line}");
}

#[test]
fn python_gets_all_there_is() {
    let format = Format::for_python("%(own)s %({x.y}e)s %({x.Z}e)s", None);
    let line = logged(format, http::Request::get("/mount/a").header("referer", "from"), |record| {
        let mut answer = created();
        answer.headers.insert(HeaderName::from_static("x-id"), HeaderValue::from_static("7"));
        answer.environ = [None, Some("value".into())].into();
        record.answered(&mut answer);
    });
    for part in [
        r#""h":"192.0.2.7","u":null,"t":"["#,
        r#""m":"GET","U":"/a","q":"","H":"HTTP/1.1","s":201,"B":0,"b":0,"#,
        r#""target":"/mount/a","request_headers":[["referer","from"]],"response_headers":[["x-id","7"]],"#,
        r#""environ":{"x.z":"value"}}"#,
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}
