use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The application of every site: SQLite in the state directory, and what else the tests ask for.
const APP: &str = include_str!("../site.py");

/// A project below `/srv`, served by a unit of `docs/deploy/systemd`.
#[derive(Debug)]
pub(crate) struct Site {
    name: &'static str,
    unit: &'static str,
    drop_in: String,
    environment: Option<String>,
    has_socket: bool,
    shipped_drop_in: Option<&'static str>,
}

impl Site {
    /// `/srv/mysite`, served by `rwsgi.service`.
    pub(crate) fn single() -> Self {
        Self {
            name: "mysite",
            unit: "rwsgi.service",
            drop_in: String::new(),
            environment: None,
            has_socket: false,
            shipped_drop_in: None,
        }
    }

    /// `/srv/NAME`, served by an instance of `rwsgi@.service` as `/etc/rwsgi/NAME.env` says.
    pub(crate) fn instance(name: &'static str, environment: &str) -> Self {
        Self { name, unit: "rwsgi@.service", ..Self::single() }.environment(environment)
    }

    /// More lines for the section `[Service]`.
    pub(crate) fn service(mut self, lines: &str) -> Self {
        self.drop_in.push_str(lines);
        self.drop_in.push('\n');
        self
    }

    /// With `/etc/rwsgi/mysite.env`.
    pub(crate) fn environment(mut self, text: &str) -> Self {
        self.environment = Some(text.to_owned());
        self
    }

    /// With `rwsgi.socket`.
    pub(crate) fn socket(mut self) -> Self {
        self.has_socket = true;
        self
    }

    /// With one of the drop-ins of `docs/deploy/systemd`.
    pub(crate) fn with(mut self, drop_in: &'static str) -> Self {
        self.shipped_drop_in = Some(drop_in);
        self
    }

    pub(super) fn lay_out(&self, etc: &Path, srv: &Path) {
        let (units, home) = (etc.join("systemd/system"), srv.join(self.name));
        let sockets = self.has_socket.then_some("rwsgi.socket");
        for name in [self.unit].into_iter().chain(sockets) {
            fs::copy(shipped(name), units.join(name)).unwrap();
        }
        let drop_ins = units.join(format!("{}.d", self.unit));
        fs::create_dir_all(&drop_ins).unwrap();
        if let Some(name) = self.shipped_drop_in {
            fs::copy(shipped(name), drop_ins.join(name)).unwrap();
        }
        let text = format!("[Service]\n{}{}", python_in_sight(), self.drop_in);
        fs::write(drop_ins.join("test.conf"), text).unwrap();
        fs::create_dir_all(home.join(self.name)).unwrap();
        fs::create_dir_all(home.join("venv/bin")).unwrap();
        fs::write(home.join("venv/bin/rwsgi"), "").unwrap();
        fs::write(home.join(self.name).join("wsgi.py"), APP).unwrap();
        if let Some(environment) = &self.environment {
            let path = etc.join("rwsgi").join(format!("{}.env", self.name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, environment).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// A unit as users get it.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy/systemd").join(name)
}

/// The Python that the binary was built for may lie in the home directory of whoever runs the tests: only it is made visible
/// to the service.
fn python_in_sight() -> String {
    let library = rwsgi_library();
    let hidden = ["/root", "/home"].into_iter().any(|home| library.starts_with(home));
    let prefix = library.parent().and_then(Path::parent).filter(|_| hidden);
    prefix
        .map(|prefix| format!("ProtectHome=tmpfs\nBindReadOnlyPaths={}\n", prefix.display()))
        .unwrap_or_default()
}

/// Where the dynamic linker finds libpython for the binary.
fn rwsgi_library() -> PathBuf {
    let output = std::process::Command::new("ldd")
        .arg(env!("CARGO_BIN_EXE_rwsgi"))
        .env_remove("LD_LIBRARY_PATH")
        .output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let line = text.lines().find(|line| line.contains("libpython")).unwrap();
    line.split_whitespace().nth(2).unwrap().into()
}
