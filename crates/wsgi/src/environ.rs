//! environ: a template made once, and per request a copy with the request in it (PEP 3333, "environ Variables").

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use percent_encoding::percent_decode;
use pyo3::types::{PyDict, PyDictMethods, PyString, PyTuple};
use pyo3::{Bound, IntoPyObject, Py, PyResult, Python, intern};
use rwsgi_message::RequestHead;

use crate::call::Options;
use crate::deadline::{Deadline, DeadlineObject};
use crate::errors::ErrorStream;
use crate::exchange::Exchange;
use crate::ffi::text::latin1;
use crate::file_wrapper::FileWrapper;
use crate::header_rules::Sender;
use crate::input::InputStream;
use crate::kept::{Kept, Shape};
use crate::names::{Last, Names};

/// How many keys the template is grown to hold, so that a copy has room for the headers and need not be resized. CPython
/// has a table of 64 slots from the 22nd key on, and copies it as it is while two thirds of the keys are still there.
const ROOM: usize = 24;

/// Makes environs. One for each Python thread.
pub(crate) struct Environ {
    template: Py<PyDict>,
    errors: Py<ErrorStream>,
    /// That of the last request. As long as it is here each key in it has the text that its [`Last`] remembers, if that
    /// remembers one.
    kept: Option<Kept>,
    keys: Keys,
    names: Names,
    script_name: Last,
    path: Last,
    raw: Last,
    query: Last,
    method: Last,
    length: Last,
    remote_addr: Last,
    remote_port: Last,
    server_name: Last,
    server_port: Last,
}

/// The interned keys of what changes with the request.
struct Keys {
    request_method: Py<PyString>,
    script_name: Py<PyString>,
    path_info: Py<PyString>,
    query_string: Py<PyString>,
    raw_uri: Py<PyString>,
    server_protocol: Py<PyString>,
    remote_addr: Py<PyString>,
    remote_port: Py<PyString>,
    server_name: Py<PyString>,
    server_port: Py<PyString>,
    content_length: Py<PyString>,
    input: Py<PyString>,
    http_1_0: Py<PyString>,
    http_2: Py<PyString>,
    url_scheme: Py<PyString>,
    https: Py<PyString>,
}

impl Environ {
    pub(crate) fn new(py: Python<'_>, options: &Options, deadline: Box<dyn Deadline>) -> PyResult<Self> {
        let intern = |text: &str| PyString::intern(py, text).unbind();
        let errors = Bound::new(py, ErrorStream::new(options.errors))?;
        Ok(Self {
            template: template(py, options, deadline, &errors)?,
            errors: errors.unbind(),
            kept: None,
            keys: Keys {
                request_method: intern("REQUEST_METHOD"),
                script_name: intern("SCRIPT_NAME"),
                path_info: intern("PATH_INFO"),
                query_string: intern("QUERY_STRING"),
                raw_uri: intern("RAW_URI"),
                server_protocol: intern("SERVER_PROTOCOL"),
                remote_addr: intern("REMOTE_ADDR"),
                remote_port: intern("REMOTE_PORT"),
                server_name: intern("SERVER_NAME"),
                server_port: intern("SERVER_PORT"),
                content_length: intern("CONTENT_LENGTH"),
                input: intern("wsgi.input"),
                http_1_0: intern("HTTP/1.0"),
                http_2: intern("HTTP/2.0"),
                url_scheme: intern("wsgi.url_scheme"),
                https: intern("https"),
            },
            names: Names::new(Arc::clone(&options.headers)),
            script_name: Last::default(),
            path: Last::default(),
            raw: Last::default(),
            query: Last::default(),
            method: Last::default(),
            length: Last::default(),
            remote_addr: Last::default(),
            remote_port: Last::default(),
            server_name: Last::default(),
            server_port: Last::default(),
        })
    }

    /// Whatever the application has written to `wsgi.errors` is in the log when this returns.
    pub(crate) fn finish_errors(&self) {
        self.errors.get().finish();
    }

