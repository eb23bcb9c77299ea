//! Requests that no client has sent: they warm an application up before it serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use http::Request;
use pyo3::types::{PyAnyMethods, PyModule};
use pyo3::{PyResult, Python};
use rwsgi_message::RequestHead;

use crate::deadline::Unlimited;
use crate::{Application, Body, Bridge, Chunk, Error, Exchange, FileBody, Flow, Head, Options, Proxied};

/// The host that is asked for where the application does not tell.
const HOST: &str = "localhost";
/// In place of a status: the application raised, or did nothing.
const FAILED: u16 = 0;

impl Application {
    /// Calls the application with a `GET` of each path and lets go of the answers. One that is an error of the server's side
    /// is told in the log.
    ///
    /// # Errors
    /// Out of memory.
    pub fn rehearse(&self, paths: &[String], options: &Options) -> Result<(), Error> {
        let mut bridge = Bridge::new(self, options, Box::new(Unlimited))?;
        for path in paths {
            // Each time: an application may load Django with its first request.
            let host = allowed_host().unwrap_or_else(|| HOST.to_owned());
            let request = Request::get(path.as_str()).header(http::header::HOST, host).body(());
            let Ok(head) = request.map(|request| request.into_parts().0.into()) else {
                tracing::warn!("`{path}` cannot be warmed up: it is no path of a URL");
                continue;
            };
            let status = Arc::new(AtomicU16::new(FAILED));
            bridge.call(Box::new(Rehearsal { head, status: Arc::clone(&status) }));
            match status.load(Ordering::Relaxed) {
                FAILED => tracing::warn!("`{path}` could not be warmed up: the application failed"),
                status @ 500.. => {
                    tracing::warn!("`{path}` could not be warmed up: the application answered {status}");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A name that Django answers to: it refuses requests for others. A wildcard tells none.
fn allowed_host() -> Option<String> {
    Python::attach(|py| -> PyResult<Option<String>> {
        let modules = PyModule::import(py, "sys")?.getattr("modules")?;
        let Ok(settings) = modules.get_item("django.conf") else { return Ok(None) };
        let settings = settings.getattr("settings")?;
        if !settings.getattr("configured")?.is_truthy()? {
            return Ok(None);
        }
        let first: String = settings.getattr("ALLOWED_HOSTS")?.get_item(0)?.extract()?;
        // `.example.com` stands for that name and all below it.
        let name = first.trim_start_matches('.').to_owned();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        Ok((!name.is_empty() && name.bytes().all(is_plain)).then_some(name))
    })
    // Settings that cannot be read are the application's affair; it is asked under the usual name then.
    .unwrap_or_default()
}

/// A request whose answer only leaves its status.
struct Rehearsal {
    head: RequestHead,
    status: Arc<AtomicU16>,
}

impl Rehearsal {
    fn record(&self, head: &Head) {
        self.status.store(head.status.as_u16(), Ordering::Relaxed);
    }
}

impl Exchange for Rehearsal {
    fn head(&self) -> &RequestHead {
        &self.head
    }

    fn remote_addr(&self) -> &'static str {
        "127.0.0.1"
    }

    fn remote_port(&self) -> Option<&str> {
        None
    }

    fn server(&self) -> Option<(&str, &str)> {
        None
    }

    fn is_trusted(&self) -> bool {
        false
    }

    fn is_https(&self) -> bool {
        false
    }

    fn script_name(&self) -> &[u8] {
        b""
    }

    fn proxied(&self) -> Option<Proxied<'_>> {
        None
    }

    fn take_body(&mut self) -> Option<Body> {
        None
    }

    fn complete(&mut self, head: Head, _: Chunk<'_>) {
        self.record(&head);
    }

    fn complete_with_file(&mut self, head: Head, _: FileBody) {
        self.record(&head);
    }

    fn fail(&mut self) {
        self.status.store(FAILED, Ordering::Relaxed);
    }

    fn begin(&mut self, head: Head) {
        self.record(&head);
    }

    fn push(&mut self, _: Chunk<'_>) -> Flow {
        Flow::More
    }

    fn wait(&mut self) -> Flow {
        Flow::More
    }

    fn end(&mut self, whole: bool) {
        if !whole {
            self.fail();
        }
    }
}
