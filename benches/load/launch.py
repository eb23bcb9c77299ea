"""What a server is started with, and the request that shows whether it answers rightly."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Address = tuple[str, int] | Path
"""A host and a port, or the path of a Unix socket."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Question:
    """One request, and what is wrong with an answer to it.

    `wrong(status, body)` says it in words; None when nothing is.
    """

    path: str
    wrong: Callable[[int, bytes], str | None]
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    chunked: bool = False
    """The body goes in chunks of 64 KiB and without a length."""

    def ask(
        self, address: Address, timeout: float = 10, certificate: Path | None = None
    ) -> tuple[int, bytes]:
        """Ask on a connection of its own: (status, body). Raises OSError when no answer comes."""
        answer = self.answer(address, timeout, certificate)
        return answer.status, answer.body

    def answer(
        self, address: Address, timeout: float = 10, certificate: Path | None = None
    ) -> Answer:
        """Ask likewise, and return the headers too."""
        connection = connect(address, timeout, certificate)
        try:
            body = pieces(self.body or b"") if self.chunked else self.body
            connection.request(
                self.method, self.path, body, self.headers, encode_chunked=self.chunked
            )
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        finally:
            connection.close()


@dataclass(frozen=True)
class Launch:
    """One way to start any server: what it serves, where, and with how many processes and threads.

    `environment` is what the application reads, `address` None for a free port of the loopback
    address, `core` what all processes are kept on, `arguments` what the server gets more. Clients
    speak TLS to a server that has a `certificate`, and believe that one alone.
    """

    folder: Path
    application: str
    question: Question
    environment: dict[str, str] = field(default_factory=dict)
    address: Address | None = None
    workers: int = 1
    threads: int = 1
    core: int | None = None
    arguments: tuple[str, ...] = ()
    certificate: Path | None = None


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect to the path instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def connect(
    address: Address, timeout: float = 10, certificate: Path | None = None
) -> http.client.HTTPConnection:
    """Prepare a connection, by TLS where there is a certificate; the first request opens it."""
    if isinstance(address, Path):
        return UnixConnection(address, timeout)
    if certificate is None:
        return http.client.HTTPConnection(*address, timeout=timeout)
    believing = ssl.create_default_context(cafile=certificate)
    return http.client.HTTPSConnection(*address, timeout=timeout, context=believing)


def pieces(body: bytes, size: int = 1 << 16) -> list[bytes]:
    """Cut a body into what becomes its chunks."""
    return [body[at : at + size] for at in range(0, len(body), size)]
