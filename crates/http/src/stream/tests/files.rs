//! Answers that fill their files, and how these empty.

use super::*;

#[test]
fn past_the_bounds_of_the_files_the_writer_waits_until_enough_has_left() {
    let stream = buffered(25, Some(320));
    // Files of 20 bytes; 30 bytes go to them at a time, and a file is kept free.
    assert_eq!(write_until_full(&stream, 200), 33);
    assert_eq!(on_disk(&stream), 300);
    assert!(!wait(&stream));
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    assert!(stream.poll_room(&Context::from_waker(&waker)).is_pending());
    let mut all = read(&span(next(&stream)));
    assert!(!has_room(&stream));
    assert!(stream.poll_room(&Context::from_waker(&waker)).is_pending());
    all.extend(read(&span(next(&stream))));
    assert_eq!(alarm.count(), 1);
    assert!(wait(&stream));
    assert_eq!((on_disk(&stream), stream.lock().waiting), (290, 0));
    all.extend(drain(&stream));
    assert_eq!(all, written(33));
}

#[test]
fn without_a_bound_the_files_are_large_and_few() {
    let stream = buffered(25, None);
    assert_eq!(write_until_full(&stream, 200), 200);
    assert_eq!(span(next(&stream)).length, 1980);
    assert_eq!(bytes(next(&stream)).len(), 20);
    assert_eq!(on_disk(&stream), 0);
}

#[test]
fn a_file_that_is_being_sent_counts_until_it_has_left() {
    let stream = buffered(25, Some(320));
    assert_eq!(write_until_full(&stream, 33), 33);
    let mut on_their_way: Vec<FileSpan> = (0..14).map(|_| span(next(&stream))).collect();
    assert_eq!(on_disk(&stream), 300);
    assert!(!wait(&stream));
    let all: Vec<u8> = on_their_way.iter().flat_map(read).collect();
    assert_eq!(all, written(28));
    on_their_way.clear();
    assert_eq!(read(&span(next(&stream))), written(30)[280..]);
    assert!(wait(&stream));
    assert_eq!(drain(&stream), written(33)[300..]);
    assert_eq!(on_disk(&stream), 0);
}

/// Numbers that look like chance and are the same each time (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// What the bytes are from this place on.
fn pattern(place: usize, length: usize) -> Vec<u8> {
    (place..place + length).map(|place| (place.wrapping_mul(0x9e37_79b1) >> 11) as u8).collect()
}

#[test]
fn whatever_the_pace_the_bytes_are_exact_and_the_disk_is_kept_within_its_bound() {
    const MOST: u64 = 32_000;
    let (stream, mut dice) = (buffered(1_000, Some(MOST)), Dice(0x2545_f491_4f6c_dd1d));
    let (mut sent, mut received, mut waits) = (0, 0, 0);
    let mut on_their_way: VecDeque<FileSpan> = VecDeque::new();
    let mut check = |arrived: &[u8]| {
        assert!(arrived == pattern(received, arrived.len()), "wrong bytes behind {received}");
        received += arrived.len();
    };
    while sent < 100 * MOST as usize || !stream.lock().is_empty() {
        let is_writing = sent < 100 * MOST as usize && dice.below(100) < 75;
        if is_writing && (!stream.is_full() || wait(&stream)) {
            let chunk = pattern(sent, 1 + dice.below(3_000));
            sent += chunk.len();
            if dice.below(2) == 0 {
                stream.extend(&chunk)
            } else {
                stream.push(chunk.into())
            };
        } else {
            waits += usize::from(is_writing);
            match next(&stream) {
                Poll::Ready(Next::File(span)) => on_their_way.push_back(span),
                Poll::Ready(Next::Bytes(bytes)) => {
                    on_their_way.drain(..).for_each(|span| check(&read(&span)));
                    check(&bytes);
                }
                _ => {}
            }
        }
        while on_their_way.len() > dice.below(4) {
            on_their_way.pop_front().iter().for_each(|span| check(&read(span)));
        }
        assert!(on_disk(&stream) <= MOST);
    }
    on_their_way.drain(..).for_each(|span| check(&read(&span)));
    assert_eq!(received, sent);
    assert!(waits > 100, "the files were full only {waits} times");
}
