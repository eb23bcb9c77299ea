//! What is remembered of heads: no head is taken for one before it.

use http::StatusCode;

use super::mock::Request;
use super::site::{Served, Site};

/// Calls `start_response` with what the Python expressions give, one request each.
fn serve(expressions: &[&str]) -> Served {
    let site = Site::new(&format!(
        "
class Text(str):
    def __str__(self):
        return 'other'
    def __eq__(self, other):
        return True
    __hash__ = str.__hash__

class Pair(tuple):
    def __getitem__(self, place):
        return 'other'
    def __iter__(self):
        return iter(('other', 'other'))

changing = [('X-A', '1')]
calls = iter([{}])

def application(environ, start_response):
    start_response(*next(calls)())
    return [b'x']
",
        expressions.iter().map(|call| format!("lambda: ({call}),")).collect::<String>()
    ));
    site.serve_all(expressions.iter().map(|_| Request::get("/")))
}

/// The lines of the fields of each answer, without Content-Length; of one that failed, what the log says.
fn lines(expressions: &[&str]) -> Vec<String> {
    let served = serve(expressions);
    let mut errors = served.log.lines().filter(|line| line.contains("Error: "));
    let mut lines = Vec::new();
    for answer in served.answers {
        lines.push(match answer.head {
            Some(mut head) => {
                head.headers.remove("content-length");
                String::from_utf8_lossy(head.headers.lines()).replace("\r\n", ";")
            }
            None => errors.next().unwrap().to_owned(),
        });
    }
    lines
}

fn statuses(texts: &[&str]) -> Vec<Option<(StatusCode, String)>> {
    let expressions: Vec<String> = texts.iter().map(|text| format!("{text}, []")).collect();
    let served = serve(&expressions.iter().map(String::as_str).collect::<Vec<_>>());
    let status = |head: crate::Head| {
        (
            head.status,
            head.reason.map(|reason| String::from_utf8_lossy(&reason).into_owned()).unwrap_or_default(),
        )
    };
    served.answers.into_iter().map(|answer| answer.head.map(status)).collect()
}

#[test]
fn a_status_is_read_again_when_its_text_differs() {
    let expected = |code: u16, reason: &str| Some((StatusCode::from_u16(code).unwrap(), reason.to_owned()));
    assert_eq!(
        statuses(&["''", "'200 OK'", "'200 OK'", "''", "'200 Fine'", "'200 OK'", "'200'", "'404 Not Found'"]),
        [
            None,
            expected(200, ""),
            expected(200, ""),
            None,
            expected(200, "Fine"),
            expected(200, ""),
            expected(200, ""),
            expected(404, "")
        ]
    );
}

#[test]
fn a_status_of_another_type_is_not_the_one_before() {
    let ok = Some((StatusCode::OK, String::new()));
    let texts = [
        "'200 OK'",
        "b'200 OK'",
        "Text('200 OK')",
        "Text('404 Not Found')",
        "'200 \\u20ac'",
        "'200 OK\\n'",
        "200",
    ];
    let not_found = Some((StatusCode::NOT_FOUND, String::new()));
    assert_eq!(statuses(&texts), [ok.clone(), None, ok, not_found, None, None, None]);
}

#[test]
fn a_name_is_known_by_its_very_text() {
    assert_eq!(
        lines(&[
            "'200 OK', [('X-A', '1')]",
            "'200 OK', [('x-a', '1'), ('X-A', '2')]",
            "'200 OK', [(b'X-A', '1')]",
            "'200 OK', [(Text('X-A'), Text('3'))]",
            "'200 OK', [Pair(('X-A', '4'))]",
            "'200 OK', [('X-A\\u0100', '5')]",
            "'200 OK', [('X-A ', '5')]",
            "'200 OK', [('X-A', '6')]",
        ]),
        [
            "X-A: 1;",
            "X-A: 1;X-A: 2;",
            "TypeError: header name and value must be str, in `(b'X-A', '1')`",
            "X-A: 3;",
            "X-A: 4;",
            "ValueError: header name `'X-A\u{100}'` is not a token",
            "ValueError: header name `'X-A '` is not a token",
            "X-A: 6;",
        ]
    );
}

#[test]
fn a_value_is_checked_each_time() {
    let reason = "ValueError: header `x-a` has a value with control characters or outside Latin-1";
    assert_eq!(
        lines(&[
            "'200 OK', [('X-A', 'a')]",
            "'200 OK', [('X-A', 'a\\r\\nEvil: 1')]",
            "'200 OK', [('X-A', '\\u20ac')]",
            "'200 OK', [('X-A', b'a')]",
            "'200 OK', [('Date', 'a')]",
            "'200 OK', [('Date', 'a\\n')]",
            "'200 OK', [('Date', '\\u20ac')]",
            "'200 OK', [('X-A', 'a')]",
        ]),
        [
            "X-A: a;",
            reason,
            reason,
            "TypeError: header name and value must be str, in `('X-A', b'a')`",
            "",
            &reason.replace("x-a", "date"),
            &reason.replace("x-a", "date"),
            "X-A: a;",
        ]
    );
}

#[test]
fn a_list_that_changes_is_read_again() {
    assert_eq!(
        lines(&[
            "'200 OK', changing",
            "'200 OK', changing.append(('X-B', '2')) or changing",
            "'200 OK', changing.__setitem__(0, ('X-A', '3')) or changing",
            "'200 OK', changing.clear() or changing",
        ]),
        ["X-A: 1;", "X-A: 1;X-B: 2;", "X-A: 3;X-B: 2;", ""]
    );
}

#[test]
fn a_length_counts_however_it_is_written() {
    let served = serve(&[
        "'200 OK', [('Content-Length', '1')]",
        "'200 OK', [('content-LENGTH', '1')]",
        "'200 OK', [('Content-Length', '1'), ('content-length', '1')]",
        "'200 OK', [('Content-Length', '-1')]",
    ]);
    let lengths: Vec<_> = served.answers.iter().map(|answer| answer.head.as_ref()?.content_length).collect();
    assert_eq!(lengths, [Some(1), Some(1), None, None]);
    let lines = served.answers[1].head.as_ref().unwrap().headers.lines();
    assert_eq!(lines, b"Content-Length: 1\r\n");
}

#[test]
fn a_flood_of_names_is_served_too() {
    let flood = lines(&[
        "'200 OK', [(f'X-{number}', str(number)) for number in range(600)]",
        "'200 OK', [('X-599', 'a'), ('X-1', 'b')]",
    ]);
    assert!(flood[0].starts_with("X-0: 0;X-1: 1;") && flood[0].ends_with("X-598: 598;X-599: 599;"));
    assert_eq!(flood[1], "X-599: a;X-1: b;");
}

#[test]
fn start_response_takes_two_or_three_arguments() {
    let site = Site::new(
        "
def application(environ, start_response):
    for call in (lambda: start_response(), lambda: start_response('200 OK'), lambda: start_response('200 OK', [], None, 1),
                 lambda: start_response('200 OK', response_headers=[]), lambda: start_response('200 OK', exc_info=None)):
        try:
            call()
        except TypeError:
            events.append('TypeError')
    write = start_response('200 OK', [], exc_info=None)
    for call in (lambda: write(), lambda: write(b'', b''), lambda: write(text=b'')):
        try:
            call()
        except TypeError:
            events.append('TypeError')
    events.append(f'{start_response.__name__} {write.__name__} {start_response.__self__ is write.__self__}')
    return [b'x']
",
    );
    site.serve(Request::get("/"));
    assert_eq!(site.events(), "TypeError ".repeat(8) + "start_response write True");
}
