//! A listener of its own for the server's numbers: nothing but a few pages, for whoever asks. It may be open to the wrong
//! people by mistake, so a connection gets one answer and little time and memory.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::health::{Health, is_read, not_allowed, text};
use crate::{Answer, Content};

/// How long a connection may last, from the first byte of the request to the last one of the page.
const LIMIT: Duration = Duration::from_secs(10);
/// How large the head of a request may be: the least that hyper takes.
const HEAD: usize = 8192;

/// The text format of Prometheus.
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers one request for `/metrics` or `/` with what `metrics` gives, or for a path of `health`, and ends the connection.
pub async fn serve_metrics<S, F>(stream: S, health: Option<Health>, metrics: impl Fn() -> F)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = String>,
{
    let service = service_fn(|request: Request<Incoming>| {
        let other = other_page(request.method(), request.uri().path(), health.as_ref());
        let metrics = &metrics;
        async move {
            Ok::<_, Infallible>(match other {
                Some(answer) => response(answer),
                None => {
                    let mut response = Response::new(metrics().await);
                    response.headers_mut().insert(CONTENT_TYPE, FORMAT);
                    response
                }
            })
        }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(LIMIT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("a connection to the metrics is closed: {error}"),
        Err(_) => tracing::debug!("a connection to the metrics is closed after {LIMIT:?}"),
    }
}

/// The answer to what does not ask for the metrics.
fn other_page(method: &Method, path: &str, health: Option<&Health>) -> Option<Answer> {
    health.and_then(|health| health.answer(method, path)).or_else(|| match path {
        "/" | "/metrics" if is_read(method) => None,
        "/" | "/metrics" => Some(not_allowed()),
        _ => Some(text(StatusCode::NOT_FOUND, "there is only /metrics\n")),
    })
}

fn response(answer: Answer) -> Response<String> {
    let body = match answer.content {
        Content::Full(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Content::Stream(_) | Content::File(_) | Content::Parts(_) | Content::Compressed(_) => String::new(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = HeaderMap::from(&answer.headers);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn ask(request: &str) -> String {
        let (mut client, server) = duplex(64 * 1024);
        let health = Health::new("/-/health".to_owned(), || true);
        let served = serve_metrics(server, Some(health), || async { "a_total 1\n".to_owned() });
        let asked = async {
            client.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        };
        tokio::join!(served, asked).1
    }

    #[tokio::test]
    async fn the_metrics_are_at_two_paths() {
        for path in ["/", "/metrics", "/metrics?name=a"] {
            let answer = ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
            assert!(answer.contains("connection: close"), "{answer}");
            assert!(answer.ends_with("\r\n\r\na_total 1\n"), "{answer}");
        }
        let answer = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.contains("content-length: 10") && answer.ends_with("\r\n\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn all_else_is_refused() {
        for (request, status) in [
            ("GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405"),
            ("GET /-/health HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
            ("GARBAGE\r\n\r\n", "400"),
        ] {
            let answer = ask(request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {answer}");
        }
        let long = ask(&format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(2 * HEAD))).await;
        assert!(long.starts_with("HTTP/1.1 4"), "{long}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_not_waited_for() {
        let (_client, server) = duplex(64);
        serve_metrics(server, None, || async { String::new() }).await;
    }
}
