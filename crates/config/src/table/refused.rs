//! Rows: settings of Gunicorn without which the server would not be what was asked for, and which are refused.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "paste",
        flag: Flag::Long("paste"),
        alias: Some("paster"),
        metavar: "FILE",
        help: "serve the application of a file of Paste Deploy",
        gunicorn: Gunicorn::Refused {
            why: "files of Paste Deploy are not read",
            instead: "write a module with `application = paste.deploy.loadapp(\"config:/srv/site.ini\")` and name that",
        },
        ..ROW
    },
    Setting {
        name: "raw_paste_global_conf",
        flag: Flag::Long("paste-global"),
        metavar: "NAME=VALUE",
        help: "variable for that file; repeatable",
        gunicorn: Gunicorn::Refused {
            why: "files of Paste Deploy are not read",
            instead: "write a module that calls `paste.deploy.loadapp` with these in `global_conf`, and name that",
        },
        kind: Kind::Patterns(|_, _| {}),
        ..ROW
    },
    Setting {
        name: "protocol",
        flag: Flag::Long("protocol"),
        default: Some("http"),
        metavar: "WORD",
        help: "protocol of the connections: http or uwsgi",
        gunicorn: Gunicorn::Refused {
            why: "only HTTP is spoken",
            instead: "in nginx write `proxy_pass http://…` in the place of `uwsgi_pass …`",
        },
        ..ROW
    },
    Setting {
        name: "strip_header_spaces",
        flag: Flag::Long("strip-header-spaces"),
        default: Some("false"),
        help: "accept a space between the name of a header and its colon",
        gunicorn: Gunicorn::Refused {
            why: "requests can be smuggled past a proxy with it (RFC 9112 section 5.1)",
            instead: "leave it out; requests with such headers are answered 400",
        },
        kind: Kind::Switch { flag: true, store: |_, _| {} },
        ..ROW
    },
    Setting {
        name: "certfile",
        flag: Flag::Long("certfile"),
        metavar: "FILE",
        help: "certificate for TLS",
        ..TLS
    },
    Setting {
        name: "keyfile",
        flag: Flag::Long("keyfile"),
        metavar: "FILE",
        help: "private key for TLS",
        ..TLS
    },
    Setting {
        name: "ca_certs",
        flag: Flag::Long("ca-certs"),
        metavar: "FILE",
        help: "authorities that certificates of clients come from",
        ..TLS
    },
    Setting {
        name: "cert_reqs",
        flag: Flag::Long("cert-reqs"),
        default: Some("0"),
        metavar: "N",
        help: "certificates of clients: 0 none, 1 optional, 2 required",
        kind: Kind::Number { least: 0, most: 2, store: |_, _| {} },
        ..TLS
    },
    Setting {
        name: "ciphers",
        flag: Flag::Long("ciphers"),
        metavar: "TEXT",
        help: "ciphers for TLS, as OpenSSL writes them",
        ..TLS
    },
    Setting {
        name: "ssl_context",
        metavar: "FUNCTION",
        help: "hook that makes the SSLContext of a connection",
        gunicorn: Gunicorn::Refused {
            why: "an SSLContext of Python cannot be used by a server that is not written in Python",
            instead: IN_FRONT,
        },
        kind: Kind::Hook { parameters: &["config", "default_ssl_context_factory"] },
        ..ROW
    },
    Setting {
        name: "http_protocols",
        flag: Flag::Long("http-protocols"),
        default: Some("h1"),
        metavar: "LIST",
        help: "versions of HTTP that TLS offers: h1, h2",
        ..HTTP2
    },
    Setting {
        name: "http2_cleartext",
        flag: Flag::Long("http2-cleartext"),
        default: Some("off"),
        metavar: "WORD",
        help: "HTTP/2 without TLS: off, prior-knowledge, upgrade or both",
        kind: Kind::Unread,
        ..HTTP2
    },
    Setting {
        name: "dirty_apps",
        flag: Flag::Long("dirty-app"),
        metavar: "MODULE:CLASS",
        help: "application for dirty workers; repeatable",
        gunicorn: Gunicorn::Refused {
            why: "there are no dirty workers, and what asks for their tasks would fail",
            instead: "run long tasks in a task queue, such as Celery, RQ or Dramatiq",
        },
        kind: Kind::Patterns(|_, _| {}),
        ..ROW
    },
];

const IN_FRONT: &str = "leave it out and let the proxy in front end TLS (nginx, HAProxy, a balancer)";

const TLS: Setting =
    Setting { gunicorn: Gunicorn::Refused { why: "rwsgi does not speak TLS yet", instead: IN_FRONT }, ..ROW };

const HTTP2: Setting = Setting {
    gunicorn: Gunicorn::Refused {
        why: "rwsgi does not speak HTTP/2 yet",
        instead: "leave it out and let the proxy in front speak HTTP/2 to the clients (nginx, HAProxy, a balancer)",
    },
    ..ROW
};

const ROW: Setting =
    Setting { flag: Flag::None, section: Section::Refused, kind: Kind::Text(|_, _| {}), ..super::ROW };
