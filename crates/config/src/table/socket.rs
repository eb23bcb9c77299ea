//! Rows: where connections come in.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting, Variable},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "bind",
        flag: Flag::Long("bind"),
        short: Some('b'),
        env: Some(Variable { name: "PORT", prefix: "0.0.0.0:", empty_counts: false }),
        default: Some("127.0.0.1:8000"),
        metavar: "ADDRESS",
        help: "listen on HOST:PORT, PORT, [IPV6]:PORT, unix:PATH, unix:@NAME or fd://N; repeatable",
        more: "A host alone has the port 8000, a port alone the address 127.0.0.1, and `[::]` listens \
               for IPv4 too. With port 0 the system chooses a port, which the log names. Sockets that \
               systemd hands over take the place of all addresses.",
        gunicorn: Gunicorn::Differs(
            "a number alone is a port on 127.0.0.1, not a host name; `unix:@name` is an abstract socket, not a file; \
             addresses beside an `fd://N` are served too",
        ),
        kind: Kind::Addresses(|config, addresses| config.bind = addresses),
        ..ROW
    },
    Setting {
        name: "backlog",
        flag: Flag::Long("backlog"),
        default: Some("2048"),
        metavar: "N",
        help: "connections that may wait to be accepted, for each address",
        more: "The system has a limit of its own, `net.core.somaxconn`.",
        // listen(2) takes a C int.
        kind: Kind::Number {
            least: 1,
            most: i32::MAX as u32,
            store: |config, number| config.backlog = number,
        },
        ..ROW
    },
    Setting {
        name: "reuse_port",
        flag: Flag::Long("reuse-port"),
        default: Some("false"),
        help: "share each port with other servers (SO_REUSEPORT)",
        gunicorn: Gunicorn::Differs(
            "the workers share one queue for each port, so that nothing is lost with a worker; Gunicorn's have one each",
        ),
        kind: Kind::Switch { flag: true, store: |config, is_on| config.reuse_port = is_on },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Socket, ..super::ROW };
