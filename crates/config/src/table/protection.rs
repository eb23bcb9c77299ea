//! Rows: what is refused before the application is asked, and headers for every answer.

use crate::{
    kind::Kind,
    protection,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "allow_host",
        flag: Flag::Long("allow-host"),
        metavar: "NAMES",
        help: "answer only requests for these hosts, others 421; repeatable [default: all]",
        more: "With commas between them. `.example.com` is that host and all below it, `*.example.com` all below it, `*` every host. Ports and \
               capital letters do not count. Health paths are answered whatever the host.",
        kind: Kind::Each {
            parse: |config, text| protection::hosts(text).map(|hosts| config.allow_host.extend(hosts)),
            expects: protection::EXPECTS_HOSTS,
        },
        ..ROW
    },
    Setting {
        name: "django_hosts",
        flag: Flag::Long("django-hosts"),
        metavar: "",
        help: "the same for the hosts of Django's ALLOWED_HOSTS, beside those of --allow-host",
        more: "They are read when the application has been loaded. While `DEBUG` is on an empty list means this machine, as in Django.",
        kind: Kind::Switch { flag: true, store: |config, wanted| config.django_hosts = wanted },
        ..ROW
    },
    Setting {
        name: "deny_path",
        flag: Flag::Long("deny-path"),
        metavar: "PATTERNS",
        help: "answer 404 for paths such as *.php,/.env,/wp-*; repeatable [default: none]",
        more: "With commas between them. `*` stands for any letters, also `/`. A pattern that begins with `/` is for the beginning of the path, any \
               other one for any part between slashes; what lies below a path is refused with it.",
        kind: Kind::Each {
            parse: |config, text| protection::patterns(text).map(|paths| config.deny_path.extend(paths)),
            expects: protection::EXPECTS_PATTERNS,
        },
        ..ROW
    },
    Setting {
        name: "rate_limit",
        flag: Flag::Long("rate-limit"),
        metavar: "RATE",
        help: "requests of one client, such as 20r/s or 100r/m,burst=200 [default: any number]",
        more: "Over all workers; more are answered 429 with `Retry-After`. A client is an IPv4 address or an IPv6 network of 64 bits, as far as proxies are \
               believed. `burst` is how many may come at once, by default the number of the rate. `off` limits nothing.",
        kind: Kind::Parsed {
            parse: |config, text| {
                let is_off = text.trim().eq_ignore_ascii_case("off");
                config.rate_limit = if is_off { None } else { Some(protection::rate(text)?) };
                Ok(())
            },
            expects: protection::EXPECTS_RATE,
        },
        ..ROW
    },
    Setting {
        name: "rate_limit_path",
        flag: Flag::Long("rate-limit-path"),
        metavar: "PATH=RATE",
        help: "the same for a path and what lies below, such as /login/=5r/m; repeatable",
        more: "In place of `--rate-limit`; the longest path that a request is under counts. `POST:/login/=5r/m` is for one method.",
        kind: Kind::Each {
            parse: |config, text| protection::path_rate(text).map(|rate| config.rate_limit_path.push(rate)),
            expects: protection::EXPECTS_PATH_RATE,
        },
        ..ROW
    },
    Setting {
        name: "header",
        flag: Flag::Long("header"),
        metavar: "HEADER",
        help: "add `Name: value` to every answer that has no such header; repeatable",
        more: "To answers of the application and the server's own.",
        kind: Kind::Each {
            parse: |config, text| protection::field(text).map(|field| config.header.push(field)),
            expects: protection::EXPECTS_FIELD,
        },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Protection, gunicorn: Gunicorn::Own, ..super::ROW };
