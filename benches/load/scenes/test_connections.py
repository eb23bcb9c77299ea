"""Tests of the clients themselves: what they call an answer, and what they call lost."""
# ruff: noqa: S101 - pytest is made of asserts

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scenes.connections import CUT, REFUSED, Pool, Seen, get

ANSWER = b"HTTP/1.1 200 OK\r\nX-Worker: 7\r\nContent-Length: 5\r\n\r\nhello"
LIMIT = 20.0


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """Serve connections one after the other in a thread, until the context ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)

        def run() -> None:
            while True:
                end, _ = listener.accept()
                with end:
                    if not end.recv(1, socket.MSG_PEEK):
                        return
                    serve(end)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            with socket.create_connection(listener.getsockname(), LIMIT):
                pass
            thread.join(LIMIT)
            assert not thread.is_alive()


def one_request(address: tuple[str, int]) -> Seen:
    """Ask once on a new connection."""
    with Pool(address) as pool:
        pool.ask(pool.open(), get("/"))
        return ended(pool)


def ended(pool: Pool) -> Seen:
    """Wait for the end of a request."""
    for _ in range(100):
        seen = pool.turn(LIMIT)
        if seen:
            return seen[0]
    raise AssertionError("nothing ended")


def replying(*pieces: bytes) -> Callable[[socket.socket], None]:
    """Send pieces once a request is there, and close."""

    def serve(end: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += end.recv(65536)
        for piece in pieces:
            end.sendall(piece)

    return serve


def test_an_answer_is_whole_when_its_length_is_there():
    with listening(replying(ANSWER[:20], ANSWER[20:50], ANSWER[50:])) as address:
        seen = one_request(address)
    assert (seen.status, seen.header("x-worker"), seen.lost, seen.kept) == (200, "7", "", True)
    assert seen.seconds > 0


def test_an_answer_without_a_length_ends_with_its_connection():
    with listening(replying(b"HTTP/1.0 503 No\r\n\r\n", b"sorry")) as address:
        seen = one_request(address)
    assert (seen.status, seen.lost, seen.kept) == (503, "", False)


def test_a_connection_that_the_server_wants_to_close_is_not_kept():
    answer = ANSWER.replace(b"X-Worker: 7", b"Connection: close")
    with listening(replying(answer)) as address:
        assert not one_request(address).kept


@pytest.mark.parametrize("piece", [b"", ANSWER[:30], ANSWER[:-1]])
def test_a_connection_that_ends_before_its_answer_is_cut(piece):
    with listening(replying(piece)) as address:
        seen = one_request(address)
    assert (seen.status, seen.lost, seen.kept) == (0, CUT, False)


def test_a_port_that_nobody_listens_on_refuses():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert one_request(unused.getsockname()).lost == REFUSED


def test_a_request_that_is_larger_than_the_socket_takes_goes_out_in_pieces():
    received = []

    def serve(end: socket.socket) -> None:
        while sum(map(len, received)) < 8_000_000:
            received.append(end.recv(65536))
        end.sendall(ANSWER)

    with listening(serve) as address, Pool(address) as pool:
        pool.ask(pool.open(), b"x" * 8_000_000)
        assert ended(pool).status == 200


def test_a_kept_connection_is_asked_again():
    def serve(end: socket.socket) -> None:
        while end.recv(65536):
            end.sendall(ANSWER)

    with listening(serve) as address, Pool(address) as pool:
        connection = pool.open()
        for _ in range(3):
            pool.ask(connection, get("/"))
            assert ended(pool).kept
        assert connection.asked == 3


def test_a_wait_counts_from_when_the_request_was_due():
    with listening(replying(ANSWER)) as address, Pool(address) as pool:
        pool.ask(pool.open(), get("/"), due=-1000.0)
        assert ended(pool).seconds > 1000


def test_nothing_is_left_open():
    with listening(lambda end: None) as address:
        with Pool(address) as pool:
            ends = [pool.open().end for _ in range(3)]
        assert [end.fileno() for end in ends] == [-1, -1, -1]
