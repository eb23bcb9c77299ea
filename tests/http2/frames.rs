//! A client that says what no library would: frames as they are written (RFC 9113 section 4.1).

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a connection begins with.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longer than the server takes for anything that is waited for here.
const LIMIT: Duration = Duration::from_secs(10);

const TYPES: [&str; 10] = [
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
];

/// The flags, whose meaning depends on the type where they share a bit.
const FLAGS: [(&str, u8); 6] =
    [("NONE", 0), ("END_STREAM", 1), ("ACK", 1), ("END_HEADERS", 4), ("PADDED", 8), ("PRIORITY", 32)];

const CODES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// A frame.
#[derive(Debug)]
pub(super) struct Frame {
    kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// One with a type and flags by their names, or as `type=0x16`.
    pub(super) fn new(kind: &str, flags: &str, stream: u32, payload: Vec<u8>) -> Self {
        let number = TYPES.iter().position(|name| *name == kind);
        let unknown = || kind.strip_prefix("type=").and_then(|number| number.parse().ok());
        let kind = number.map(|number| number as u8).or_else(unknown).expect(kind);
        let bit = |flag: &str| FLAGS.iter().find(|(name, _)| *name == flag).expect(flag).1;
        let flags = flags.split('|').map(bit).fold(0, |flags, bit| flags | bit);
        Self { kind, flags, stream, payload }
    }

    /// A whole request without a body.
    pub(super) fn get(stream: u32) -> Self {
        Self::new("HEADERS", "END_HEADERS|END_STREAM", stream, request("GET", "/"))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).expect("a frame is short").to_be_bytes();
        let stream = self.stream.to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &stream, &self.payload].concat()
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        TYPES.get(usize::from(self.kind)) == Some(&kind)
    }

    /// What it means, as the cases write it.
    pub(super) fn meaning(&self) -> String {
        let kind = TYPES.get(usize::from(self.kind)).copied().unwrap_or("unknown");
        match kind {
            "GOAWAY" => format!("GOAWAY {}", code(&self.payload[4..8])),
            "RST_STREAM" => format!("RST_STREAM {} {}", self.stream, code(&self.payload)),
            "HEADERS" => format!("STATUS {} {}", self.stream, status(&self.payload)),
            "SETTINGS" | "PING" if self.flags & 1 == 1 => format!("{kind} ACK"),
            _ => kind.to_owned(),
        }
    }
}

fn code(bytes: &[u8]) -> &'static str {
    let number = u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
    CODES.get(number as usize).copied().unwrap_or("unknown")
}

/// A field as HPACK has it without its tables (RFC 7541 section 6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = integer(text.len());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

/// A length with a prefix of seven bits (RFC 7541 section 5.1).
fn integer(number: usize) -> Vec<u8> {
    let Some(mut rest) = number.checked_sub(127) else { return vec![number as u8] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push((rest % 128 + 128) as u8);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

/// The fields of a request.
pub(super) fn request(method: &str, path: &str) -> Vec<u8> {
    let fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")];
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// The status, which comes first: an entry of the static table, or digits with Huffman's code (RFC 7541 appendices A and B).
fn status(block: &[u8]) -> String {
    const INDEXED: [&str; 7] = ["200", "204", "206", "304", "400", "404", "500"];
    match block[0] {
        index @ 0x88..=0x8e => INDEXED[usize::from(index - 0x88)].to_owned(),
        0x48 if block[1] & 0x80 != 0 => digits(&block[2..2 + usize::from(block[1] & 0x7f)]),
        0x48 => String::from_utf8_lossy(&block[2..5]).into_owned(),
        other => format!("?{other:#x}"),
    }
}

fn digits(bytes: &[u8]) -> String {
    let bits = |place: usize, count: usize| {
        (place..place + count)
            .try_fold(0_u8, |sum, bit| Some(sum << 1 | bytes.get(bit / 8)? >> (7 - bit % 8) & 1))
    };
    let (mut place, mut text) = (0, String::new());
    while text.len() < 3 {
        match (bits(place, 5), bits(place, 6)) {
            (Some(digit @ 0..=2), _) => {
                text.push(char::from(b'0' + digit));
                place += 5;
            }
            (_, Some(digit @ 25..=31)) => {
                text.push(char::from(b'3' + digit - 25));
                place += 6;
            }
            _ => return format!("?{bytes:x?}"),
        }
    }
    text
}

/// A connection.
#[derive(Debug)]
pub(super) struct Wire(TcpStream);

impl Wire {
    /// One that has said nothing yet.
    pub(super) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a socket");
        stream.set_write_timeout(Some(LIMIT)).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
        Self(stream)
    }

    /// One that has begun as it should.
    pub(super) fn begun(address: &str) -> Self {
        let mut wire = Self::open(address);
        let settings = Frame::new("SETTINGS", "NONE", 0, Vec::new());
        wire.send(&[PREFACE, &settings.bytes()].concat()).expect("the server reads");
        wire
    }

    /// Fails when the server has closed the connection.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// The next frame.
    pub(super) fn frame(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload)?;
        let stream = u32::from_be_bytes(head[5..].try_into().expect("four bytes")) & 0x7fff_ffff;
        Ok(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Reads until something has this meaning, or the connection ends; what has come, the last one at the end.
    pub(super) fn until(&mut self, wanted: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let meaning = match self.frame() {
                Ok(frame) => frame.meaning(),
                Err(error) if is_late(&error) => "NOTHING".to_owned(),
                Err(_) => "CLOSED".to_owned(),
            };
            let is_last = [wanted, "CLOSED", "NOTHING"].contains(&meaning.as_str());
            seen.push(meaning);
            if is_last {
                return seen;
            }
        }
    }
}

/// Whether nothing has come, or could be sent, for too long.
pub(super) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
