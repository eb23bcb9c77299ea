"""The environ: PEP 3333 "environ Variables", with the keys Gunicorn's applications rely on."""

from client import chunked

APP = "environ_dump"


def dump(server, method="GET", target="/", **options):
    response = server.request(method, target, **options)
    assert response.status == 200
    return response.json


def environ(server, *arguments, **options):
    return dump(server, *arguments, **options)["environ"]


def test_request_line(server):
    found = environ(server, "GET", "/a/b%20c?x=1&y=%2F")
    assert found["REQUEST_METHOD"] == "GET"
    assert found["SCRIPT_NAME"] == ""
    assert found["PATH_INFO"] == "/a/b c"
    assert found["QUERY_STRING"] == "x=1&y=%2F"
    assert found["RAW_URI"] == "/a/b%20c?x=1&y=%2F"
    assert found["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_http_1_0(server):
    assert environ(server, version="1.0")["SERVER_PROTOCOL"] == "HTTP/1.0"


def test_server_and_client_addresses(server):
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: example.org:81\r\n\r\n")
        found = connection.response().json["environ"]
        host, port = connection.socket.getsockname()
    assert (found["REMOTE_ADDR"], found["REMOTE_PORT"]) == (host, str(port))
    assert found["SERVER_NAME"] == server.address[0]
    assert found["SERVER_PORT"] == str(server.address[1])
    assert found["HTTP_HOST"] == "example.org:81"


def test_server_software_names_the_version(server):
    assert environ(server)["SERVER_SOFTWARE"].startswith("rwsgi/0.")


def test_wsgi_keys(server):
    found = dump(server)
    values = found["environ"]
    assert values["wsgi.version"] == [1, 0]
    assert values["wsgi.url_scheme"] == "http"
    assert values["wsgi.multithread"] is False
    assert values["wsgi.multiprocess"] is False
    assert values["wsgi.run_once"] is False
    assert values["wsgi.input_terminated"] is True
    assert {"wsgi.input", "wsgi.errors", "wsgi.file_wrapper"} <= values.keys()


def test_multithread_and_multiprocess_are_truthful(host):
    with host.start(APP, "--threads", "2", workers=2) as server:
        found = environ(server.ready())
    assert found["wsgi.multithread"] is True
    assert found["wsgi.multiprocess"] is True


def test_types(server):
    found = dump(server, headers=[("X-A", "1")])
    assert found["is_dict"]
    for key, kind in found["types"].items():
        # PEP 3333 wants strings of CGI's variables; those of a server have its name in front.
        if not key.startswith(("wsgi.", "rwsgi.")):
            assert kind == "str", key
    assert found["types"]["rwsgi.deadline"] == "Deadline"


def test_headers(server):
    found = environ(
        server,
        headers=[
            ("X-Custom-Name", "value"),
            ("X-Repeated", "a"),
            ("X-Repeated", "b"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
            ("Accept", "*/*"),
            ("Content-Type", "text/x-test"),
        ],
    )
    assert found["HTTP_X_CUSTOM_NAME"] == "value"
    assert found["HTTP_X_REPEATED"].replace(" ", "") == "a,b"
    assert found["HTTP_ACCEPT"] == "*/*"
    assert found["CONTENT_TYPE"] == "text/x-test"
    assert "HTTP_CONTENT_TYPE" not in found


def test_a_repeated_cookie_header_is_one_valid_header(server):
    # RFC 9110 5.3 joins by comma, which would make one wrong cookie; RFC 6265 5.4 uses "; ".
    found = environ(server, headers=[("Cookie", "a=1"), ("Cookie", "b=2")])
    assert found["HTTP_COOKIE"] == "a=1; b=2"


def test_content_keys_are_absent_unless_sent(server):
    found = environ(server)
    assert found.get("CONTENT_TYPE", "") == ""
    assert found.get("CONTENT_LENGTH", "") == ""


def test_content_length(server):
    found = environ(server, "POST", body=b"12345")
    assert found["CONTENT_LENGTH"] == "5"
    assert "HTTP_CONTENT_LENGTH" not in found


def test_a_chunked_body_has_a_content_length(server):
    found = environ(
        server,
        "POST",
        headers=[("Transfer-Encoding", "chunked")],
        body=chunked(b"123", b"45"),
    )
    assert found["CONTENT_LENGTH"] == "5"


def test_path_bytes_are_latin_1(server):
    found = environ(server, "GET", "/caf%C3%A9/%FF%2Fx")
    assert found["PATH_INFO"].encode("latin-1") == b"/caf\xc3\xa9/\xff/x"


def test_header_bytes_are_latin_1(server):
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Name: caf\xc3\xa9\xff\r\n\r\n")
        found = connection.response().json["environ"]
    assert found["HTTP_X_NAME"].encode("latin-1") == b"caf\xc3\xa9\xff"


def test_a_name_with_an_underscore_cannot_pass_for_another(server):
    # X_Real_IP and X-Real-IP would be the same key: a client could forge what a proxy sets.
    found = environ(server, headers=[("X_Real_IP", "6.6.6.6"), ("X-Real-IP", "10.0.0.1")])
    assert found["HTTP_X_REAL_IP"] == "10.0.0.1"


def test_absolute_target(server):
    found = environ(server, "GET", "http://localhost/path?q=1")
    assert found["PATH_INFO"] == "/path"
    assert found["QUERY_STRING"] == "q=1"


def test_double_slash_and_dots_are_left_alone(server):
    assert environ(server, "GET", "//a/../b")["PATH_INFO"] == "//a/../b"


def test_options_asterisk(server):
    assert environ(server, "OPTIONS", "*")["PATH_INFO"] in ("*", "")


def test_unusual_method(server):
    assert environ(server, "PURGE", "/")["REQUEST_METHOD"] == "PURGE"


def test_nothing_leaks_into_the_next_request(server):
    with server.connect() as connection:
        connection.send(b"GET /?1 HTTP/1.1\r\nHost: a\r\nX-Once: 1\r\n\r\n")
        connection.response()
        connection.send(b"GET /?2 HTTP/1.1\r\nHost: a\r\n\r\n")
        found = connection.response().json["environ"]
    assert "app.was.here" not in found
    assert "HTTP_X_ONCE" not in found
