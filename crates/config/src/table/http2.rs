//! Rows: HTTP/2.

use crate::{
    http_version,
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

/// The largest window that there can be (RFC 9113 section 6.9.1).
const WINDOW: u32 = i32::MAX as u32;

/// The smallest and the largest frame that may be the limit (RFC 9113 section 6.5.2).
const FRAMES: [u32; 2] = [16_384, 16_777_215];

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "http_protocols",
        flag: Flag::Long("http-protocols"),
        default: Some("h1"),
        metavar: "LIST",
        help: "versions of HTTP that TLS offers, the best first: h1, h2",
        more: "Which one is spoken is agreed on when a connection begins (ALPN). A client that does not ask gets HTTP/1.1. \
               Without TLS there is `--http2-cleartext`.",
        kind: Kind::Parsed {
            parse: |config, text| {
                http_version::versions(text).map(|versions| config.http_protocols = versions)
            },
            expects: http_version::EXPECTS_VERSIONS,
        },
        ..ROW
    },
    Setting {
        name: "http2_cleartext",
        flag: Flag::Long("http2-cleartext"),
        default: Some("off"),
        metavar: "WORD",
        help: "HTTP/2 without TLS from peers of --forwarded-allow-ips: off, prior-knowledge",
        more: "A proxy that speaks HTTP/2 to the server begins with it at once, which is `prior-knowledge`. `upgrade` and `both` \
               are Gunicorn's words for the header `Upgrade: h2c`; RFC 9113 has withdrawn it, and a client that asks for it is \
               answered in HTTP/1.1, as it has to expect.",
        gunicorn: Gunicorn::Differs(
            "the header `Upgrade: h2c`, withdrawn by RFC 9113, is answered in HTTP/1.1, so `both` means `prior-knowledge`",
        ),
        kind: Kind::Parsed {
            parse: |config, text| http_version::cleartext(text).map(|word| config.http2_cleartext = word),
            expects: http_version::EXPECTS_CLEARTEXT,
        },
        ..ROW
    },
    Setting {
        name: "http2_max_concurrent_streams",
        flag: Flag::Long("http2-max-concurrent-streams"),
        default: Some("100"),
        metavar: "N",
        help: "requests at a time in an HTTP/2 connection",
        kind: Kind::Number {
            least: 1,
            most: u32::MAX,
            store: |config, streams| config.http2_max_concurrent_streams = streams,
        },
        ..ROW
    },
    Setting {
        name: "http2_initial_window_size",
        flag: Flag::Long("http2-initial-window-size"),
        default: Some("65535"),
        metavar: "BYTES",
        help: "bytes an HTTP/2 client may send in a request before it must wait",
        more: "All requests of a connection together may have 1 MiB under way, or this if it is more.",
        kind: Kind::Number {
            least: 1,
            most: WINDOW,
            store: |config, bytes| config.http2_initial_window_size = bytes,
        },
        ..ROW
    },
    Setting {
        name: "http2_max_frame_size",
        flag: Flag::Long("http2-max-frame-size"),
        default: Some("16384"),
        metavar: "BYTES",
        help: "bytes of a frame that an HTTP/2 client may send",
        kind: Kind::Number {
            least: FRAMES[0],
            most: FRAMES[1],
            store: |config, bytes| config.http2_max_frame_size = bytes,
        },
        ..ROW
    },
    Setting {
        name: "http2_max_header_list_size",
        flag: Flag::Long("http2-max-header-list-size"),
        default: Some("65536"),
        metavar: "BYTES",
        help: "bytes of the headers of an HTTP/2 request; 0: no limit",
        more: "As RFC 9113 counts: each header has 32 bytes more than its name and value. The limits of single headers hold too.",
        kind: Kind::LimitedNumber(|config, bytes| config.http2_max_header_list_size = bytes),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Http2, ..super::ROW };
