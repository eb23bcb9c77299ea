//! Pebble, with a name server that leads every name to this machine.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket, sockopt,
};
use tempfile::TempDir;

/// How often other ports are tried: one that is free may be taken before the authority has it.
const ATTEMPTS: usize = 10;

/// An authority that gives certificates to whoever shows the proof at one port of this machine.
#[derive(Debug)]
pub(crate) struct Authority {
    processes: Vec<Child>,
    api: u16,
    management: u16,
    /// Where it looks for proofs; nobody else gets this port.
    port: u16,
    _held: Option<OwnedFd>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn start() -> Self {
        let (held, port) = hold_port();
        let mut authority = Self::looking_at(port);
        authority._held = Some(held);
        authority
    }

    /// One that looks for proofs at this port.
    pub(crate) fn looking_at(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_certificates(folder.path());
        for _ in 0..ATTEMPTS {
            let [names, api, management] = free_ports();
            if let Some(processes) = launch(folder.path(), [names, api, management, port]) {
                return Self { processes, api, management, port, _held: None, folder };
            }
        }
        panic!("no free ports");
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its directory.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/dir", self.api)
    }

    /// By which its own certificate is known.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// By which those are known that it gives.
    pub(crate) fn issuer(&self) -> PathBuf {
        let path = self.folder.path().join("issuer.pem");
        let url = format!("https://localhost:{}/roots/0", self.management);
        let root = self.root();
        run("curl", &["-s", "-S", "--noproxy", "*", "--cacert", text(&root), "-o", text(&path), &url]);
        path
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours")
}

pub(super) fn run(tool: &str, arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new(tool).args(arguments).output().unwrap_or_else(|error| panic!("`{tool}`: {error}"));
    assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The names, the authority, its management, and where it looks: `None` if a port was taken meanwhile.
fn launch(folder: &Path, [names, api, management, port]: [u16; 4]) -> Option<Vec<Child>> {
    let configuration = format!(
        r#"{{"pebble": {{"listenAddress": "127.0.0.1:{api}", "managementListenAddress": "127.0.0.1:{management}",
        "certificate": "leaf.pem", "privateKey": "leaf.key", "httpPort": 1, "tlsPort": {port}, "ocspResponderURL": "",
        "externalAccountBindingRequired": false}}}}"#
    );
    fs::write(folder.join("pebble.json"), configuration).unwrap();
    let address = format!("127.0.0.1:{names}");
    let mut server = spawn(
        Command::new("pebble-challtestsrv")
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", &address])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", "127.0.0.1:0"])
            .stdout(Stdio::null()),
    );
    let mut pebble = spawn(
        Command::new("pebble")
            .args(["-config", "pebble.json", "-dnsserver", &address])
            .current_dir(folder)
            // It waits, and refuses now and then, so that clients learn to; both take time and tell nothing here.
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0")])
            .stdout(Stdio::null()),
    );
    if answers(&mut pebble, folder, api) && server.try_wait().is_ok_and(|ended| ended.is_none()) {
        return Some(vec![pebble, server]);
    }
    for process in [&mut pebble, &mut server] {
        let _ = process.kill();
        let _ = process.wait();
    }
    None
}

/// Waits until it serves with its own certificate; false when it has ended before.
fn answers(pebble: &mut Child, folder: &Path, api: u16) -> bool {
    let root = folder.join("ca.pem");
    let url = format!("https://localhost:{api}/dir");
    let arguments = ["-s", "-f", "--noproxy", "*", "--cacert", text(&root), "-o", "/dev/null", &url];
    loop {
        let asked = Command::new("curl").args(arguments).status();
        if asked.is_ok_and(|status| status.success()) {
            return true;
        }
        if !pebble.try_wait().is_ok_and(|ended| ended.is_none()) {
            return false;
        }
    }
}

fn spawn(command: &mut Command) -> Child {
    let spawned = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    spawned.unwrap_or_else(|error| panic!("the Debian package `pebble`: {error}"))
}

/// An authority for the authority's own interface, and its certificate.
fn make_certificates(folder: &Path) {
    let path = |name: &str| folder.join(name).to_str().expect("a path of ours").to_owned();
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let [ca, ca_key, leaf, leaf_key, request, extension] =
        ["ca.pem", "ca.key", "leaf.pem", "leaf.key", "leaf.csr", "extension"].map(path);
    let root = ["req", "-x509", "-subj", "/CN=test", "-days", "30", "-keyout", &ca_key, "-out", &ca];
    run("openssl", &[&root[..], &key].concat());
    let asked = ["req", "-subj", "/CN=localhost", "-keyout", &leaf_key, "-out", &request];
    run("openssl", &[&asked[..], &key].concat());
    fs::write(&extension, "subjectAltName=DNS:localhost,IP:127.0.0.1").unwrap();
    run(
        "openssl",
        &[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-extfile",
            &extension,
            "-days",
            "30",
            "-out",
            &leaf,
        ],
    );
}

/// A port that only whoever shares it (`SO_REUSEPORT`) can have as long as the descriptor is open.
fn hold_port() -> (OwnedFd, u16) {
    use std::os::fd::AsRawFd;
    let held = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&held, sockopt::ReusePort, &true).unwrap();
    bind(held.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    let address: SockaddrIn = getsockname(held.as_raw_fd()).unwrap();
    (held, address.port())
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().as_ref().map_or(0, SocketAddr::port))
}
