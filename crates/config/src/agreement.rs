//! What no row can say alone: settings that must agree with each other.

use crate::{
    config::Config,
    error::Error,
    http_version::{Cleartext, HttpVersion},
    layer::{Layer, Source},
    note::Note,
    tls::CertReqs,
};

/// Two settings that contradict each other, why, and what to do about it.
type Conflict = ([&'static str; 2], &'static str, &'static str);

/// Looks at the settings together, after each of them has been found to be good by itself.
pub(crate) fn check(config: &Config, layer: &Layer) -> Result<Vec<Note>, Error> {
    let Some((settings, reason, hint)) = conflict(config) else {
        let notes = [http2(config), acme(config, layer), clients(config)];
        return Ok(notes.into_iter().flatten().collect());
    };
    let typed = settings.iter().any(|name| matches!(layer.source(name), Source::CommandLine(_)));
    Err(Error::Contradiction { settings, typed, reason, hint })
}

/// What of the wishes about HTTP/2 comes to nothing.
fn http2(config: &Config) -> Option<Note> {
    let is_offered = config.http_protocols.contains(&HttpVersion::Http2);
    if matches!(config.http2_cleartext, Cleartext::Upgrade | Cleartext::Both) {
        return Some(Note::warning(
            "requests with `Upgrade: h2c` are answered in HTTP/1.1 (`http2_cleartext`): RFC 9113 has withdrawn it",
            Some("a proxy that speaks HTTP/2 begins with it: `--http2-cleartext prior-knowledge`".to_owned()),
        ));
    }
    (is_offered && !config.is_secure() && !config.http2_cleartext.takes_prior_knowledge()).then(|| {
        Note::warning(
            "HTTP/2 is not spoken (`http_protocols`): it is agreed on in TLS, and there is none",
            Some(
                "name a certificate by `--certfile`, or let a proxy use `--http2-cleartext prior-knowledge`"
                    .to_owned(),
            ),
        )
    })
}

/// Whether certificates are wished for, and no domain to fetch one for is named.
fn acme(config: &Config, layer: &Layer) -> Option<Note> {
    let given = [
        ("acme_dir", config.acme.folder.is_some()),
        ("acme_email", config.acme.email.is_some()),
        ("acme_ca_file", config.acme.root.is_some()),
        ("acme_server", *layer.source("acme_server") != Source::Default),
    ];
    let (setting, _) = given.into_iter().find(|(_, is_given)| *is_given)?;
    config.acme.domains.is_empty().then(|| {
        Note::warning(
            format!("no certificate is fetched (`{setting}`): no domain is named"),
            Some("name the domains of the site by `--acme-domain`".to_owned()),
        )
    })
}

/// What of the wishes about clients' certificates comes to nothing.
fn clients(config: &Config) -> Option<Note> {
    (config.cert_reqs != CertReqs::None && !config.is_secure()).then(|| {
        Note::warning(
            "no client is asked for a certificate (`cert_reqs`): that is done in TLS, and there is none",
            Some("name a certificate of the server by `--certfile`".to_owned()),
        )
    })
}

fn conflict(config: &Config) -> Option<Conflict> {
    let conflicts = [
        (config.reload_max_unavailable == 0 && config.reload_surge == 0).then_some(NO_RELOAD),
        (!config.certfile.is_empty()
            && !config.keyfile.is_empty()
            && config.certfile.len() != config.keyfile.len())
        .then_some(UNPAIRED),
        (!config.acme.domains.is_empty() && config.acme.folder.is_none()).then_some(NO_FOLDER),
        (config.cert_reqs != CertReqs::None && config.ca_certs.is_none()).then_some(NO_AUTHORITIES),
        (config.hsts.is_some() && !config.is_secure()).then_some(UNSECURED_HSTS),
        (!config.https_redirect.is_empty() && !config.is_secure()).then_some(UNSECURED_REDIRECT),
    ];
    conflicts.into_iter().flatten().next()
}

const NO_RELOAD: Conflict = (
    ["reload_max_unavailable", "reload_surge"],
    "both are 0, expected at least 1 for one of them",
    "a reload starts a new worker before it stops an old one (`--reload-surge 1`), or stops one first \
     (`--reload-max-unavailable 1`)",
);
const UNPAIRED: Conflict = (
    ["certfile", "keyfile"],
    "they are not as many, expected one key for each certificate",
    "the first `--keyfile` goes with the first `--certfile`, and so on; leave all keys out where they stand in the files of the \
     certificates",
);
const NO_FOLDER: Conflict = (
    ["acme_domain", "acme_dir"],
    "there is no place for the certificate",
    "name a directory by `--acme-dir`, such as `/var/lib/mysite/acme`, that only the server's user can read",
);
const NO_AUTHORITIES: Conflict = (
    ["cert_reqs", "ca_certs"],
    "there is nothing to check certificates of clients by",
    "name the authorities that they come from by `--ca-certs`",
);
const UNSECURED_HSTS: Conflict = (
    ["hsts", "certfile"],
    "browsers are to use HTTPS only, and it is not spoken here",
    "name a certificate by `--certfile`; where a proxy in front speaks HTTPS, let that send the header",
);
const UNSECURED_REDIRECT: Conflict = (
    ["https_redirect", "certfile"],
    "clients are to be sent to HTTPS, and it is not spoken here",
    "name a certificate by `--certfile`; where a proxy in front speaks HTTPS, let that redirect",
);
