use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::harness::{Client, Lines};

/// A proxy that runs in the foreground, in a process group of its own; dropping it ends it.
///
/// It gets its listening socket as its standard input: no port can be taken in between, and whoever connects is heard
/// however long it takes to start.
#[derive(Debug)]
pub(super) struct Frontend {
    process: Child,
    address: String,
    log: Lines,
    _folder: TempDir,
}

impl Frontend {
    /// nginx with this inside its `http` block; `LISTEN` stands for what it listens on.
    pub(super) fn nginx(http: &str) -> Self {
        let (listener, address) = listener();
        let folder = tempfile::tempdir().unwrap();
        let http = http.replace("LISTEN", &format!("listen {address};"));
        let path = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {path}/{name};\n"))
            .concat();
        // The workers need the folder of the server, which is its user's alone; without root nobody else can be had.
        let configuration = format!(
            "user root root; daemon off; worker_processes 1; error_log stderr notice; pid {path}/pid;\n\
             events {{}}\nhttp {{ access_log off;\n{temporary}{http} }}\n"
        );
        let mut command = program("nginx");
        // The variable by which it hands its sockets to its successor.
        command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(file(&folder, &configuration));
        command.env("NGINX", "0;");
        Self::spawn(command, "nginx-light", listener, folder)
    }

    /// HAProxy with this behind its `global` section; `LISTEN` stands for what it listens on.
    pub(super) fn haproxy(sections: &str) -> Self {
        let (listener, _) = listener();
        let folder = tempfile::tempdir().unwrap();
        let timeouts = "timeout connect 60s\ntimeout client 60s\ntimeout server 60s";
        let configuration =
            format!("global\ndefaults\n{timeouts}\n{}\n", sections.replace("LISTEN", "bind fd@0"));
        let mut command = program("haproxy");
        command.arg("-db").arg("-f").arg(file(&folder, &configuration));
        Self::spawn(command, "haproxy", listener, folder)
    }

    fn spawn(mut command: Command, package: &str, listener: TcpListener, folder: TempDir) -> Self {
        let address = listener.local_addr().unwrap().to_string();
        command.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("this test needs the Debian package `{package}`: sudo apt-get install {package}")
            }
            Err(error) => panic!("{package} cannot be started: {error}"),
        };
        // It holds the socket too.
        drop(command);
        let log = Lines::of(process.stderr.take().unwrap());
        Self { process, address, log, _folder: folder }
    }

    /// A new connection to the proxy.
    pub(super) fn client(&self) -> Client {
        Client::tcp(&self.address)
    }
}

impl Drop for Frontend {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.process.id().cast_signed());
        // Asked, nginx buries its worker itself. It may also have ended already.
        let _ = kill(group, Signal::SIGTERM);
        if !self.log.ends() {
            let _ = killpg(group, Signal::SIGKILL);
        }
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the log of the proxy:\n{}", self.log.text());
        }
    }
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn file(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("configuration");
    fs::write(&path, text).unwrap();
    path
}

/// A daemon, which only root may have in PATH.
fn program(name: &str) -> Command {
    let installed = Path::new("/usr/sbin").join(name);
    if installed.exists() { Command::new(installed) } else { Command::new(name) }
}
