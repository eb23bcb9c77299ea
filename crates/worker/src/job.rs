//! A request on its way through Python: `http::Exchange` on one side, `wsgi::Exchange` on the other.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rwsgi_http::{Answer, Content, Exchange, FileSpan, Inlet, Scheme, Stream};
use rwsgi_message::{Fields, RequestHead};
use rwsgi_wsgi::{Body, Chunk, FileBody, Flow, Head, Proxied, Tls};

use crate::crew::Crew;
use crate::live::LiveReader;
use crate::member::{untimed, wait_for_client};

/// One request in the hands of member `number`.
pub(crate) struct Job {
    crew: &'static Crew,
    number: usize,
    exchange: Box<Exchange>,
    state: State,
    /// Of a body that is read while it comes.
    inlet: Option<Arc<Inlet>>,
}

enum State {
    Unanswered,
    Streaming(Arc<Stream>),
    Answered,
}

impl Job {
    pub(crate) fn new(crew: &'static Crew, number: usize, exchange: Box<Exchange>) -> Self {
        Self { crew, number, exchange, state: State::Unanswered, inlet: None }
    }

    fn answer(&mut self, answer: Answer) {
        let answer = Answer { queued: self.exchange.waited, ..answer };
        if let Some(connection) = self.exchange.ticket.answer(answer) {
            self.crew.deliver(self.number, connection);
        }
    }

    fn log_given_up(&self) {
        let (method, path) = (&self.exchange.head.method, self.exchange.head.uri.path());
        let limit = self.crew.write_timeout.unwrap_or_default().as_secs_f64();
        tracing::info!(
            "{method} {path} was given up: its client did not read enough for the next bytes within `--write-timeout` {limit} s"
        );
    }
}

/// The application asks for this where bytes must not wait for each other, and a proxy in front understands it too.
fn wants_no_buffer(headers: &Fields) -> bool {
    headers.get("x-accel-buffering").is_some_and(|value| value.eq_ignore_ascii_case(b"no"))
}

fn answer(head: Head, content: Content) -> Answer {
    let Head { status, reason, headers, environ, .. } = head;
    Answer { status, reason, headers, content, environ, ..Answer::default() }
}

impl rwsgi_wsgi::Exchange for Job {
    fn head(&self) -> &RequestHead {
        &self.exchange.head
    }

    fn remote_addr(&self) -> &str {
        self.exchange.peer.remote_addr()
    }

    fn remote_port(&self) -> Option<&str> {
        self.exchange.peer.remote_port()
    }

    fn server(&self) -> Option<(&str, &str)> {
        self.exchange.peer.server()
    }

    fn is_trusted(&self) -> bool {
        self.exchange.peer.is_trusted()
    }

    fn is_https(&self) -> bool {
        self.exchange.origin.scheme == Some(Scheme::Https)
    }

    fn script_name(&self) -> &[u8] {
        &self.exchange.origin.script_name
    }

    fn proxied(&self) -> Option<Proxied<'_>> {
        let rwsgi_http::Proxied { protocol, address, port } = self.exchange.peer.proxied()?;
        Some(Proxied { protocol, address, port })
    }

    fn tls(&self) -> Option<Tls<'_>> {
        let facts = self.exchange.peer.tls()?;
        Some(Tls { connection: facts.id, variables: &facts.variables })
    }

    fn take_body(&mut self) -> Option<Body> {
        let body = self.exchange.body.take()?;
        let (length, on_disk, inlet) = (body.length(), body.is_on_disk(), body.inlet());
        let reader = body.into_reader();
        Some(match inlet {
            None => Body { reader, length, may_wait: on_disk },
            Some(inlet) => {
                self.inlet = Some(Arc::clone(&inlet));
                let reader = LiveReader { crew: self.crew, number: self.number, inlet, reader };
                Body { reader: Box::new(reader), length, may_wait: true }
            }
        })
    }

    fn complete(&mut self, head: Head, body: Chunk<'_>) {
        self.state = State::Answered;
        self.answer(answer(head, Content::Full(body.into_bytes())));
    }

    fn complete_with_file(&mut self, head: Head, body: FileBody) {
        self.state = State::Answered;
        let FileBody { file, offset, length } = body;
        let span = FileSpan { file: Arc::new(file), offset, length };
        self.answer(answer(head, Content::File(span)));
    }

    fn fail(&mut self) {
        self.state = State::Answered;
        self.answer(Answer::error(StatusCode::INTERNAL_SERVER_ERROR));
    }

    fn begin(&mut self, head: Head) {
        let stream = Arc::new(if wants_no_buffer(&head.headers) {
            Stream::unbuffered()
        } else {
            Stream::new(&self.crew.buffering)
        });
        let content = Content::Stream(stream.outlet());
        if let Some(running) = &mut *self.crew.members[self.number].running() {
            running.stream = Some(Arc::clone(&stream));
        }
        self.state = State::Streaming(stream);
        self.answer(answer(head, content));
    }

    fn push(&mut self, chunk: Chunk<'_>) -> Flow {
        let State::Streaming(stream) = &self.state else { return Flow::Gone };
        if stream.is_gone() {
            return Flow::Gone;
        }
        let connection = match chunk {
            Chunk::Copied(bytes) => stream.extend(bytes),
            Chunk::Lent(bytes) => stream.push(bytes),
        };
        if let Some(connection) = connection {
            self.crew.deliver(self.number, connection);
        }
        if stream.is_full() { Flow::Full } else { Flow::More }
    }

    fn wait(&mut self) -> Flow {
        let State::Streaming(stream) = &self.state else { return Flow::Gone };
        let patience = stream.patience();
        if patience != Some(Duration::ZERO) {
            let limit = patience.or(self.crew.write_timeout);
            let has_room =
                wait_for_client(self.crew, self.number, limit, |context| stream.poll_room(context));
            if !has_room && patience.is_none() && stream.give_up() {
                self.log_given_up();
            }
        }
        if let Some(connection) = untimed(self.crew, self.number, || stream.spill()) {
            self.crew.deliver(self.number, connection);
        }
        if stream.is_gone() { Flow::Gone } else { Flow::More }
    }

    fn end(&mut self, whole: bool) {
        if let State::Streaming(stream) = std::mem::replace(&mut self.state, State::Answered)
            && let Some(connection) = stream.finish(whole)
        {
            self.crew.deliver(self.number, connection);
        }
    }
}

impl Drop for Job {
    /// However the call ended, nobody waits for an answer that will not come.
    fn drop(&mut self) {
        match self.state {
            State::Unanswered => rwsgi_wsgi::Exchange::fail(self),
            State::Streaming(_) => rwsgi_wsgi::Exchange::end(self, false),
            State::Answered => {}
        }
        // An application that keeps `wsgi.input` must not keep the connection from its next request.
        self.inlet.iter().for_each(|inlet| inlet.abandon());
    }
}
