//! HTTPS on its own ports, by a user that has no other right than to have these.

use super::sandbox::{Sandbox, Site};
use crate::acme::Authority;

/// CAP_NET_BIND_SERVICE, as the kernel shows it.
const BINDS_LOW_PORTS: &str = "0000000000000400";

const RENEWED: &str = "The certificates have changed and are used from the next connection on";

/// A certificate with this number, where certbot puts it. It keeps mode and group of the key.
fn renew(sandbox: &Sandbox, number: u32) {
    sandbox.run(&format!(
        "set -e; mkdir -p /etc/letsencrypt/live/example.org /etc/letsencrypt/archive/example.org
        cd /etc/letsencrypt/archive/example.org
        openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 9 -subj /CN=example.org \
            -addext subjectAltName=DNS:example.org -keyout privkey{number}.pem -out fullchain{number}.pem 2>/dev/null
        [ {number} = 1 ] || {{ chgrp ssl-cert privkey{number}.pem; chmod 640 privkey{number}.pem; }}
        cd ../../live/example.org
        for name in privkey fullchain; do
            ln -s ../../archive/example.org/${{name}}{number}.pem new
            mv -T new $name.pem
        done"
    ));
}

/// What curl gets in the sandbox, with these options; it believes the certificate in this file.
fn curl(sandbox: &Sandbox, authority: &str, options: &str) -> Option<String> {
    let addresses = "--resolve example.org:443:127.0.0.1 --resolve example.org:80:127.0.0.1";
    let common = "curl --silent --show-error --noproxy '*' --max-time 60";
    let output = sandbox.try_run(&format!("{common} {addresses} --cacert /etc/{authority} {options}"));
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[track_caller]
fn is_served(sandbox: &Sandbox, authority: &str) {
    let answer = curl(sandbox, authority, "--write-out ' over %{http_version}' https://example.org/version");
    assert_eq!(answer.as_deref(), Some("1 over 2"));
    let answer = curl(sandbox, authority, "--head http://example.org/a?b=c").expect("port 80 answers");
    assert!(answer.starts_with("HTTP/1.1 301 "), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nlocation: https://example.org/a?b=c\r\n"), "{answer}");
}

/// Nothing in the unit and its drop-in is misspelt: systemd would only warn.
fn is_understood(sandbox: &Sandbox) {
    assert_eq!(sandbox.run("systemd-analyze verify rwsgi.service 2>&1"), "");
}

fn has_no_other_right(sandbox: &Sandbox, authority: &str) {
    let user = curl(sandbox, authority, "https://example.org/user").unwrap();
    let (uid, _) = user.split_once(' ').unwrap();
    assert!((61184..=65519).contains(&uid.parse().unwrap()), "{uid} is no dynamic user");
    let worker = curl(sandbox, authority, "https://example.org/process").unwrap();
    let master = sandbox.property("rwsgi", "MainPID");
    for process in [master, worker] {
        let status = sandbox.run(&format!("cat /proc/{process}/status"));
        for set in ["CapEff", "CapBnd"] {
            assert!(status.contains(&format!("{set}:\t{BINDS_LOW_PORTS}\n")), "{status}");
        }
    }
}

#[test]
fn a_site_without_rights_serves_https_on_its_own_ports_and_takes_renewed_certificates() {
    let Some(sandbox) = Sandbox::boot(&[Site::single().with("https-certbot.conf")]) else { return };
    renew(&sandbox, 1);
    sandbox.run("chmod 700 /etc/letsencrypt/live /etc/letsencrypt/archive");
    // As README.md says.
    sandbox.run("groupadd --system --force ssl-cert");
    sandbox.run("chgrp -R ssl-cert /etc/letsencrypt/live /etc/letsencrypt/archive");
    sandbox.run("chmod -R g+rX /etc/letsencrypt/live /etc/letsencrypt/archive");
    let [first, second, third] =
        [1, 2, 3].map(|number| format!("letsencrypt/archive/example.org/fullchain{number}.pem"));

    is_understood(&sandbox);
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("3 workers ready");
    is_served(&sandbox, &first);
    has_no_other_right(&sandbox, &first);

    renew(&sandbox, 2);
    journal.wait(RENEWED);
    is_served(&sandbox, &second);
    assert_eq!(curl(&sandbox, &first, "https://example.org/"), None);

    renew(&sandbox, 3);
    sandbox.run("systemctl reload rwsgi");
    journal.wait("Reload complete: generation 2");
    is_served(&sandbox, &third);

    sandbox.run("systemctl restart rwsgi");
    is_served(&sandbox, &third);
    assert_eq!(curl(&sandbox, &second, "https://example.org/"), None);
    sandbox.run("systemctl stop rwsgi");
    assert_eq!(sandbox.property("rwsgi", "Result"), "success");
}

#[test]
fn a_site_without_rights_orders_its_certificate_and_has_it_after_a_restart() {
    let Some(sandbox) = Sandbox::boot(&[Site::single().with("https-acme.conf")]) else { return };
    let authority = sandbox.inside(|| Authority::looking_at(443));
    sandbox.write_etc("authority.pem", std::fs::read(authority.root()).unwrap());
    let (url, file) = (authority.url(), "/etc/authority.pem");
    sandbox.write_etc("rwsgi/mysite.env", format!("RWSGI_ACME_SERVER={url}\nRWSGI_ACME_CA_FILE={file}\n"));

    is_understood(&sandbox);
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("New certificate for example.org");
    journal.wait(RENEWED);
    let issuer = sandbox.inside(|| authority.issuer());
    sandbox.write_etc("issuer.pem", std::fs::read(issuer).unwrap());
    is_served(&sandbox, "issuer.pem");
    has_no_other_right(&sandbox, "issuer.pem");

    // From now on nobody could give another one.
    drop(authority);
    sandbox.run("systemctl restart rwsgi");
    is_served(&sandbox, "issuer.pem");
}
