//! Behind proxies: what they say reaches the application, and what strangers say does not. `nginx` and `haproxy` are the
//! real ones; `headers` and `preface` speak for a proxy themselves.

mod frontend;
mod haproxy;
mod headers;
mod nginx;
mod preface;
mod statics;

/// Shows the text values of environ, takes bodies, streams.
const APP: &str = "
import hashlib
from stage import answer, say, wait

def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/upload':
            body = environ['wsgi.input'].read()
            return answer(start_response, f'{len(body)} {hashlib.sha256(body).hexdigest()}')
        case '/stream':
            start_response('200 OK', [('Content-Type', 'text/plain')])
            return stream()
        case '/health':
            say(environ, f\"asked by {environ['REMOTE_ADDR']}\")
    lines = (f'{key}={value}\\n' for key, value in environ.items() if isinstance(value, str))
    return answer(start_response, ''.join(lines))

def stream():
    yield b'first,'
    wait('on')
    yield b'second'
";

/// The value of an environ key in the application's answer.
fn value<'a>(response: &'a crate::harness::Response, key: &str) -> Option<&'a str> {
    assert_eq!(response.status, 200, "{}", response.text());
    response.text().lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}