    /// The environ of one request, and its `wsgi.input` if it has a body, which is taken out of the exchange.
    pub(crate) fn build<'py>(
        &mut self,
        py: Python<'py>,
        exchange: &mut dyn Exchange,
    ) -> PyResult<(Bound<'py, PyDict>, Option<Bound<'py, InputStream>>)> {
        let body = exchange.take_body();
        let shape = if body.is_none() { Shape::of(exchange) } else { None };
        let kept = self.kept.take().and_then(|kept| kept.reuse(py, shape));
        let made = match kept.filter(|_| self.names.repeat(&exchange.head().headers)) {
            Some(dict) => Made { dict, is_again: true },
            None => Made { dict: self.template.bind(py).copy()?, is_again: false },
        };
        self.request_line(&made, exchange)?;
        self.headers(&made, exchange)?;
        self.connection(&made, exchange)?;
        let Made { dict: environ, is_again } = made;
        let Some(body) = body else {
            if !is_again {
                self.proxies(&environ, exchange)?;
            }
            self.kept = shape.and_then(|shape| Kept::new(&environ, shape));
            return Ok((environ, None));
        };
        self.proxies(&environ, exchange)?;
        if let Some(length) = body.length {
            let length = self.length.text(py, length.to_string().as_bytes())?;
            environ.set_item(self.keys.content_length.bind(py), length)?;
        }
        let input = InputStream::new(body).into_pyobject(py)?;
        environ.set_item(self.keys.input.bind(py), &input)?;
        Ok((environ, Some(input)))
    }

    /// The request is over: its environ goes now, with all that the application put into it, unless the next request
    /// can have it.
    pub(crate) fn release(&mut self, py: Python<'_>) {
        self.kept.take_if(|kept| !kept.is_untouched(py));
    }

    fn request_line(&mut self, environ: &Made<'_>, exchange: &dyn Exchange) -> PyResult<()> {
        let py = environ.dict.py();
        let RequestHead { method, uri, version, .. } = exchange.head();
        if *method != Method::GET {
            environ.set(&self.keys.request_method, &mut self.method, method.as_str().as_bytes())?;
        }
        let target = target(uri);
        let script_name = exchange.script_name();
        let has_same_mount = script_name.is_empty() || self.script_name.is(script_name);
        if environ.is_again && has_same_mount && self.raw.is(target.as_bytes()) {
            return Ok(());
        }
        let dict = &environ.dict;
        let other = match *version {
            Version::HTTP_10 => Some(&self.keys.http_1_0),
            Version::HTTP_2 => Some(&self.keys.http_2),
            _ => None,
        };
        if let Some(version) = other {
            dict.set_item(self.keys.server_protocol.bind(py), version.bind(py))?;
        }
        // `OPTIONS *` is about the server, not about a resource: its path is empty.
        let path = if uri.path() == "*" { "" } else { uri.path() };
        let decoded: Cow<'_, [u8]> = percent_decode(path.as_bytes()).into();
        let path = self.mounted(environ, script_name, &decoded)?;
        let path_info = self.path.text(py, path)?;
        let raw = if path == target.as_bytes() {
            self.raw.remember(path, &path_info);
            path_info.clone()
        } else {
            self.raw.text(py, target.as_bytes())?
        };
        dict.set_item(self.keys.path_info.bind(py), path_info)?;
        dict.set_item(self.keys.raw_uri.bind(py), raw)?;
        if let Some(query) = uri.query() {
            dict.set_item(self.keys.query_string.bind(py), self.query.text(py, query.as_bytes())?)?;
        }
        Ok(())
    }

    /// Sets `SCRIPT_NAME`, and gives what of the path is left for `PATH_INFO`. A path that does not lie under the mount
    /// point is left alone: the proxy may have cut it already.
    fn mounted<'a>(&mut self, environ: &Made<'_>, script_name: &[u8], path: &'a [u8]) -> PyResult<&'a [u8]> {
        if script_name.is_empty() {
            return Ok(path);
        }
        environ.set(&self.keys.script_name, &mut self.script_name, script_name)?;
        let rest = path.strip_prefix(script_name);
        Ok(rest.filter(|rest| rest.is_empty() || rest.starts_with(b"/")).unwrap_or(path))
    }

    /// Values of one name are joined as one, once: a client that repeats a name must not make this quadratic.
    fn headers(&mut self, environ: &Made<'_>, exchange: &dyn Exchange) -> PyResult<()> {
        let headers = &*exchange.head().headers;
        if environ.is_again {
            return self.names.again(headers, |entry, value| environ.set(&entry.key, &mut entry.last, value));
        }
        let py = environ.dict.py();
        let is_unix = exchange.remote_addr().is_empty();
        let sender = Sender { is_trusted: exchange.is_trusted(), is_unix, headers };
        let has_repeated_names = headers.len() != headers.keys_len();
        self.names.begin(!has_repeated_names);
        if has_repeated_names {
            for name in headers.keys() {
                let Some(entry) = self.names.entry(py, name, sender) else { continue };
                environ.set(&entry.key, &mut entry.last, &joined(headers, name))?;
            }
            return Ok(());
        }
        for (name, value) in headers {
            let Some(entry) = self.names.entry(py, name, sender) else { continue };
            environ.set(&entry.key, &mut entry.last, value.as_bytes())?;
        }
        Ok(())
    }

    fn connection(&mut self, environ: &Made<'_>, exchange: &dyn Exchange) -> PyResult<()> {
        let keys = &self.keys;
        environ.set(&keys.remote_addr, &mut self.remote_addr, exchange.remote_addr().as_bytes())?;
        if let Some(port) = exchange.remote_port() {
            environ.set(&keys.remote_port, &mut self.remote_port, port.as_bytes())?;
        }
        let (name, port) = match exchange.server() {
            Some((name, port)) => (name.as_bytes(), port.as_bytes()),
            None => split_host(exchange),
        };
        environ.set(&keys.server_name, &mut self.server_name, name)?;
        environ.set(&keys.server_port, &mut self.server_port, port)
    }

    /// What is there only behind a proxy, or under TLS.
    fn proxies(&self, environ: &Bound<'_, PyDict>, exchange: &dyn Exchange) -> PyResult<()> {
        let py = environ.py();
        if exchange.is_https() {
            environ.set_item(self.keys.url_scheme.bind(py), self.keys.https.bind(py))?;
        }
        for (name, value) in exchange.tls().map(|tls| tls.variables).unwrap_or_default() {
            environ.set_item(PyString::intern(py, name), latin1(py, value.as_bytes())?)?;
        }
        if let Some(proxied) = exchange.proxied() {
            environ.set_item(intern!(py, "PROXY_PROTOCOL"), proxied.protocol)?;
            environ.set_item(intern!(py, "PROXY_ADDR"), proxied.address)?;
            environ.set_item(intern!(py, "PROXY_PORT"), proxied.port)?;
        }
        Ok(())
    }
}

