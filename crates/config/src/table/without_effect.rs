//! Rows: settings of Gunicorn that are accepted, and from which nothing follows.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "worker_tmp_dir",
        flag: Flag::Long("worker-tmp-dir"),
        metavar: "DIR",
        help: "directory of the workers' heartbeat files",
        gunicorn: Gunicorn::WithoutEffect("workers show that they live in shared memory, not in files"),
        ..ROW
    },
    Setting {
        name: "tmp_upload_dir",
        metavar: "DIR",
        help: "directory of uploads",
        gunicorn: Gunicorn::WithoutEffect(
            "Gunicorn does not use it either; `body_temp_dir` says where large bodies wait",
        ),
        ..ROW
    },
    Setting {
        name: "spew",
        flag: Flag::Long("spew"),
        help: "print every line of Python that is executed",
        gunicorn: Gunicorn::WithoutEffect(
            "no lines are traced; `slow_log` shows where requests spend their time",
        ),
        ..SWITCH
    },
    Setting {
        name: "http_parser",
        flag: Flag::Long("http-parser"),
        default: Some("auto"),
        metavar: "WORD",
        help: "which parser reads requests: auto, fast or python",
        gunicorn: Gunicorn::WithoutEffect("there is one parser, and it is not written in Python"),
        kind: Kind::Choice { words: &["auto", "fast", "python"], store: |_, _| {} },
        ..ROW
    },
    Setting {
        name: "permit_obsolete_folding",
        flag: Flag::Long("permit-obsolete-folding"),
        help: "accept headers that go over several lines",
        gunicorn: Gunicorn::WithoutEffect("such requests are answered 400, as RFC 9112 section 5.2 allows"),
        ..SWITCH
    },
    Setting {
        name: "permit_unconventional_http_method",
        flag: Flag::Long("permit-unconventional-http-method"),
        help: "accept methods of unusual letters or length",
        gunicorn: Gunicorn::WithoutEffect("every method of RFC 9110 is accepted without it"),
        ..SWITCH
    },
    Setting {
        name: "permit_unconventional_http_version",
        flag: Flag::Long("permit-unconventional-http-version"),
        help: "accept versions other than HTTP/1.0 and HTTP/1.1",
        gunicorn: Gunicorn::WithoutEffect("requests of other versions are answered 505"),
        ..SWITCH
    },
    Setting {
        name: "casefold_http_method",
        flag: Flag::Long("casefold-http-method"),
        help: "write methods in upper case",
        gunicorn: Gunicorn::WithoutEffect(
            "methods reach the application as they came: `get` is not `GET` (RFC 9110 section 9.1)",
        ),
        ..SWITCH
    },
    Setting {
        name: "uwsgi_allow_ips",
        flag: Flag::Long("uwsgi-allow-from"),
        default: Some("127.0.0.1,::1"),
        metavar: "LIST",
        help: "who may speak the uwsgi protocol",
        gunicorn: Gunicorn::WithoutEffect("nobody can: `protocol` is always http"),
        ..ROW
    },
    Setting {
        name: "asgi_loop",
        flag: Flag::Long("asgi-loop"),
        default: Some("auto"),
        metavar: "WORD",
        help: "event loop of ASGI applications: auto, asyncio or uvloop",
        gunicorn: Gunicorn::WithoutEffect(NO_ASGI),
        kind: Kind::Choice { words: &["auto", "asyncio", "uvloop"], store: |_, _| {} },
        ..ROW
    },
    Setting {
        name: "asgi_lifespan",
        flag: Flag::Long("asgi-lifespan"),
        default: Some("auto"),
        metavar: "WORD",
        help: "lifespan protocol of ASGI applications: auto, on or off",
        gunicorn: Gunicorn::WithoutEffect(NO_ASGI),
        kind: Kind::Choice { words: &["auto", "on", "off"], store: |_, _| {} },
        ..ROW
    },
    Setting {
        name: "asgi_disconnect_grace_period",
        flag: Flag::Long("asgi-disconnect-grace-period"),
        default: Some("3"),
        metavar: "SECONDS",
        help: "seconds an ASGI application has when its client has gone",
        gunicorn: Gunicorn::WithoutEffect(NO_ASGI),
        ..NUMBER
    },
    Setting {
        name: "websocket_max_message_size",
        flag: Flag::Long("websocket-max-message-size"),
        default: Some("16777216"),
        metavar: "BYTES",
        help: "bytes of a WebSocket message to an ASGI application",
        gunicorn: Gunicorn::WithoutEffect(NO_ASGI),
        ..NUMBER
    },
    Setting {
        name: "ssl_version",
        flag: Flag::Long("ssl-version"),
        default: Some("2"),
        metavar: "VERSION",
        help: "version of TLS",
        kind: Kind::Unread,
        gunicorn: Gunicorn::WithoutEffect(
            "Gunicorn does not use it any more either; `tls_min` says the oldest version",
        ),
        ..ROW
    },
    Setting {
        name: "do_handshake_on_connect",
        flag: Flag::Long("do-handshake-on-connect"),
        help: "begin TLS when a connection is accepted",
        gunicorn: Gunicorn::WithoutEffect("handshakes hold up nobody, whenever they begin"),
        ..SWITCH
    },
    Setting {
        name: "dirty_workers",
        flag: Flag::Long("dirty-workers"),
        default: Some("0"),
        metavar: "N",
        help: "processes for the applications of `dirty_apps`",
        gunicorn: Gunicorn::WithoutEffect(NO_DIRTY),
        ..NUMBER
    },
    Setting {
        name: "dirty_timeout",
        flag: Flag::Long("dirty-timeout"),
        default: Some("300"),
        metavar: "SECONDS",
        help: "seconds a task of theirs may take",
        gunicorn: Gunicorn::WithoutEffect(NO_DIRTY),
        ..NUMBER
    },
    Setting {
        name: "dirty_threads",
        flag: Flag::Long("dirty-threads"),
        default: Some("1"),
        metavar: "N",
        help: "threads of each of these processes",
        gunicorn: Gunicorn::WithoutEffect(NO_DIRTY),
        ..NUMBER
    },
    Setting {
        name: "dirty_graceful_timeout",
        flag: Flag::Long("dirty-graceful-timeout"),
        default: Some("30"),
        metavar: "SECONDS",
        help: "seconds their tasks may still run at a stop",
        gunicorn: Gunicorn::WithoutEffect(NO_DIRTY),
        ..NUMBER
    },
    Setting {
        name: "on_dirty_starting",
        help: "hook of the dirty arbiter that starts",
        kind: Kind::Hook { parameters: &["arbiter"] },
        ..DIRTY_HOOK
    },
    Setting {
        name: "dirty_post_fork",
        help: "hook of a dirty worker that was forked",
        kind: Kind::Hook { parameters: &["arbiter", "worker"] },
        ..DIRTY_HOOK
    },
    Setting {
        name: "dirty_worker_init",
        help: "hook of a dirty worker that has loaded its applications",
        kind: Kind::Hook { parameters: &["worker"] },
        ..DIRTY_HOOK
    },
    Setting {
        name: "dirty_worker_exit",
        help: "hook of a dirty worker that ends",
        kind: Kind::Hook { parameters: &["arbiter", "worker"] },
        ..DIRTY_HOOK
    },
    Setting {
        name: "control_socket",
        flag: Flag::Long("control-socket"),
        metavar: "PATH",
        help: "socket of the program gunicornc",
        gunicorn: Gunicorn::WithoutEffect(NO_CONTROL),
        ..ROW
    },
    Setting {
        name: "control_socket_mode",
        flag: Flag::Long("control-socket-mode"),
        default: Some("0600"),
        metavar: "MODE",
        help: "permission bits of that socket",
        gunicorn: Gunicorn::WithoutEffect(NO_CONTROL),
        kind: Kind::Mode(|_, _| {}),
        ..ROW
    },
    Setting {
        name: "control_socket_disable",
        flag: Flag::Long("no-control-socket"),
        // What is the case, so that nobody is warned who asks for it.
        default: Some("true"),
        help: "open no such socket",
        gunicorn: Gunicorn::WithoutEffect(NO_CONTROL),
        ..SWITCH
    },
];

const NO_ASGI: &str = "only WSGI applications are served";
const NO_DIRTY: &str = "there are no dirty workers";
const NO_CONTROL: &str = "there is no control socket; the server is controlled by signals";

const SWITCH: Setting =
    Setting { default: Some("false"), kind: Kind::Switch { flag: true, store: |_, _| {} }, ..ROW };

const NUMBER: Setting = Setting { kind: Kind::Number { least: 0, most: u32::MAX, store: |_, _| {} }, ..ROW };

const DIRTY_HOOK: Setting =
    Setting { metavar: "FUNCTION", gunicorn: Gunicorn::WithoutEffect(NO_DIRTY), ..ROW };

const ROW: Setting =
    Setting { flag: Flag::None, section: Section::WithoutEffect, kind: Kind::Text(|_, _| {}), ..super::ROW };
