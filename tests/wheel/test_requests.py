"""Every raw request of `tests/requests`, whole, at an application under wsgiref's validator."""

import contextlib
import socket

import pytest
from cases import MARKER, TOPICS, cases

APP = "seen"

# Sent behind a case whose connection stays: answered, it shows that nothing of the case is left.
PROBE = b"GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
PROBED = (200, b"GET /probe host=probe body=")
PAGE = 1024


@pytest.mark.parametrize("topic", TOPICS)
def test_every_case_is_answered_as_written(server, topic):
    found = [complaint for case in cases(topic) if (complaint := _complaint(server, case))]
    assert not found, "\n".join(found)
    assert "Traceback" not in server.log.text


def test_there_are_many_cases():
    assert sum(len(cases(topic)) for topic in TOPICS) >= 600


def _complaint(server, case):
    """What is wrong with the answers, None when nothing is."""
    try:
        answers = _exchange(server, case)
    except (AssertionError, OSError) as error:
        return f"{case.name}: {error}"
    expected = case.answers + [PROBED] * case.stays
    statuses = [status for status, _ in expected]
    if (found := [answer.status for answer in answers]) != statuses:
        return f"{case.name}: answered {found} instead of {statuses}"
    for answer, (status, text) in zip(answers, expected, strict=True):
        if status == 200 and answer.body != text:
            return f"{case.name}: the application saw {answer.body[:200]} instead of {text[:200]}"
        if status != 200 and (lacking := _lacking(answer)):
            return f"{case.name}: the answer lacks {lacking}: {answer}"
    return None


def _exchange(server, case):
    """All answers but the interim ones, until the server closes."""
    answers = []
    with server.connect() as connection:
        # The server may have closed already.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(case.sent + PROBE * case.stays)
            if case.half_closes:
                connection.socket.shutdown(socket.SHUT_WR)
        while not connection.at_end():
            answer = connection.response()
            assert answer.complete, "the body of an answer breaks off"
            if answer.status >= 200:
                answers.append(answer)
    return answers


def _lacking(answer):
    """What an answer of the server itself has to have, and does not."""
    wanted = {
        "Date": answer.header("Date"),
        "Server": answer.header("Server"),
        "Connection: close": answer.header("Connection") == "close",
        "a length": answer.framing == "length" and answer.body,
        "a small text": (answer.header("Content-Type") or "").startswith("text/")
        and len(answer.body) <= PAGE,
        "nothing of the request": MARKER not in answer.body
        and not any(MARKER.decode() in value for _, value in answer.headers),
        "a version that we speak": answer.version in ("HTTP/1.1", "HTTP/1.0"),
    }
    return ", ".join(name for name, there in wanted.items() if not there)
