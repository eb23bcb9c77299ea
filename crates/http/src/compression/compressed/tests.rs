use std::io::Write;
use std::sync::Arc;

use std::future::poll_fn;
use std::task::Waker;
use std::time::Duration;

use tokio::time::timeout;

use super::super::encoder::tests::{decode, noise, text};
use super::*;
use crate::Stream;
use crate::codings::Coding;
use crate::stream::Buffering;

fn compressed(stream: &Arc<Stream>, coding: Coding) -> Compressed {
    Compressed::stream(stream.outlet(), Encoder::new(coding, 5, None).unwrap())
}

async fn next(body: &mut Compressed) -> Next {
    let next = poll_fn(|context| body.poll_next(context));
    timeout(Duration::from_secs(60), next).await.expect("nothing comes")
}

/// All that comes until there is nothing more for the moment, or the end; whether the end is whole.
async fn all(body: &mut Compressed) -> (Vec<u8>, Option<bool>) {
    let mut output = Vec::new();
    loop {
        match next(body).await {
            Next::Bytes(bytes) => output.extend_from_slice(&bytes),
            Next::File(_) => panic!("a file is not compressed"),
            Next::End => return (output, Some(true)),
            Next::Broken => return (output, Some(false)),
        }
    }
}

fn is_waiting(body: &mut Compressed) -> bool {
    body.poll_next(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn each_piece_arrives_before_the_next_one_is_there() {
    for coding in Coding::ALL {
        let stream = Arc::new(Stream::unbuffered());
        let mut body = compressed(&stream, coding);
        let (mut output, mut expected) = (Vec::new(), Vec::new());
        assert!(is_waiting(&mut body));
        for event in ["data: 1\n\n", "data: 2\n\n", "d", "ata: 3\n\n"] {
            stream.extend(event.as_bytes());
            expected.extend_from_slice(event.as_bytes());
            let Next::Bytes(bytes) = next(&mut body).await else { panic!("{coding:?}") };
            output.extend_from_slice(&bytes);
            assert!(is_waiting(&mut body), "{coding:?}: only once");
            assert_eq!(decode(coding, &output), (expected.clone(), false), "{coding:?}");
        }
        stream.finish(true);
        let (rest, end) = all(&mut body).await;
        output.extend_from_slice(&rest);
        assert_eq!((decode(coding, &output), end), ((expected, true), Some(true)), "{coding:?}");
    }
}

#[tokio::test]
async fn a_stream_without_content_is_whole() {
    for coding in Coding::ALL {
        let stream = Arc::new(Stream::unbuffered());
        stream.finish(true);
        let (output, end) = all(&mut compressed(&stream, coding)).await;
        assert_eq!((decode(coding, &output), end), ((Vec::new(), true), Some(true)));
    }
}

#[tokio::test]
async fn a_broken_stream_has_all_that_was_said_and_no_end() {
    for coding in Coding::ALL {
        for length in [0, 10, 100_000] {
            let stream = Arc::new(Stream::unbuffered());
            let mut body = compressed(&stream, coding);
            stream.push(text(length).into());
            stream.finish(false);
            let (output, end) = all(&mut body).await;
            let (decoded, is_whole) = decode(coding, &output);
            assert_eq!((decoded == text(length), end), (true, Some(false)), "{coding:?} {length}");
            assert!(!is_whole || length == 0, "{coding:?} {length}");
        }
    }
}

#[tokio::test]
async fn large_frames_and_files_come_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let temp_dir = Some(folder.path().to_owned());
    let text = text(3_000_000);
    for coding in Coding::ALL {
        let buffering = Arc::new(Buffering { memory: 100_000, temp_max: None, temp_dir: temp_dir.clone() });
        let stream = Arc::new(Stream::new(&buffering));
        let mut body = compressed(&stream, coding);
        let mut rest = Bytes::from(text.clone());
        for length in [5, 300_000, 1, 70_000, 9_000, 2_000_000] {
            stream.push(rest.split_to(length));
            stream.spill();
        }
        stream.push(rest);
        stream.finish(true);
        let (output, end) = all(&mut body).await;
        assert_eq!(end, Some(true));
        assert!(decode(coding, &output) == (text.clone(), true), "{coding:?}");
    }
}

#[tokio::test]
async fn a_whole_body_comes_in_pieces() {
    let text = text(2_000_000);
    for coding in Coding::ALL {
        let encoder = Encoder::new(coding, 5, None).unwrap();
        let mut body = Compressed::whole(text.clone().into(), encoder);
        let Next::Bytes(first) = next(&mut body).await else { panic!("{coding:?}") };
        assert!(first.len() < 200_000, "not all of it waits in memory");
        let (rest, end) = all(&mut body).await;
        assert_eq!(end, Some(true));
        assert!(decode(coding, &[&first[..], &rest].concat()) == (text.clone(), true), "{coding:?}");
    }
}

#[tokio::test]
async fn what_gives_no_output_does_not_hold_up_the_loop() {
    let stream = Arc::new(Stream::unbuffered());
    let mut body = compressed(&stream, Coding::Gzip);
    for _ in 0..20 {
        // Each is small enough to be compressed here, and all of them give less than gzip keeps back.
        stream.push(vec![b' '; AT_ONCE].into());
    }
    let mut context = Context::from_waker(Waker::noop());
    assert!(body.poll_next(&mut context).is_pending());
    stream.finish(true);
    let (output, _) = all(&mut body).await;
    assert!(decode(Coding::Gzip, &output) == (vec![b' '; 20 * AT_ONCE], true));
}

#[tokio::test]
async fn what_gives_much_output_does_not_hold_it_up_either() {
    let stream = Arc::new(Stream::unbuffered());
    let mut body = compressed(&stream, Coding::Gzip);
    for _ in 0..100 {
        stream.push(noise(AT_ONCE / 4).into());
    }
    stream.finish(true);
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = 0;
    loop {
        match body.poll_next(&mut context) {
            Poll::Pending => turns += 1,
            Poll::Ready(Next::Bytes(_)) => {}
            Poll::Ready(_) => break,
        }
    }
    assert_eq!(turns, 100 / 4, "one for each {AT_ONCE} bytes");
}

#[tokio::test]
async fn a_file_that_became_shorter_breaks_the_answer() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"short").unwrap();
    let mut body = Compressed::whole(Bytes::new(), Encoder::new(Coding::Gzip, 5, None).unwrap());
    body.waiting = Waiting::File(FileSpan { file: Arc::new(file), offset: 0, length: 10 });
    assert!(matches!(next(&mut body).await, Next::Broken));
    assert!(matches!(next(&mut body).await, Next::Broken));
}

#[tokio::test]
async fn a_client_that_goes_away_lets_go_of_the_stream() {
    let stream = Arc::new(Stream::unbuffered());
    let mut body = compressed(&stream, Coding::Zstd);
    stream.push(text(1_000_000).into());
    assert!(is_waiting(&mut body), "it is compressed elsewhere");
    drop(body);
    assert!(stream.is_gone());
}
