//! Rows: certificates that the server fetches by itself.

use crate::{
    acme,
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "acme_domain",
        flag: Flag::Long("acme-domain"),
        metavar: "NAMES",
        help: "fetch a certificate for these domains and renew it; repeatable [default: none]",
        more: "With commas between them. The domains have to lead to this server, on port 443: the authority connects there to see that they do (TLS-ALPN-01, \
               RFC 8737). Whoever gives this setting agrees to the authority's terms of service.",
        kind: Kind::Each { parse: |config, text| config.acme.add(text), expects: acme::EXPECTS_DOMAINS },
        ..ROW
    },
    Setting {
        name: "acme_email",
        flag: Flag::Long("acme-email"),
        metavar: "ADDRESS",
        help: "where the authority writes to when something is wrong [default: nowhere]",
        kind: Kind::Text(|config, email| config.acme.email = Some(email).filter(|email| !email.is_empty())),
        ..ROW
    },
    Setting {
        name: "acme_dir",
        flag: Flag::Long("acme-dir"),
        metavar: "DIR",
        help: "where the account and the certificate are kept; --acme-domain needs it",
        more: "Made if it is not there, for the user that starts the server alone. A new start goes on with what is in it.",
        kind: Kind::Path(|config, path| config.acme.folder = Some(path)),
        ..ROW
    },
    Setting {
        name: "acme_server",
        flag: Flag::Long("acme-server"),
        default: Some("https://acme-v02.api.letsencrypt.org/directory"),
        metavar: "URL",
        help: "the directory of the authority",
        more: "The default is Let's Encrypt; `https://acme-staging-v02.api.letsencrypt.org/directory` is the one for trials, whose certificates nobody believes.",
        kind: Kind::Parsed {
            parse: |config, text| acme::server(text).map(|url| config.acme.server = url),
            expects: acme::EXPECTS_SERVER,
        },
        ..ROW
    },
    Setting {
        name: "acme_ca_file",
        flag: Flag::Long("acme-ca-file"),
        metavar: "FILE",
        help: "the certificate by which the authority itself is known [default: the system's]",
        more: "PEM, for an authority of one's own.",
        kind: Kind::Path(|config, path| config.acme.root = Some(path)),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Acme, gunicorn: Gunicorn::Own, ..super::ROW };
