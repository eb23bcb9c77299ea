"""The client's side of TLS."""

import functools
import ssl

import client

PROTOCOLS = ["h2", "http/1.1"]


class Secured:
    """Makes sockets those of TLS: whom it believes, what it shows of itself, what it can speak."""

    def __init__(self, authority, *, own=None, version=None, protocols=()):
        self.context = ssl.create_default_context(cafile=authority)
        if own:
            self.context.load_cert_chain(*own)
        if version:
            self.context.minimum_version = self.context.maximum_version = version
        if protocols:
            self.context.set_alpn_protocols(protocols)

    def __call__(self, plain, name="localhost", session=None):
        """The same socket, once both sides have agreed."""
        return self.context.wrap_socket(plain, server_hostname=name, session=session)

    def asking(self, name, session=None):
        """What asks for the site of that name, and goes on with an earlier session."""
        return functools.partial(self, name=name, session=session)


def certificate_of(server, name):
    """What a client that believes everybody is shown."""
    anybody = Secured(None)
    anybody.context.check_hostname, anybody.context.verify_mode = False, ssl.CERT_NONE
    with server.connect(anybody.asking(name)) as connection:
        der = connection.socket.getpeercert(binary_form=True)
        assert connection.send(client.message("GET", "/")).response().status == 200
    return ssl.DER_cert_to_PEM_cert(der)


def secure(pair):
    """How a server is told to speak HTTP/2 over TLS, and a client that does."""
    arguments = ["--certfile", str(pair[0]), "--keyfile", str(pair[1])]
    return [*arguments, "--http-protocols", "h2,h1"], Secured(pair[0], protocols=PROTOCOLS)
