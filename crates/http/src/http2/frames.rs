//! Follows the frames that are written, to tell answers from the control of the connection (RFC 9113 section 4.1).

/// How long the head of a frame is.
const HEAD: usize = 9;

/// The types of the frames that answers are made of: DATA, HEADERS and CONTINUATION.
const OF_ANSWERS: [u8; 3] = [0, 1, 9];

/// How far the frames have been written.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// So many bytes of the head have been seen.
    seen: usize,
    /// So many bytes of the payload have not.
    left: usize,
    is_of_answer: bool,
}

impl Frames {
    /// Bytes have been written; whether any of them are of an answer.
    pub(super) fn follow(&mut self, mut written: &[u8]) -> bool {
        let mut has_answer = false;
        while !written.is_empty() {
            if self.left == 0 {
                let taken = written.len().min(HEAD - self.seen);
                self.head[self.seen..self.seen + taken].copy_from_slice(&written[..taken]);
                self.seen += taken;
                written = &written[taken..];
                if self.seen < HEAD {
                    continue;
                }
                self.begin();
            }
            has_answer |= self.is_of_answer;
            let skipped = written.len().min(self.left);
            self.left -= skipped;
            written = &written[skipped..];
        }
        has_answer
    }

    /// A head is there.
    fn begin(&mut self) {
        let [high, middle, low, kind, ..] = self.head;
        self.left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.is_of_answer = OF_ANSWERS.contains(&kind);
        self.seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;

    fn frame(kind: u8, length: u8) -> Vec<u8> {
        // A payload that would be the head of an answer, if it was taken for one.
        [&[0, 0, length, kind, 1, 0, 0, 0, 1][..], &vec![0; usize::from(length)]].concat()
    }

    #[test]
    fn answers_are_told_from_control_frames() {
        let mut frames = Frames::default();
        for (kind, expected) in
            [(4, false), (PING, false), (1, true), (9, true), (0, true), (3, false), (7, false)]
        {
            for length in [0, 8] {
                assert_eq!(frames.follow(&frame(kind, length)), expected, "{kind}, {length} bytes");
            }
        }
        assert!(frames.follow(&[frame(PING, 8), frame(0, 5), frame(PING, 8)].concat()));
    }

    #[test]
    fn it_does_not_matter_where_a_write_ends() {
        let bytes = [frame(PING, 8), frame(0, 200), frame(PING, 8)].concat();
        let (data, end) = (17 + HEAD, 17 + HEAD + 200);
        for size in [1, 2, 7, 10, 16] {
            let mut frames = Frames::default();
            let mut place = 0;
            for part in bytes.chunks(size) {
                let is_of_answer = frames.follow(part);
                if place + part.len() < data || place >= end {
                    assert!(!is_of_answer, "{size} bytes at {place}");
                } else if place >= data {
                    assert!(is_of_answer, "{size} bytes at {place}");
                }
                place += part.len();
            }
        }
    }
}