/// The environ that is being made.
struct Made<'py> {
    dict: Bound<'py, PyDict>,
    /// It is that of the last request, and has its values.
    is_again: bool,
}

impl Made<'_> {
    /// Sets what the application gets under `key`, where `last` is what the last request had there.
    fn set(&self, key: &Py<PyString>, last: &mut Last, bytes: &[u8]) -> PyResult<()> {
        if self.is_again && last.is(bytes) {
            return Ok(());
        }
        let py = self.dict.py();
        self.dict.set_item(key.bind(py), last.text(py, bytes)?)
    }
}

/// The request target as it was received (`RAW_URI`).
pub(crate) fn target(uri: &Uri) -> Cow<'_, str> {
    match uri.path_and_query() {
        Some(path) if uri.scheme().is_none() => Cow::Borrowed(path.as_str()),
        _ => Cow::Owned(uri.to_string()),
    }
}

/// All values of `name`, joined with a comma, cookies with a semicolon (RFC 9110 section 5.3, RFC 6265 section 4.2.1).
fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Cow<'a, [u8]> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let first = values.next().unwrap_or_default();
    let Some(second) = values.next() else { return Cow::Borrowed(first) };
    let separator: &[u8] = if name == COOKIE { b"; " } else { b"," };
    let mut all = [first, separator, second].concat();
    for value in values {
        all.extend_from_slice(separator);
        all.extend_from_slice(value);
    }
    Cow::Owned(all)
}

/// Name and port of a Host header, for a listener that has neither (a unix socket). Both "can never be empty strings"
/// (PEP 3333, "environ Variables").
fn split_host(exchange: &dyn Exchange) -> (&[u8], &[u8]) {
    let host = exchange.head().headers.get(HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let after_bracket = host.iter().rposition(|byte| *byte == b']').unwrap_or(0);
    let colon = host[after_bracket..].iter().position(|byte| *byte == b':');
    let (name, port) = match colon.map(|colon| after_bracket + colon) {
        Some(colon) => (&host[..colon], &host[colon + 1..]),
        None => (host, &b""[..]),
    };
    let usual: &[u8] = if exchange.is_https() { b"443" } else { b"80" };
    (if name.is_empty() { b"localhost" } else { name }, if port.is_empty() { usual } else { port })
}

fn template(
    py: Python<'_>,
    options: &Options,
    deadline: Box<dyn Deadline>,
    errors: &Bound<'_, ErrorStream>,
) -> PyResult<Py<PyDict>> {
    let environ = PyDict::new(py);
    let set = |key: &str, value: Bound<'_, pyo3::PyAny>| environ.set_item(PyString::intern(py, key), value);
    let text = |value: &str| PyString::intern(py, value).into_any();
    let flag = |value: bool| pyo3::types::PyBool::new(py, value).to_owned().into_any();
    set("wsgi.version", PyTuple::new(py, [1, 0])?.into_any())?;
    set("wsgi.url_scheme", text("http"))?;
    set("wsgi.input", InputStream::empty().into_pyobject(py)?.into_any())?;
    set("wsgi.errors", errors.clone().into_any())?;
    set("wsgi.multithread", flag(options.multithread))?;
    set("wsgi.multiprocess", flag(options.multiprocess))?;
    set("wsgi.run_once", flag(false))?;
    set("wsgi.file_wrapper", py.get_type::<FileWrapper>().into_any())?;
    set("wsgi.input_terminated", flag(true))?;
    set("rwsgi.deadline", DeadlineObject(deadline).into_pyobject(py)?.into_any())?;
    set("SERVER_SOFTWARE", text(&options.server_software))?;
    set("SERVER_PROTOCOL", text("HTTP/1.1"))?;
    set("REQUEST_METHOD", text("GET"))?;
    for empty in
        ["SCRIPT_NAME", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "PATH_INFO", "RAW_URI"]
    {
        set(empty, text(""))?;
    }
    // A dict keeps its size when keys leave it, and a copy has the size of the original.
    for number in environ.len()..ROOM {
        environ.set_item(number, py.None())?;
    }
    for number in (0..ROOM).filter(|number| environ.contains(number).unwrap_or_default()) {
        environ.del_item(number)?;
    }
    Ok(environ.unbind())
}
