//! Rows: how much a client may send.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "limit_request_line",
        flag: Flag::Long("limit-request-line"),
        default: Some("4094"),
        metavar: "N",
        help: "bytes of a request line; 0: no limit",
        more: "A longer one is answered 414.",
        gunicorn: Gunicorn::Differs("every number is honoured; Gunicorn takes more than 8190 for 8190"),
        kind: Kind::LimitedNumber(|config, limit| config.limit_request_line = limit),
        ..ROW
    },
    Setting {
        name: "limit_request_fields",
        flag: Flag::Long("limit-request-fields"),
        default: Some("100"),
        metavar: "N",
        help: "headers of a request; 0: no limit",
        more: "More are answered 431.",
        gunicorn: Gunicorn::Differs(
            "every number is honoured; Gunicorn takes more than 32768, and 0, for 32768",
        ),
        kind: Kind::LimitedNumber(|config, limit| config.limit_request_fields = limit),
        ..ROW
    },
    Setting {
        name: "limit_request_field_size",
        flag: Flag::Long("limit-request-field_size"),
        alias: Some("limit-request-field-size"),
        default: Some("8190"),
        metavar: "N",
        help: "bytes of one header; 0: no limit",
        more: "A longer one is answered 431.",
        gunicorn: Gunicorn::Differs("0 is no limit; Gunicorn takes it for 8190"),
        kind: Kind::LimitedNumber(|config, limit| config.limit_request_field_size = limit),
        ..ROW
    },
    Setting {
        name: "limit_request_body",
        flag: Flag::Long("limit-request-body"),
        default: Some("1G"),
        metavar: "SIZE",
        help: "bytes of a body; 0: no limit",
        more: "A larger one is answered 413.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, limit| config.limit_request_body = limit),
        ..ROW
    },
    Setting {
        name: "limit_connections_per_ip",
        flag: Flag::Long("limit-connections-per-ip"),
        default: Some("256"),
        metavar: "N",
        help: "connections of one client; 0: no limit",
        more: "Counted over all workers; an IPv6 network of 64 bits is one address. Trusted proxies and \
               unix sockets have no limit.",
        gunicorn: Gunicorn::Own,
        kind: Kind::LimitedNumber(|config, limit| config.limit_connections_per_ip = limit),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Limits, ..super::ROW };
