//! Rows: what other servers in front may say of a request.

use crate::{
    choices::{HeaderMap, ProxyProtocol},
    kind::{Kind, Words},
    setting::{Flag, Gunicorn, Section, Setting, Variable},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "forwarded_allow_ips",
        flag: Flag::Long("forwarded-allow-ips"),
        env: Some(Variable { name: "FORWARDED_ALLOW_IPS", prefix: "", empty_counts: true }),
        default: Some("127.0.0.1,::1,unix"),
        metavar: "LIST",
        help: "trusted proxies: addresses, networks, unix or *",
        more: "Headers such as `X-Forwarded-Proto` are believed when they come from them, and removed \
               when they come from others. Empty trusts nobody. `unix` are all peers on unix sockets.",
        gunicorn: Gunicorn::Differs(
            "peers on a Unix socket are trusted only with `unix` or `*`; the default does not count for clients behind a PROXY header",
        ),
        kind: Kind::Networks(|config, networks| config.forwarded_allow_ips = networks),
        given: |config| config.forwarded_allow_ips_given = true,
        ..ROW
    },
    Setting {
        name: "secure_scheme_headers",
        flag: Flag::Long("secure-scheme-headers"),
        default: Some("X-FORWARDED-PROTOCOL=ssl, X-FORWARDED-PROTO=https, X-FORWARDED-SSL=on"),
        metavar: "LIST",
        help: "headers by which trusted proxies say https",
        more: "In a file also a table or dictionary of header and value.",
        gunicorn: Gunicorn::Differs("has an option; Gunicorn takes it from a file only"),
        kind: Kind::SchemeHeaders(|config, headers| config.secure_scheme_headers = headers),
        ..ROW
    },
    Setting {
        name: "forwarded_for",
        flag: Flag::Long("forwarded-for"),
        default: Some("false"),
        help: "believe X-Forwarded-For or Forwarded of trusted proxies",
        more: "`REMOTE_ADDR` is then the first address from the right that is no trusted proxy.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Switch { flag: true, store: |config, is_on| config.forwarded_for = is_on },
        ..ROW
    },
    Setting {
        name: "forwarder_headers",
        flag: Flag::Long("forwarder-headers"),
        default: Some("SCRIPT_NAME,PATH_INFO"),
        metavar: "NAMES",
        help: "names with an underscore that trusted proxies may send",
        more: "The environ cannot tell `SCRIPT_NAME` from `SCRIPT-NAME`, so that others could be \
               deceived by them.",
        kind: Kind::NameList(|config, names| config.forwarder_headers = names),
        ..ROW
    },
    Setting {
        name: "header_map",
        flag: Flag::Long("header-map"),
        default: Some("drop"),
        metavar: "WORD",
        help: "other names with an underscore: drop, refuse or dangerous",
        more: "`drop` leaves them out, `refuse` answers 400, `dangerous` hands them on.",
        kind: Kind::Choice {
            words: HeaderMap::WORDS,
            store: |config, index| config.header_map = HeaderMap::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "proxy_protocol",
        flag: Flag::Long("proxy-protocol"),
        default: Some("off"),
        metavar: "WORD",
        help: "PROXY protocol: off, v1, v2, auto; alone: auto",
        more: "A header that comes before the requests of a connection and names the client; from \
               HAProxy and many balancers.",
        gunicorn: Gunicorn::Differs("an application that follows the option is not taken for its value"),
        kind: Kind::OptionalChoice {
            choice: Words { words: ProxyProtocol::WORDS, synonyms: ProxyProtocol::SYNONYMS },
            alone: "auto",
            store: |config, index| config.proxy_protocol = ProxyProtocol::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "proxy_allow_ips",
        flag: Flag::Long("proxy-allow-from"),
        default: Some("127.0.0.1,::1,unix"),
        metavar: "LIST",
        help: "senders of PROXY headers: addresses, networks, unix or *",
        gunicorn: Gunicorn::Differs("peers on a Unix socket may only with `unix` or `*`"),
        kind: Kind::Networks(|config, networks| config.proxy_allow_ips = networks),
        ..ROW
    },
    Setting {
        name: "root_path",
        flag: Flag::Long("root-path"),
        env: Some(Variable { name: "SCRIPT_NAME", prefix: "", empty_counts: false }),
        metavar: "PATH",
        help: "SCRIPT_NAME of the application",
        more: "The path of URLs that the application is mounted at, taken off the paths of the requests.",
        gunicorn: Gunicorn::Differs("counts for WSGI, where Gunicorn has only the variable `SCRIPT_NAME`"),
        kind: Kind::RootPath(|config, path| config.root_path = path),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Proxies, ..super::ROW };
