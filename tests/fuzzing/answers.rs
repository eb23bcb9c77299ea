//! The strict reading of what a server sends.

/// An answer that is not an interim one.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a field that comes once at most.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| &**value)
    }
}

/// All answers on a connection that has ended.
pub(crate) fn answers(mut received: &[u8]) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::new();
    while !received.is_empty() {
        let shown = || received[..received.len().min(500)].escape_ascii().to_string();
        let (answer, rest) = answer(received).map_err(|complaint| format!("{complaint}: {}", shown()))?;
        if answer.status != 100 {
            answers.push(answer);
        }
        received = rest;
    }
    Ok(answers)
}

fn answer(bytes: &[u8]) -> Result<(Answer, &[u8]), String> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or("a head breaks off")?;
    let head = str::from_utf8(&bytes[..end]).map_err(|_| "a head is not ASCII")?;
    if head.replace("\r\n", "").bytes().any(|byte| !matches!(byte, b'\t' | b' '..=b'~')) {
        return Err("a head has a byte that does not belong there".to_owned());
    }
    let mut lines = head.split("\r\n");
    let status = status(lines.next().unwrap_or_default())?;
    let fields: Option<Vec<_>> = lines.map(field).collect();
    let mut answer = Answer { status, fields: fields.ok_or("a field is no field")?, body: Vec::new() };
    for name in ["Content-Length", "Transfer-Encoding", "Date", "X-Method"] {
        let count = answer.fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).count();
        if count > 1 || (count == 0 && name == "Date" && status >= 200) {
            return Err(format!("{name} comes {count} times"));
        }
    }
    let rest = &bytes[end + 4..];
    let (body, rest) = body(&answer, rest)?;
    answer.body = body;
    Ok((answer, rest))
}

fn status(line: &str) -> Result<u16, String> {
    let rest = line.strip_prefix("HTTP/1.1 ").or(line.strip_prefix("HTTP/1.0 ")).ok_or("no known version")?;
    let (status, reason) = rest.split_once(' ').ok_or("no reason")?;
    let is_fit = status.len() == 3 && !reason.is_empty();
    status.parse().ok().filter(|_| is_fit).ok_or(format!("`{line}` is no status line"))
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let is_token = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !name.is_empty();
    is_token.then(|| (name.to_owned(), value.trim().to_owned()))
}

/// The body, and what follows it.
fn body<'a>(answer: &Answer, rest: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), String> {
    if answer.status < 200 || answer.field("X-Method") == Some("HEAD") {
        return Ok((Vec::new(), rest));
    }
    match (answer.field("Content-Length"), answer.field("Transfer-Encoding")) {
        (Some(length), None) => {
            let length = length.parse().map_err(|_| "a length is no number")?;
            let (body, rest) = rest.split_at_checked(length).ok_or("a body breaks off")?;
            Ok((body.to_vec(), rest))
        }
        (None, Some("chunked")) => chunks(rest).ok_or("a chunked body breaks off".to_owned()),
        (None, None) if answer.field("Connection") == Some("close") => Ok((rest.to_vec(), &[])),
        framing => Err(format!("a body without a known end: {framing:?}")),
    }
}

fn chunks(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        let (data, next) = rest[end + 2..].split_at_checked(size)?;
        body.extend_from_slice(data);
        rest = next.strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some((body, rest));
        }
    }
}
