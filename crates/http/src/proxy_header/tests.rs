//! Every rule of the specification, every cut of a header, and bytes at random.

use super::*;

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n";

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [START_V2, &[command, family], &length, block].concat()
}

fn v2_tcp4() -> Vec<u8> {
    v2(0x21, 0x11, &[192, 0, 2, 1, 198, 51, 100, 2, 0xc3, 0x50, 0x01, 0xbb])
}

fn tcp4(length: usize) -> Preface {
    Preface::Header {
        length,
        ends: Some(Ends {
            protocol: "TCP4",
            source: "192.0.2.1:50000".parse().unwrap(),
            destination: "198.51.100.2:443".parse().unwrap(),
        }),
    }
}

fn auto(bytes: &[u8]) -> Preface {
    parse(bytes, ProxyProtocol::Auto)
}

#[test]
fn version_1_names_both_ends() {
    assert_eq!(auto(V1), tcp4(V1.len()));
    let line = b"PROXY TCP6 2001:db8::1 ::ffff:198.51.100.2 0 65535\r\nGET / HTTP/1.1\r\n";
    let Preface::Header { length, ends: Some(ends) } = auto(line) else { panic!() };
    assert_eq!((length, ends.protocol), (52, "TCP6"));
    assert_eq!(ends.source, "[2001:db8::1]:0".parse().unwrap());
    assert_eq!(ends.destination.port(), 65535);
}

#[test]
fn version_1_may_know_nothing() {
    for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN what ever this is\r\n"] {
        assert_eq!(auto(line.as_bytes()), Preface::Header { length: line.len(), ends: None });
    }
}

#[test]
fn version_1_is_strict() {
    let lines = [
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 2001:db8::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 2001:db8::1 1 2\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2  2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n",
        "PROXY TCP4 192.0.2.1\t198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\rX",
        "PROXY UNKNOWN \u{e9}\r\n",
    ];
    for line in lines {
        assert!(matches!(auto(line.as_bytes()), Preface::Malformed(_)), "{line:?}");
    }
}

#[test]
fn a_line_has_107_bytes_at_most() {
    let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16)).into_bytes();
    assert_eq!(auto(&line(107)), Preface::Header { length: 107, ends: None });
    assert!(matches!(auto(&line(108)), Preface::Malformed(_)));
    assert_eq!(auto(&line(107)[..106]), Preface::Incomplete);
    assert!(matches!(auto(&line(200)[..107]), Preface::Malformed(_)));
}

#[test]
fn version_2_names_both_ends_and_skips_notes() {
    assert_eq!(auto(&v2_tcp4()), tcp4(28));
    let mut block = [0; 36].to_vec();
    block[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    block[32..].copy_from_slice(&[0, 1, 0, 2]);
    block.extend([3, 0, 4, 1, 2, 3, 4]);
    let Preface::Header { length, ends: Some(ends) } = auto(&v2(0x21, 0x21, &block)) else { panic!() };
    assert_eq!((length, ends.protocol), (59, "TCP6"));
    assert_eq!((ends.source, ends.destination.port()), ("[2001:db8::]:1".parse().unwrap(), 2));
}

#[test]
fn version_2_may_name_nobody() {
    for (command, family, block) in
        [(0x20, 0x11, 0), (0x20, 0xff, 9), (0x21, 0x00, 0), (0x21, 0x00, 30), (0x21, 0x31, 216)]
    {
        let bytes = v2(command, family, &vec![0; block]);
        assert_eq!(auto(&bytes), Preface::Header { length: 16 + block, ends: None }, "{command} {family}");
    }
}

#[test]
fn version_2_is_strict() {
    for (command, family, block) in [
        (0x11, 0x11, 12),
        (0x31, 0x11, 12),
        (0x22, 0x11, 12),
        (0x21, 0x12, 12),
        (0x21, 0x41, 12),
        (0x21, 0x11, 11),
        (0x21, 0x21, 35),
        (0x21, 0x31, 215),
        (0x21, 0x11, 4097),
    ] {
        let bytes = v2(command, family, &vec![0; block]);
        assert!(matches!(auto(&bytes), Preface::Malformed(_)), "{command} {family} {block}");
        // What is wrong is told before the rest has come.
        assert!(matches!(auto(&bytes[..16]), Preface::Malformed(_)), "{command} {family} {block}");
    }
}

#[test]
fn every_beginning_of_a_header_is_incomplete() {
    for whole in [V1.to_vec(), v2_tcp4(), b"PROXY UNKNOWN\r\n".to_vec(), v2(0x21, 0x11, &[0; 4096])] {
        for end in 0..whole.len() {
            assert_eq!(auto(&whole[..end]), Preface::Incomplete, "{end} of {whole:?}");
        }
        let followed = [&whole[..], b"GET / HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(auto(&followed), auto(&whole));
    }
}

#[test]
fn other_beginnings_are_no_header() {
    for text in
        ["G", "POST / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "\r\nGET", "\r\n\r\nG", "proxy ", "PROXYING "]
    {
        assert_eq!(auto(text.as_bytes()), Preface::Absent, "{text:?}");
    }
    assert_eq!(parse(V1, ProxyProtocol::V2), Preface::Absent);
    assert_eq!(parse(&v2_tcp4(), ProxyProtocol::V1), Preface::Absent);
    assert_eq!(parse(V1, ProxyProtocol::Off), Preface::Absent);
}

#[test]
fn no_bytes_panic_and_more_bytes_never_take_a_verdict_back() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let seeds = [V1.to_vec(), v2_tcp4(), v2(0x21, 0x21, &[7; 50]), v2(0x20, 0, &[])];
    for _ in 0..50_000 {
        let mut bytes = [seeds[random(seeds.len())].clone(), b"GET / HTTP/1.1\r\n".to_vec()].concat();
        for _ in 0..random(4) {
            let place = random(bytes.len());
            bytes[place] = u8::try_from(random(256)).unwrap();
        }
        bytes.truncate(random(bytes.len() + 1));
        let whole = auto(&bytes);
        for end in 0..bytes.len() {
            let part = auto(&bytes[..end]);
            assert!(part == Preface::Incomplete || part == whole, "{end} of {bytes:?}");
        }
        if let Preface::Header { length, .. } = whole {
            assert!(length <= bytes.len() && length <= LONGEST);
        }
    }
}
