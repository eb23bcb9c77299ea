//! What an application would see of bytes that are good, found in the simplest way. What cannot be read like this is the end.

use percent_encoding::percent_decode;

/// A whole request.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Method, path and query, Host, body, as the cases write it.
    pub(crate) text: Vec<u8>,
    /// Whether the connection ends behind it.
    pub(crate) closes: bool,
}

/// All whole requests, and how many bytes they take.
pub(crate) fn requests(bytes: &[u8]) -> (Vec<Seen>, usize) {
    let mut all = Vec::new();
    let mut rest = bytes;
    while let Some((seen, next)) = request(rest) {
        all.push(seen);
        rest = next;
    }
    (all, bytes.len() - rest.len())
}

fn request(bytes: &[u8]) -> Option<(Seen, &[u8])> {
    let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let line: Vec<&str> = lines.next()?.split(' ').collect();
    let fields: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    let values = |name: &str| -> Vec<&str> {
        let found = fields.iter().filter(|(found, _)| found == name);
        found.map(|(_, value)| value.trim_matches([' ', '\t'])).collect()
    };
    let (body, rest) = if values("transfer-encoding").is_empty() {
        let length = values("content-length").first().map_or(Some(0), |length| length.parse().ok())?;
        let (body, rest) = bytes[end + 4..].split_at_checked(length)?;
        (body.to_vec(), rest)
    } else {
        chunked(&bytes[end + 4..])?
    };
    let [method, target, version] = line[..] else { return None };
    let (host, path) = split(target)?;
    let host = host.or(values("host").first().copied()).unwrap_or("-");
    let mut text = format!("{method} ").into_bytes();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    text.extend(percent_decode(match path {
        "" => b"/",
        // `OPTIONS *` is about no resource: the application sees an empty path.
        "*" => b"",
        path => path.as_bytes(),
    }));
    if !query.is_empty() {
        text.extend_from_slice(format!("?{query}").as_bytes());
    }
    text.extend_from_slice(format!(" host={host} body=").as_bytes());
    text.extend(body);
    // One that is no text says nothing.
    let options = values("connection").into_iter().filter(|value| value.is_ascii());
    let options = options.collect::<Vec<_>>().join(",").to_lowercase();
    let says = |option: &str| options.split(',').any(|found| found.trim() == option);
    let closes = says("close") || (version == "HTTP/1.0" && !says("keep-alive"));
    Some((Seen { text, closes }, rest))
}

/// The authority of an absolute target, and the path.
fn split(target: &str) -> Option<(Option<&str>, &str)> {
    if target.starts_with(['/', '*']) {
        return Some((None, target));
    }
    let (_, rest) = target.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    Some((Some(&rest[..end]), if end == rest.len() { "/" } else { &rest[end..] }))
}

/// The data, and what follows the body.
fn chunked(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (line, next) = line(rest)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = usize::from_str_radix(str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
        rest = next;
        if size == 0 {
            break;
        }
        let (data, next) = rest.split_at_checked(size)?;
        body.extend_from_slice(data);
        rest = next.strip_prefix(b"\r\n")?;
    }
    loop {
        let (line, next) = line(rest)?;
        rest = next;
        if line.is_empty() {
            return Some((body, rest));
        }
    }
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    Some((&bytes[..end], &bytes[end + 2..]))
}
