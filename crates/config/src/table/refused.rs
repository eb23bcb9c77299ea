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
        name: "ssl_context",
        metavar: "FUNCTION",
        help: "hook that makes the SSLContext of a connection",
        gunicorn: Gunicorn::Refused {
            why: "an SSLContext of Python cannot be used by a server that is not written in Python",
            instead: "leave it out; `certfile`, `ca_certs`, `tls_min` and `ciphers` say what most such functions do",
        },
        kind: Kind::Hook { parameters: &["config", "default_ssl_context_factory"] },
        ..ROW
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

const ROW: Setting =
    Setting { flag: Flag::None, section: Section::Refused, kind: Kind::Text(|_, _| {}), ..super::ROW };
