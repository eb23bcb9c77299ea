"""Requests that a server must refuse: each with the status that tells why."""

GET = b"GET /hello HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
POST = b"POST /echo HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSALS: dict[str, tuple[bytes, int]] = {
    "no Host": (GET + b"\r\n", 400),
    "two Hosts": (GET + HOST + b"Host: other\r\n\r\n", 400),
    "bad Host": (GET + b"Host: a b\r\n\r\n", 400),
    "bare LF": (b"GET /hello HTTP/1.1\nHost: localhost\n\n", 400),
    "space before the colon": (GET + HOST + b"X-A : b\r\n\r\n", 400),
    "folded line": (GET + HOST + b"X-A: b\r\n c\r\n\r\n", 400),
    "NUL": (GET + HOST + b"X-A: b\0c\r\n\r\n", 400),
    "no version": (b"GET /hello\r\n" + HOST + b"\r\n", 400),
    "raw byte in the target": (b"GET /h\xe9llo HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x7f" * 200, 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "CONNECT": (b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "long request line": (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "long field": (GET + HOST + b"X-A: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "many fields": (GET + HOST + b"X-A: b\r\n" * 101 + b"\r\n", 431),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    "signed length": (POST + b"Content-Length: +1\r\n\r\na", 400),
    "huge length": (POST + b"Content-Length: 99999999999999999999\r\n\r\na", 400),
    "length and coding": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "unknown coding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "coding on HTTP/1.0": (
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunk size that is none": (CHUNKED + b"xyz\r\n", 400),
    "signed chunk size": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", 400),
    "huge chunk size": (CHUNKED + b"fffffffffffffffff\r\n", 400),
    "chunk without its end": (CHUNKED + b"5\r\nhelloXX0\r\n\r\n", 400),
    "forbidden trailer": (CHUNKED + b"0\r\nContent-Length: 3\r\n\r\n", 400),
    "large body": (POST + b"Content-Length: 16777217\r\n\r\n" + b"a" * 1000, 413),
}

SMUGGLED = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""Sent behind each: nobody may ever answer it."""
