use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

mod files;

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn next(stream: &Stream) -> Poll<Next> {
    stream.poll_next(&context())
}

/// All that is there.
fn drain(stream: &Stream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match next(stream) {
            Poll::Ready(Next::Bytes(bytes)) => all.extend(bytes),
            Poll::Ready(Next::File(span)) => all.extend(read(&span)),
            _ => return all,
        }
    }
}

fn read(span: &FileSpan) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(span.length).unwrap()];
    span.file.read_exact_at(&mut bytes, span.offset).unwrap();
    bytes
}

fn bytes(next: Poll<Next>) -> Bytes {
    match next {
        Poll::Ready(Next::Bytes(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

fn span(next: Poll<Next>) -> FileSpan {
    match next {
        Poll::Ready(Next::File(span)) => span,
        other => panic!("{other:?}"),
    }
}

fn buffered(memory: usize, temp_max: Option<u64>) -> Stream {
    Stream::new(&Arc::new(Buffering { memory, temp_max, temp_dir: None }))
}

fn has_room(stream: &Stream) -> bool {
    stream.poll_room(&context()).is_ready()
}

fn on_disk(stream: &Stream) -> u64 {
    stream.lock().overflow.on_disk()
}

/// How often it has been woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Alarm {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a writer does with a full buffer whose client is slow; whether it may go on.
fn wait(stream: &Stream) -> bool {
    let patience = stream.patience();
    let may_go_on = has_room(stream) || patience.is_some();
    if may_go_on {
        stream.spill();
    }
    may_go_on
}

/// Writes pieces of 10 bytes, each with a number of its own, until the writer would have to wait; how many.
fn write_until_full(stream: &Stream, most: u8) -> u8 {
    for number in 0..most {
        stream.extend(&[number; 10]);
        if stream.is_full() && !wait(stream) {
            return number + 1;
        }
    }
    most
}

fn written(pieces: u8) -> Vec<u8> {
    (0..pieces).flat_map(|number| [number; 10]).collect()
}

#[test]
fn small_chunks_leave_as_one_frame_and_large_ones_as_they_are() {
    let stream = buffered(1 << 20, None);
    stream.extend(b"one ");
    stream.extend(b"two");
    let large = Bytes::from(vec![7; GATHER]);
    stream.push(large.clone());
    assert_eq!(bytes(next(&stream)), "one two");
    assert_eq!(bytes(next(&stream)), large);
    assert!(next(&stream).is_pending());
    stream.finish(true);
    assert!(matches!(next(&stream), Poll::Ready(Next::End)));
}

#[test]
fn an_unbuffered_answer_has_room_again_when_half_of_it_has_left() {
    let stream = Stream::unbuffered();
    stream.push(vec![0; UNBUFFERED].into());
    assert!(!stream.is_full());
    for _ in 0..4 {
        stream.push(vec![1; UNBUFFERED / 4].into());
    }
    assert!(stream.is_full());
    assert!(!wait(&stream));
    assert!(stream.spill().is_none());
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    assert!(stream.poll_room(&Context::from_waker(&waker)).is_pending());
    for left in [4, 3] {
        assert!(next(&stream).is_ready());
        assert_eq!((alarm.count(), stream.lock().waiting), (0, left * UNBUFFERED / 4));
        assert!(stream.poll_room(&Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(bytes(next(&stream)).len(), UNBUFFERED / 4);
    assert_eq!(alarm.count(), 1);
    assert!(has_room(&stream));
    assert!(!stream.is_full());
}

#[test]
fn an_answer_that_is_given_up_breaks_off_and_keeps_nothing() {
    let stream = Arc::new(buffered(25, Some(100)));
    let outlet = stream.outlet();
    let alarm = Arc::new(Alarm::default());
    assert!(outlet.poll_next(&Context::from_waker(&Arc::clone(&alarm).into())).is_pending());
    assert_eq!(write_until_full(&stream, 200), 12);
    assert!(stream.give_up());
    assert!(stream.is_gone() && on_disk(&stream) == 0);
    assert!(matches!(next(&stream), Poll::Ready(Next::Broken)));
    stream.finish(true);
    assert!(matches!(next(&stream), Poll::Ready(Next::Broken)));
    assert!(!stream.give_up());
    let stream = Arc::new(Stream::unbuffered());
    let outlet = stream.outlet();
    assert!(outlet.poll_next(&Context::from_waker(&Arc::clone(&alarm).into())).is_pending());
    assert!(stream.give_up());
    assert_eq!(alarm.count(), 1);
    drop(outlet);
    assert!(!stream.give_up());
}

#[test]
fn what_a_broken_body_still_holds_is_sent_before_it_breaks_off() {
    let stream = buffered(3, None);
    stream.extend(b"start");
    assert!(wait(&stream));
    stream.extend(b" end");
    stream.finish(false);
    stream.finish(true);
    assert_eq!(drain(&stream), b"start end");
    assert!(matches!(next(&stream), Poll::Ready(Next::Broken)));
}

#[test]
fn a_writer_whose_client_has_gone_does_not_wait() {
    for stream in [Stream::unbuffered(), buffered(10, Some(0)), buffered(10, None)] {
        stream.extend(&[0; 2 * UNBUFFERED]);
        stream.abandon();
        assert!(stream.is_gone());
        assert_eq!(stream.poll_room(&context()), Poll::Ready(()));
        assert!(stream.extend(b"more").is_none());
        assert!(stream.spill().is_none());
        assert!(!stream.is_full());
    }
}

#[test]
fn the_loop_has_turns_as_long_as_they_help() {
    let stream = buffered(1 << 20, None);
    for _ in 0..2 {
        stream.push(vec![1; UNBUFFERED + 1].into());
        assert!(stream.is_full());
        assert!(stream.poll_room(&context()).is_pending());
        assert_eq!(drain(&stream).len(), UNBUFFERED + 1);
        assert!(stream.poll_room(&context()).is_ready());
    }
    stream.push(vec![1; UNBUFFERED + 1].into());
    assert!(stream.is_full());
    assert!(stream.poll_room(&context()).is_pending());
    assert!(stream.poll_room(&context()).is_ready());
    assert!(stream.spill().is_none());
    // From here on up to the memory, until the client has caught up.
    stream.push(vec![1; UNBUFFERED + 1].into());
    assert!(!stream.is_full());
    assert_eq!(drain(&stream).len(), 2 * UNBUFFERED + 2);
    stream.push(vec![1; UNBUFFERED + 1].into());
    assert!(stream.is_full());
}

#[test]
fn a_client_that_reads_has_a_moment_before_anything_goes_to_the_file() {
    let stream = buffered(10, None);
    stream.extend(&[1; 11]);
    assert!(stream.patience().is_some_and(|patience| !patience.is_zero()));
    // A test that waits for no time: it says since when.
    let long_ago = Instant::now().checked_sub(GRACE).unwrap();
    stream.lock().full_since = Some(long_ago);
    assert_eq!(stream.patience(), Some(Duration::ZERO));
    assert_eq!(bytes(next(&stream)).len(), 11);
    stream.extend(&[1; 11]);
    assert!(stream.patience().is_some_and(|patience| !patience.is_zero()));
    let stream = Stream::unbuffered();
    stream.push(vec![1; UNBUFFERED + 1].into());
    assert!(stream.patience().is_none());
}

#[test]
fn a_client_that_keeps_up_is_waited_for() {
    let stream = buffered(10, None);
    let long_ago = Instant::now().checked_sub(2 * GRACE).unwrap();
    stream.lock().full_since = Some(long_ago);
    stream.push(vec![1; GATHER].into());
    stream.extend(b"some more bytes");
    assert_eq!(stream.patience(), Some(Duration::ZERO));
    assert_eq!(bytes(next(&stream)).len(), GATHER);
    assert_eq!(stream.lock().taken, GATHER as u64);
    stream.lock().taken = 1 << 40;
    assert!(stream.patience().is_some_and(|patience| !patience.is_zero()));
}

#[test]
fn what_a_client_has_read_meanwhile_is_not_spilled() {
    let stream = buffered(GATHER, None);
    stream.push(vec![1; GATHER].into());
    stream.push(vec![1; GATHER].into());
    assert!(stream.is_full());
    assert_eq!(bytes(next(&stream)).len(), GATHER);
    assert!(stream.spill().is_none());
    assert_eq!(on_disk(&stream), 0);
}

#[test]
fn what_memory_has_no_room_for_goes_to_a_file_and_comes_back_in_order() {
    let stream = buffered(25, None);
    assert_eq!(write_until_full(&stream, 200), 200);
    assert_eq!(stream.lock().waiting, 20);
    assert_eq!(on_disk(&stream), 1980);
    assert_eq!(drain(&stream), written(200));
}

#[test]
fn a_file_that_is_read_while_it_is_written_keeps_its_order() {
    let stream = buffered(25, None);
    let mut all = Vec::new();
    for number in 0..100 {
        stream.extend(&[number; 10]);
        if stream.is_full() {
            assert!(wait(&stream));
        }
        if number % 7 == 0 {
            match next(&stream) {
                Poll::Ready(Next::Bytes(bytes)) => all.extend(bytes),
                Poll::Ready(Next::File(span)) => all.extend(read(&span)),
                other => panic!("{other:?}"),
            }
        }
    }
    all.extend(drain(&stream));
    assert_eq!(all, written(100));
}

#[test]
fn a_disk_that_takes_no_more_makes_the_writer_wait() {
    let nowhere = Path::new("/nonexistent/folder");
    let buffering = Buffering { memory: 25, temp_max: None, temp_dir: Some(nowhere.to_owned()) };
    let stream = Stream::new(&Arc::new(buffering));
    stream.extend(&[0; 10]);
    stream.extend(&[1; 20]);
    assert!(wait(&stream));
    assert!(!wait(&stream));
    assert_eq!(drain(&stream), [vec![0; 10], vec![1; 20]].concat());
    assert!(wait(&stream));
}

#[test]
fn temporary_files_are_where_they_should_be_and_have_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let buffering = Buffering { memory: 0, temp_max: None, temp_dir: Some(folder.path().to_owned()) };
    let stream = Stream::new(&Arc::new(buffering));
    stream.extend(b"some");
    assert!(wait(&stream));
    let span = span(next(&stream));
    let target =
        std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&*span.file)));
    let target = target.unwrap();
    assert!(
        target.starts_with(folder.path()) && target.to_str().unwrap().ends_with("(deleted)"),
        "{target:?}"
    );
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
