"""The raw requests of `tests/requests`, whose `mod.rs` describes their files and reads them for the
Rust tests."""

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "requests"
TOPICS = sorted(path.stem for path in FOLDER.glob("*.txt"))

MARKER = b"zzEchozz"
"""What no answer to a refused request may contain."""

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\", "{": b"{", "}": b"}"}
PIECE = re.compile(r"\{([^}]*?)\*(\d+)\}|\\x([0-9a-fA-F]{2})|\\([rnt\\{}])|([^{\\]+)")


@dataclass
class Case:
    """One connection: what is sent, and what is to come back."""

    name: str
    sent: bytes = b""
    half_closes: bool = False
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    closed: bool = False

    @property
    def stays(self):
        """Whether the connection takes one more request."""
        refused = any(status != 200 for status, _ in self.answers)
        return not (self.closed or self.half_closes or refused)


def cases(topic):
    """All cases of one file."""
    found = []
    # Latin-1 keeps every byte what it is.
    for line in (FOLDER / f"{topic}.txt").read_bytes().decode("latin-1").split("\n"):
        if not line or line.startswith("# "):
            continue
        if line.startswith("--- "):
            found.append(Case(line.removeprefix("--- ")))
        else:
            _add(found[-1], line)
    return found


def _add(case, line):
    if line == "<half-close>":
        case.half_closes = True
    elif line == "=> closed":
        case.closed = True
    elif line.startswith("=> "):
        status, _, text = line.removeprefix("=> ").partition(" ")
        case.answers.append((int(status), _raw(text)))
    else:
        case.sent += _raw(line)


def _raw(text):
    """The bytes that a line stands for."""
    found, place = [], 0
    while place < len(text):
        match = PIECE.match(text, place)
        assert match, f"`{text[place:]}` cannot be read"
        piece, times, digits, letter, plain = match.groups()
        if times:
            found.append(_raw(piece) * int(times))
        elif digits:
            found.append(bytes.fromhex(digits))
        else:
            found.append(ESCAPES[letter] if letter else plain.encode("latin-1"))
        place = match.end()
    return b"".join(found)
