//! The memory of answers, and when the system gets it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rwsgi_message::Fields;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use super::client::{Site, full, give, options, streamed, write};
use crate::{Answer, Content, FileSpan, Http2, Options, Proxies, Trust};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// Enough to be worth giving back.
const LARGE: usize = 9 << 20;

static RELEASES: AtomicUsize = AtomicUsize::new(0);

fn counting() -> Options {
    let release_memory = || {
        RELEASES.fetch_add(1, Ordering::SeqCst);
    };
    let http2 = Http2 { prior_knowledge: true, ..Http2::default() };
    let trusted = Trust { all: true, ..Trust::default() };
    let proxies = Proxies { trusted, ..Proxies::default() };
    Options { release_memory, http2: Some(http2), proxies, ..options() }
}

fn large() -> Answer {
    Answer { content: Content::Full(vec![b'x'; LARGE].into()), ..full("") }
}

/// Whether memory is given back when the worker has been calm.
async fn is_given_back() -> bool {
    sleep(Duration::from_secs(10)).await;
    RELEASES.swap(0, Ordering::SeqCst) == 1
}

/// Answers wait for their client until that goes away.
async fn keep_waiting(mut site: Site, request: &[u8], answers: Vec<Answer>) {
    let (mut io, serving) = site.open(4096);
    io.write_all(request).await.unwrap();
    for answer in answers {
        give(&site.request().await, answer);
    }
    assert!(!is_given_back().await, "it is needed");
    drop(io);
    serving.await.unwrap();
    assert!(is_given_back().await);
}

#[tokio::test(start_paused = true)]
async fn memory_is_given_back_after_large_answers_that_waited_for_their_clients() {
    keep_waiting(Site::new(counting()), REQUEST.as_bytes(), vec![large()]).await;
    keep_waiting(Site::without_lane(counting()), REQUEST.as_bytes(), vec![large()]).await;
    let (stream, answer) = streamed(Fields::default());
    write(&stream, &vec![b'x'; LARGE]);
    keep_waiting(Site::new(counting()), REQUEST.as_bytes(), vec![answer]).await;
    // A client that has no room for any byte of an answer in HTTP/2.
    let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    let request = |stream| [0, 0, 6, 1, 5, 0, 0, 0, stream, 0x82, 0x86, 0x84, 0x41, 1, b'a'];
    let mut bytes = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings, &request(1)].concat();
    keep_waiting(Site::new(counting()), &bytes, vec![large()]).await;
    // Of each file a part is in memory then.
    (1..80).for_each(|number| bytes.extend(request(2 * number + 1)));
    let file = tempfile::tempfile().unwrap();
    file.set_len(LARGE as u64).unwrap();
    let span = FileSpan { file: Arc::new(file), offset: 0, length: LARGE as u64 };
    let answer = || Answer { content: Content::File(span.clone()), ..full("") };
    keep_waiting(Site::new(counting()), &bytes, (0..80).map(|_| answer()).collect()).await;

    // One that is taken at once makes room for the next.
    let mut site = Site::new(counting());
    let mut client = site.connect();
    client.send(REQUEST).await;
    give(&site.request().await, large());
    assert_eq!(client.answer().await.1.len(), LARGE);
    assert!(!is_given_back().await);
}
