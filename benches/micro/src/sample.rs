//! The requests: what wrk sends, what a browser sends, and what comes through proxies that add a lot.

use http::Request;
use rwsgi_message::RequestHead;

/// What a browser sends, and before it `Host`: twelve fields.
const BROWSER: [(&str, &str); 12] = [
    ("Host", "www.example.com"),
    ("Connection", "keep-alive"),
    ("Cache-Control", "max-age=0"),
    ("Upgrade-Insecure-Requests", "1"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
    ("Referer", "https://www.example.com/articles/2026/11/"),
    ("Cookie", "csrftoken=Wy3nB1d4a0FJk7mVQxk5pVvTjz2Xq8sR; sessionid=9n3o7a1v5x2c8k4m6p0q"),
    ("DNT", "1"),
    ("Sec-Fetch-Mode", "navigate"),
];

/// The fields of a request: those of a browser, and then as many as it takes.
pub(crate) fn fields(count: usize) -> Vec<(String, String)> {
    let usual = BROWSER.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let more = (BROWSER.len()..).map(|number| (format!("X-Trace-{number}"), format!("value-of-{number}")));
    usual.chain(more).take(count).collect()
}

/// A request as it comes over the wire.
pub(crate) fn text(count: usize) -> String {
    let fields = fields(count).into_iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("GET /articles/?page=2 HTTP/1.1\r\n{}\r\n", fields.collect::<String>())
}

/// The same, parsed.
pub(crate) fn head(count: usize) -> RequestHead {
    let builder = Request::get("/articles/?page=2");
    let builder =
        fields(count).into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    builder.body(()).expect("the samples are valid").into_parts().0.into()
}
