//! Judgements over heads.

use http::Request;

use super::*;
use crate::Trust;
use crate::proxies::ForwarderHeaders;
use crate::tls::Facts;

const STRANGER: &str = "192.0.2.7:50000";
const PROXY: &str = "10.0.0.1:50000";

fn proxies() -> Proxies {
    let trusted = Trust { nets: vec!["10.0.0.0/8".parse().unwrap()], ..Trust::default() };
    Proxies { trusted, forwarded_for: true, ..Proxies::default() }
}

fn judge_at(
    proxies: Proxies,
    remote: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Result<(Origin, String), Fault> {
    let forwarding = Forwarding::new(proxies);
    let mut peer = Peer::tcp(remote.parse().unwrap(), "127.0.0.1:80".parse().unwrap());
    forwarding.meet(&mut peer);
    let mut request = Request::get(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let head = request.body(()).unwrap().into_parts().0.into();
    let (client, origin) = forwarding.judge(&head, Arc::new(peer));
    Ok((origin?, format!("{} {}", client.remote_addr(), client.remote_port().unwrap_or("-"))))
}

fn judge(remote: &str, headers: &[(&str, &str)]) -> (Origin, String) {
    judge_at(proxies(), remote, "/app/x", headers).unwrap()
}

fn scheme(headers: &[(&str, &str)]) -> Option<Scheme> {
    judge(PROXY, headers).0.scheme
}

#[test]
fn a_stranger_is_not_believed() {
    let headers = [("x-forwarded-proto", "https"), ("x-forwarded-for", "6.6.6.6"), ("script_name", "/app")];
    assert_eq!(judge(STRANGER, &headers), (Origin::default(), "192.0.2.7 50000".to_owned()));
    let contradiction = [("x-forwarded-proto", "https"), ("x-forwarded-ssl", "off")];
    assert_eq!(judge(STRANGER, &contradiction).0, Origin::default());
}

#[test]
fn a_secured_connection_is_https_unless_a_trusted_proxy_says_otherwise() {
    let forwarding = Forwarding::new(proxies());
    for (remote, said, scheme) in [
        (STRANGER, None, Scheme::Https),
        (STRANGER, Some("http"), Scheme::Https),
        (PROXY, None, Scheme::Https),
        (PROXY, Some("http"), Scheme::Http),
    ] {
        let peer = Peer::tcp(remote.parse().unwrap(), "127.0.0.1:443".parse().unwrap());
        let mut peer = peer.over_tls(Facts { id: 0, variables: Vec::new() });
        forwarding.meet(&mut peer);
        let mut request = Request::get("/");
        if let Some(said) = said {
            request = request.header("x-forwarded-proto", said);
        }
        let head = request.body(()).unwrap().into_parts().0.into();
        let (_, origin) = forwarding.judge(&head, Arc::new(peer));
        assert_eq!(origin.unwrap().scheme, Some(scheme), "{remote} {said:?}");
    }
}

#[test]
fn scheme_headers_vote_by_their_exact_value() {
    assert_eq!(scheme(&[("host", "a")]), None);
    assert_eq!(scheme(&[("x-forwarded-proto", "https")]), Some(Scheme::Https));
    assert_eq!(scheme(&[("x-forwarded-ssl", "on"), ("x-forwarded-protocol", "ssl")]), Some(Scheme::Https));
    for value in ["http", "HTTPS", "https,http", ""] {
        assert_eq!(scheme(&[("x-forwarded-proto", value)]), Some(Scheme::Http), "{value}");
    }
}

#[test]
fn scheme_headers_must_agree() {
    for headers in [
        [("x-forwarded-proto", "https"), ("x-forwarded-ssl", "off")],
        [("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")],
    ] {
        assert_eq!(
            judge_at(proxies(), PROXY, "/", &headers),
            Err(Fault::bad("contradictory scheme headers"))
        );
    }
}

#[test]
fn scheme_headers_have_the_names_of_the_setting() {
    let schemes = vec![("X-Https".parse().unwrap(), HeaderValue::from_static("yes"))];
    let proxies = Proxies { schemes, ..proxies() };
    let judge = |name, value| judge_at(proxies.clone(), PROXY, "/", &[(name, value)]).unwrap().0.scheme;
    assert_eq!(judge("x-https", "yes"), Some(Scheme::Https));
    assert_eq!(judge("x-forwarded-proto", "https"), None);
}

#[test]
fn the_client_is_named_by_a_trusted_peer() {
    assert_eq!(judge(PROXY, &[("x-forwarded-for", "6.6.6.6, 192.0.2.9")]).1, "192.0.2.9 -");
    assert_eq!(judge(PROXY, &[("forwarded", "for=\"192.0.2.9:1234\";proto=https")]).1, "192.0.2.9 1234");
    assert_eq!(judge(PROXY, &[("x-forwarded-for", "unknown")]).1, "10.0.0.1 50000");
    let off = Proxies { forwarded_for: false, ..proxies() };
    let judged = judge_at(off, PROXY, "/", &[("x-forwarded-for", "192.0.2.9")]).unwrap();
    assert_eq!(judged.1, "10.0.0.1 50000");
}

#[test]
fn a_star_does_not_make_every_hop_a_proxy() {
    let proxies = Proxies { trusted: Trust { all: true, ..Trust::default() }, ..proxies() };
    let judged = judge_at(proxies, STRANGER, "/", &[("x-forwarded-for", "6.6.6.6, 192.0.2.9")]).unwrap();
    assert_eq!(judged.1, "192.0.2.9 -");
}

#[test]
fn a_client_that_a_proxy_header_names_cannot_name_another_one() {
    let forwarding = Forwarding::new(proxies());
    let request = Request::get("/").header("x-forwarded-for", "6.6.6.6");
    let head = request.body(()).unwrap().into_parts().0.into();
    for (source, expected) in [("192.0.2.9:1", "192.0.2.9"), ("10.0.0.9:1", "6.6.6.6")] {
        let mut peer = Peer::tcp(PROXY.parse().unwrap(), "127.0.0.1:80".parse().unwrap());
        forwarding.meet(&mut peer);
        let (source, destination) = (source.parse().unwrap(), "198.51.100.2:443".parse().unwrap());
        peer.stand_for(&crate::proxy_header::Ends { protocol: "TCP4", source, destination });
        let (client, _) = forwarding.judge(&head, Arc::new(peer));
        assert_eq!(client.remote_addr(), expected, "{source}");
    }
}

fn script_name(value: &str, target: &str) -> Result<String, Fault> {
    let judged = judge_at(proxies(), PROXY, target, &[("script_name", value)]);
    judged.map(|(origin, _)| String::from_utf8(origin.script_name.to_vec()).unwrap())
}

#[test]
fn a_mount_point_is_a_whole_part_of_the_path() {
    for (value, target, expected) in [
        ("/app", "/app", "/app"),
        ("/app", "/app/", "/app"),
        ("/app", "/app/x", "/app"),
        ("/app/", "/app/x", "/app"),
        ("/a%20b", "/a%20b/x", "/a b"),
        ("/app", "/%61pp/x", "/app"),
        ("/", "/x", ""),
        ("/app", "*", "/app"),
        ("", "/x", ""),
    ] {
        assert_eq!(script_name(value, target).as_deref(), Ok(expected), "{value} {target}");
    }
    for (value, target) in [("/app", "/apple"), ("/app", "/"), ("app", "/app"), ("/app", "/x/app")] {
        assert!(script_name(value, target).is_err(), "{value} {target}");
    }
}

#[test]
fn there_is_one_mount_point() {
    let twice = [("script_name", "/app"), ("script_name", "/app")];
    assert!(judge_at(proxies(), PROXY, "/app", &twice).is_err());
    assert!(judge_at(proxies(), STRANGER, "/app", &twice).is_ok());
}

#[test]
fn the_root_path_stands_for_a_mount_point_that_nobody_names() {
    let proxies = Proxies { root_path: "/a%20root".to_owned(), ..proxies() };
    let judge = |headers: &[_]| judge_at(proxies.clone(), PROXY, "/app/x", headers).unwrap().0.script_name;
    assert_eq!(judge(&[("host", "a")]), "/a root");
    assert_eq!(judge(&[("script_name", "/app")]), "/app");
}

#[test]
fn the_mount_point_needs_the_setting() {
    let proxies = Proxies { forwarder_headers: ForwarderHeaders::default(), ..proxies() };
    let (origin, _) = judge_at(proxies, PROXY, "/app/x", &[("script_name", "/app")]).unwrap();
    assert_eq!(origin.script_name, "");
}

#[test]
fn names_with_underscores_can_be_refused() {
    let proxies = Proxies { header_map: HeaderMapPolicy::Refuse, ..proxies() };
    let judge = |remote, name| judge_at(proxies.clone(), remote, "/x", &[(name, "/x")]).is_ok();
    assert!(!judge(PROXY, "x_other") && !judge(STRANGER, "x_other"));
    assert!(judge(PROXY, "script_name") && !judge(STRANGER, "script_name"));
    assert!(judge(STRANGER, "x-other"));
}
