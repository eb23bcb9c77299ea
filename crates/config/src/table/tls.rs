//! Rows: connections secured by this server.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
    tls::{self, CertReqs, TlsVersion},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "certfile",
        flag: Flag::Long("certfile"),
        metavar: "FILE",
        help: "speak HTTPS with this certificate (PEM); repeatable",
        more: "The server's own certificate comes first in the file, then those of the authorities between it and one that \
               clients know. Of several files each client gets the one with the name that it asks for (SNI), or else the \
               first. Files that change are read again without a reload. See docs/tls.md.",
        gunicorn: Gunicorn::Differs(
            "may be given several times, each with its `keyfile`; Gunicorn takes the last one",
        ),
        kind: Kind::Files(|config, files| config.certfile = files),
        ..ROW
    },
    Setting {
        name: "keyfile",
        flag: Flag::Long("keyfile"),
        metavar: "FILE",
        help: "private key of that certificate (PEM); repeatable",
        more: "PKCS#8, PKCS#1 or SEC1. The first one goes with the first `--certfile`, and so on; without any the keys stand in \
               the files of the certificates.",
        gunicorn: Gunicorn::Differs("may be given several times; without a `certfile` the file holds both"),
        kind: Kind::Files(|config, files| config.keyfile = files),
        ..ROW
    },
    Setting {
        name: "key_password_file",
        flag: Flag::Long("key-password-file"),
        metavar: "FILE",
        help: "file whose first line is the password of encrypted keys",
        gunicorn: Gunicorn::Own,
        kind: Kind::Path(|config, path| config.key_password_file = Some(path)),
        ..ROW
    },
    Setting {
        name: "tls_min",
        flag: Flag::Long("tls-min"),
        default: Some("1.2"),
        metavar: "VERSION",
        help: "oldest version of TLS that is spoken: 1.2 or 1.3",
        gunicorn: Gunicorn::Own,
        kind: Kind::Choice {
            words: TlsVersion::WORDS,
            store: |config, index| config.tls_min = TlsVersion::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "ciphers",
        flag: Flag::Long("ciphers"),
        metavar: "NAMES",
        help: "cipher suites by OpenSSL's names, with colons between [default: all that are safe]",
        more: "As with OpenSSL they are those of TLS 1.2, unless one of TLS 1.3 is among them.",
        gunicorn: Gunicorn::Differs(
            "takes names of suites and no keywords such as `HIGH`; there are no weak ones",
        ),
        kind: Kind::Parsed {
            parse: |config, text| tls::ciphers(text).map(|names| config.ciphers = names),
            expects: tls::EXPECTS_CIPHERS,
        },
        ..ROW
    },
    Setting {
        name: "ca_certs",
        flag: Flag::Long("ca-certs"),
        metavar: "FILE",
        help: "authorities that certificates of clients come from (PEM)",
        kind: Kind::Path(|config, path| config.ca_certs = Some(path)),
        ..ROW
    },
    Setting {
        name: "cert_reqs",
        flag: Flag::Long("cert-reqs"),
        default: Some("0"),
        metavar: "N",
        help: "certificates of clients: 0 none, 1 optional, 2 required",
        more: "What they say is in environ, by the names of Apache's mod_ssl: `SSL_CLIENT_VERIFY`, `SSL_CLIENT_S_DN` and others.",
        gunicorn: Gunicorn::Differs("needs `ca_certs`; the certificates are in environ"),
        kind: Kind::Number {
            least: 0,
            most: 2,
            store: |config, number| config.cert_reqs = CertReqs::ALL[number as usize],
        },
        ..ROW
    },
    Setting {
        name: "suppress_ragged_eofs",
        flag: Flag::Long("suppress-ragged-eofs"),
        default: Some("true"),
        help: "take the end of a connection for the end of TLS",
        more: "A request or a body that stops short is seen by its own length in any case.",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.suppress_ragged_eofs = is_on },
        ..ROW
    },
    Setting {
        name: "https_redirect",
        flag: Flag::Long("https-redirect"),
        metavar: "ADDRESS",
        help: "answer at this address too, as for --bind, only with the way to HTTPS; repeatable",
        more: "301 for GET and HEAD, 308 for others, to the same host and path. The port of the first `--bind` is named unless it \
               is 443.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Addresses(|config, addresses| config.https_redirect = addresses),
        ..ROW
    },
    Setting {
        name: "hsts",
        flag: Flag::Long("hsts"),
        metavar: "SECONDS",
        help: "tell browsers to use HTTPS only, for so long (Strict-Transport-Security)",
        more: "With directives if need be: `31536000; includeSubDomains`. A header of the application wins.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Parsed {
            parse: |config, text| tls::hsts(text).map(|value| config.hsts = Some(value)),
            expects: tls::EXPECTS_HSTS,
        },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Tls, ..super::ROW };
