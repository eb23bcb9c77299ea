"""Certificates for the scenes with TLS: made anew in each run, by openssl."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from session import BenchError

KINDS = {
    "ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa": ("rsa:2048",),
}
NAMES = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")


@dataclass(frozen=True)
class Pair:
    """The files of one certificate. `kind` is one of `KINDS`: ECDSA on P-256, or RSA 2048."""

    kind: str
    folder: Path

    @property
    def certificate(self) -> Path:
        """Return the file of the certificate, which has signed itself."""
        return self.folder / f"{self.kind}.pem"

    @property
    def key(self) -> Path:
        """Return the file of the key."""
        return self.folder / f"{self.kind}.key"


def make(one: Pair) -> None:
    """Make a key and a certificate. Raises `BenchError` when that cannot be done."""
    program = shutil.which("openssl")
    if program is None:
        raise BenchError("`openssl` is missing: sudo apt-get install openssl")
    one.folder.mkdir(parents=True, exist_ok=True)
    new = ["req", "-x509", "-nodes", "-days", "2", "-newkey", *KINDS[one.kind]]
    files = ["-keyout", str(one.key), "-out", str(one.certificate)]
    done = subprocess.run(
        [program, *new, *files, *NAMES], capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0:
        raise BenchError(f"openssl makes no certificate: {done.stderr.strip()[-300:]}")
