//! The settings about proxies, for the two rooms that obey them: `http` believes, `wsgi` lets header names through.

use http::{HeaderName, HeaderValue};
use rwsgi_config::{Config, HeaderMap, Networks};
use rwsgi_http::{ForwarderHeaders, HeaderMapPolicy, Proxies, ProxyProtocol, Trust};
use rwsgi_wsgi::{HeaderRules, Told};

/// Whom to believe what.
pub(crate) fn proxies(config: &Config) -> Proxies {
    let (all, names) = config.forwarder_headers.iter().partition::<Vec<_>, _>(|name| *name == "*");
    let scheme = |(name, value): &(String, String)| Some((header(name)?, HeaderValue::from_str(value).ok()?));
    Proxies {
        trusted: trust(&config.forwarded_allow_ips),
        // Whoever names the peers knows what kind of proxy they are.
        trusts_relays: config.forwarded_allow_ips_given,
        schemes: config.secure_scheme_headers.iter().filter_map(scheme).collect(),
        forwarder_headers: ForwarderHeaders {
            all: !all.is_empty(),
            names: names.into_iter().filter_map(|name| header(name)).collect(),
        },
        header_map: match config.header_map {
            HeaderMap::Drop => HeaderMapPolicy::Drop,
            HeaderMap::Refuse => HeaderMapPolicy::Refuse,
            HeaderMap::Dangerous => HeaderMapPolicy::Dangerous,
        },
        forwarded_for: config.forwarded_for,
        proxy_protocol: match config.proxy_protocol {
            rwsgi_config::ProxyProtocol::Off => ProxyProtocol::Off,
            rwsgi_config::ProxyProtocol::V1 => ProxyProtocol::V1,
            rwsgi_config::ProxyProtocol::V2 => ProxyProtocol::V2,
            rwsgi_config::ProxyProtocol::Auto => ProxyProtocol::Auto,
        },
        proxy_allowed: trust(&config.proxy_allow_ips),
        root_path: config.root_path.clone(),
    }
}

/// Which request headers reach the application.
pub(crate) fn header_rules(proxies: &Proxies) -> HeaderRules {
    HeaderRules {
        forwarding: proxies.schemes.iter().map(|(name, _)| name.clone()).collect(),
        allowed: proxies.forwarder_headers.names.clone(),
        allows_all: proxies.forwarder_headers.all,
        is_dangerous: proxies.header_map == HeaderMapPolicy::Dangerous,
        told: Told::default(),
    }
}

fn trust(networks: &Networks) -> Trust {
    Trust { all: networks.all, unix: networks.unix, nets: networks.nets.clone() }
}

/// The settings are tokens; one that is too long for a request to have it can be left out.
fn header(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_settings_are_those_of_the_room() {
        let program = rwsgi_config::Program { name: "rwsgi", version: "" };
        let arguments = ["rwsgi", "app:app"].map(Into::into);
        let opened = rwsgi_config::open(arguments.to_vec(), [], program).unwrap();
        let rwsgi_config::Opened::Draft(draft) = opened else { panic!("{opened:?}") };
        let config = draft.finish(None).unwrap().config;
        assert_eq!(proxies(&config), Proxies::default());
    }
}
