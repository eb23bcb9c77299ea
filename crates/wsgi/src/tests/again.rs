//! An environ that serves one request after the other: no request sees anything of the one before.

use super::mock::{Proxy, Request};
use super::site::Site;

/// Notes what it sees, and then does one of the `deeds` to its environ.
const SEE: &str = "
seen, kept = [], []

def facts(environ):
    return sorted((key, value if type(value) is str else type(value).__name__) for key, value in environ.items())

class Bystander:
    pass

deeds = {
    'nothing': lambda environ: None,
    'adds': lambda environ: environ.update(mine=1),
    'deletes': lambda environ: environ.pop('wsgi.errors'),
    'deletes all': lambda environ: environ.clear(),
    'deletes the last': lambda environ: environ.popitem(),
    'replaces': lambda environ: environ.__setitem__('PATH_INFO', '/evil'),
    'replaces by a list': lambda environ: environ.__setitem__('wsgi.version', []),
    'adds and deletes': lambda environ: (environ.setdefault('mine', 1), environ.pop('mine')),
    'merges': lambda environ: environ.__ior__({'HTTP_HOST': 'evil'}),
    'keeps': lambda environ: kept.append((environ, facts(environ))),
    'keeps a view': lambda environ: kept.append((dict(environ), facts(environ), environ.items())),
    'makes it the attributes': lambda environ: (setattr(one := Bystander(), '__dict__', environ), setattr(one, 'mine', 1)),
}
deed = 'nothing'

def application(environ, start_response):
    seen.append(facts(environ))
    deeds[deed](environ)
    start_response('200 OK', [])
    return []
";

fn proxy() -> Proxy {
    Proxy { is_trusted: true, ..Proxy::default() }
}

/// One of each kind, and some that differ in a value only.
fn requests() -> Vec<Request> {
    let get = |target: &str| Request::get(target).header("host", "a");
    vec![
        get("/"),
        get("/").header("cookie", "a=1"),
        get("/").header("cookie", "b=2"),
        Request::get("/").header("cookie", "b=2").header("host", "a"),
        Request::get("/").header("host", "b"),
        get("/a"),
        get("/%61"),
        get("/a?b"),
        get("/a?c"),
        get("http://other/a"),
        get("/").version(http::Version::HTTP_10),
        Request::new("DELETE", "/").header("host", "a"),
        Request::new("OPTIONS", "*").header("host", "a"),
        Request::post(b"body").header("host", "a"),
        get("/").over_unix_socket(),
        get("/").behind(Proxy { is_https: true, ..proxy() }),
        get("/a/b").behind(Proxy { script_name: b"/a", ..proxy() }),
        get("/a/b").behind(Proxy { script_name: b"/a/b", ..proxy() }),
        get("/").behind(Proxy { has_preface: true, ..proxy() }),
        get("/").secured(1, "one.test"),
        get("/a").secured(2, "two.test"),
        get("/").secured(2, "two.test").header("cookie", "a=1"),
        get("/").header("x-forwarded-for", "1.2.3.4"),
        get("/").header("x-forwarded-for", "1.2.3.4").behind(proxy()),
        get("/").header("via", "a").header("via", "b"),
        get("/").header("via", "a").header("via", "c"),
        get("/").header("via", "x".repeat(2000)),
        get("/").header("via", "y".repeat(2000)),
        get("/").header("via", "z"),
    ]
}

/// The requests of these numbers, with one bridge; what each saw.
fn serve(site: &Site, deed: &str, numbers: &[usize]) -> String {
    site.eval(&format!("seen.clear(), globals().update(deed={deed:?})"));
    site.serve_all(numbers.iter().map(|number| requests().swap_remove(*number)));
    site.eval("seen")
}

#[test]
fn a_request_sees_what_it_would_see_alone() {
    let site = Site::new(SEE);
    let count = requests().len();
    let alone: Vec<String> = (0..count).map(|number| serve(&site, "nothing", &[number])).collect();
    let inner = |list: &str| list[1..list.len() - 1].to_owned();
    for first in 0..count {
        for second in 0..count {
            // Three times, so that each is made with and without the environ of the other and of its like.
            let numbers = [first, second, second, first, second];
            let expected: Vec<String> = numbers.iter().map(|number| inner(&alone[*number])).collect();
            let expected = format!("[{}]", expected.join(", "));
            assert_eq!(serve(&site, "nothing", &numbers), expected, "{first} and {second}");
        }
    }
}

#[test]
fn whatever_was_done_to_it_the_next_request_does_not_see() {
    let site = Site::new(SEE);
    let names = site.eval("'|'.join(deeds)");
    let alone = [1, 2].map(|number| serve(&site, "nothing", &[number]));
    let expected = alone.map(|list| list[1..list.len() - 1].to_owned()).join(", ");
    for deed in names.trim_matches('\'').split('|') {
        assert_eq!(serve(&site, deed, &[1, 2]), format!("[{expected}]"), "{deed}");
    }
    // What was kept is left alone too.
    assert_eq!(
        site.eval("len(kept), all(facts(environ) == then for environ, then, *_ in kept)"),
        "(4, True)"
    );
    assert_eq!(
        site.eval("all(sorted(map(str, one[2])) == sorted(map(str, one[0].items())) for one in kept[2:])"),
        "True"
    );
}

#[test]
fn what_the_application_puts_into_it_goes_with_the_request() {
    let site = Site::new(
        "
class Token:
    def __del__(self):
        events.append('gone')

def application(environ, start_response):
    events.append('called')
    environ['mine'] = Token()
    start_response('200 OK', [])
    return []
",
    );
    site.serve_all([Request::get("/1"), Request::get("/2")].into_iter().inspect(|_| {
        site.eval("events.append('next')");
    }));
    assert_eq!(site.events(), "next called gone next called gone");
}

#[test]
#[cfg(not(Py_3_14))]
fn nobody_has_it_so_it_is_the_same_dict_again() {
    let site = Site::new(
        "
taken = []

def application(environ, start_response):
    events.append(str(id(environ)))
    start_response('200 OK', [])
    return []
",
    );
    // What lies free is taken meanwhile, so that a new one would be elsewhere.
    let requests = [Request::get("/1"), Request::get("/2"), Request::get("/3")];
    site.serve_all(requests.into_iter().inspect(|_| {
        site.eval("taken.extend({} for _ in range(200))");
    }));
    assert_eq!(site.eval("len(events), len(set(events))"), "(3, 1)");
}
