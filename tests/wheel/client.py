"""An HTTP client that shows what came over the wire, and sends what it is told to, right or
wrong."""

import json
import socket
from dataclasses import dataclass

PATIENCE = 30.0


@dataclass
class Response:
    """One response; `framing` tells how its end was found: length, chunked, close or none."""

    version: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    framing: str = "none"
    complete: bool = True

    def header(self, name):
        """The only value of a header, None when it is not there."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name):
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self):
        """The body as text."""
        return self.body.decode()

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body)


class Connection:
    """A connection on which bytes are sent as given and responses are read one by one."""

    def __init__(self, address, secured=None):
        """`secured` makes the socket one of TLS."""
        self.socket = open_socket(address)
        if secured:
            self.socket = secured(self.socket)
        self._reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Close at once."""
        self._reader.close()
        self.socket.close()

    def send(self, data):
        """Send these bytes."""
        self.socket.sendall(data)
        return self

    def read(self, size):
        """Read exactly so many bytes, fewer at the end of the connection."""
        return self._reader.read(size)

    def response(self, method="GET"):
        """Read one response to a request of that method."""
        response = self.head()
        self._read_body(response, method)
        return response

    def head(self):
        """Read status line and headers only."""
        line = self._line()
        version, _, rest = line.partition(" ")
        status, _, reason = rest.partition(" ")
        assert version.startswith("HTTP/1."), f"not a status line: {line!r}"
        headers = []
        while line := self._line():
            name, colon, value = line.partition(":")
            assert colon, f"not a header line: {line!r}"
            headers.append((name, value.strip(" \t")))
        return Response(version, int(status), reason, headers)

    def chunk(self):
        """Read one chunk of a chunked body."""
        size = int(self._line(), 16)
        data = self._reader.read(size)
        assert self._reader.readline() == b"\r\n"
        return data

    def at_end(self):
        """Wait for the end of the connection; false when bytes came instead, which stay."""
        try:
            return not self._reader.peek(1)
        except ConnectionResetError:
            return True

    def _line(self):
        line = self._reader.readline()
        assert line.endswith(b"\r\n"), f"the connection ended within a head: {line!r}"
        return line[:-2].decode("latin-1")

    def _read_body(self, response, method):
        length = response.header("Content-Length")
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return
        if response.header("Transfer-Encoding") == "chunked":
            assert length is None, "Content-Length beside chunked"
            response.framing = "chunked"
            self._read_chunks(response)
        elif length is not None:
            response.framing = "length"
            response.body = self._reader.read(int(length))
            response.complete = len(response.body) == int(length)
        else:
            response.framing = "close"
            response.body = self._reader.read()

    def _read_chunks(self, response):
        pieces = []
        while (line := self._reader.readline()).endswith(b"\r\n"):
            size = int(line, 16)
            piece = self._reader.read(size + 2)
            if size == 0 and piece == b"\r\n":
                break
            pieces.append(piece[:-2] if len(piece) == size + 2 else piece)
        else:
            response.complete = False
        response.body = b"".join(pieces)


def open_socket(address):
    """A connected socket, to a pair or to the path of a Unix socket."""
    if not isinstance(address, str):
        return socket.create_connection(address, timeout=PATIENCE)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.settimeout(PATIENCE)
    opened.connect(address)
    return opened


def message(method, target, *, headers=(), body=b"", version="1.1"):
    """The bytes of a request; a Content-Length is added for a body unless `headers` frame it."""
    lines = [f"{method} {target} HTTP/{version}"]
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        lines.append("Host: localhost")
    lines += [f"{name}: {value}" for name, value in headers]
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*pieces):
    """A chunked body of these pieces."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def request(address, method, target, *, secured=None, **options):
    """One request on a connection of its own, which the client asks to close."""
    options["headers"] = [*options.get("headers", ()), ("Connection", "close")]
    with Connection(address, secured) as connection:
        connection.send(message(method, target, **options))
        return connection.response(method)
