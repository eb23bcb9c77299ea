from typing import ClassVar

__version__: str

class RequestTimeout(BaseException):
    """Raised in a request that has run for longer than `--timeout`; its client has got 504 already.

    Not an `Exception`, so that nobody takes it for a failure that can be answered.
    """

    limit: ClassVar[float | None]
    """The timeout in seconds."""

def main(argv: list[str]) -> int:
    """Run the server for `argv`, program name first; gives the exit code of the process."""
