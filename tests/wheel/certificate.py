"""Certificates of our own making."""

import ssl
import subprocess

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def certificate(folder, *names):
    """A certificate for these names (else this machine), signed by itself, and its key: paths."""
    folder.mkdir(exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = [f"DNS:{name}" for name in names] or ["DNS:localhost", "IP:127.0.0.1"]
    who = ["-subj", f"/CN={names[0][4:]}", "-addext", f"subjectAltName={','.join(names)}"]
    # From 3.13 on Python believes no authority that does not say that it is one.
    use = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    files = ["-keyout", str(key), "-out", str(cert), "-days", "30"]
    _openssl("req", "-x509", *EC, *who, *use, *files)
    return cert, key


def vouched(folder, subject, authority, extension="keyUsage=digitalSignature"):
    """A certificate for somebody, signed by this pair, and its key: paths."""
    folder.mkdir(exist_ok=True)
    cert, key, request = folder / "cert.pem", folder / "key.pem", folder / "request.pem"
    _openssl("req", *EC, "-subj", subject, "-keyout", str(key), "-out", str(request))
    extensions = folder / "extensions"
    extensions.write_text(f"authorityKeyIdentifier=keyid\n{extension}\n")
    signed = ["-CA", str(authority[0]), "-CAkey", str(authority[1]), "-set_serial", "0x2a"]
    files = ["-in", str(request), "-out", str(cert), "-days", "9", "-extfile", str(extensions)]
    _openssl("x509", "-req", *signed, *files)
    return cert, key


def encrypted(key, password):
    """The same key, to be opened by a password; its path."""
    closed = key.with_name("encrypted.pem")
    files = ["-in", str(key), "-out", str(closed)]
    _openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{password}", *files)
    return closed


def pem(path):
    """A file as Python writes it."""
    return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(path.read_text()))


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
