"""Pebble, an authority for tests, with a name server that leads every name to this machine."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import urllib.request

from certificate import certificate, vouched

ATTEMPTS = 10
"""How often other ports are tried: one that is free may be taken before the authority has it."""


class Authority:
    """Gives certificates to whoever shows the proof at `port` of this machine."""

    def __init__(self, folder):
        self._folder, self._processes = folder, []
        root = certificate(folder / "root", "root")
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        self._pair = vouched(folder / "own", "/CN=localhost", root, names)
        self.root = root[0]
        """By which its own certificate is known."""
        self.issuer = folder / "issuer.pem"
        """By which those are known that it gives."""
        # Nobody else gets this port but who shares it.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]

    def __enter__(self):
        try:
            for _ in range(ATTEMPTS):
                if self._launch():
                    return self
                self._end()
        except BaseException:
            self.__exit__()
            raise
        raise AssertionError("no free ports")

    def __exit__(self, *error):
        self._end()
        self._held.close()

    def _launch(self):
        """Start both programs; false if a port was taken meanwhile."""
        names, api, management = free_ports(3)
        self.url = f"https://localhost:{api}/dir"
        settings = {
            "listenAddress": f"127.0.0.1:{api}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(self._pair[0]),
            "privateKey": str(self._pair[1]),
            "httpPort": 1,
            "tlsPort": self.port,
        }
        (self._folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        nothing = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", "127.0.0.1:0"]
        every = ["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]
        server = f"127.0.0.1:{names}"
        self._run("pebble-challtestsrv", *every, "-dns01", server, *nothing)
        self._run("pebble", "-config", "pebble.json", "-dnsserver", server)
        if not all(self._answers(port) for port in (names, api, management)):
            return False
        self.issuer.write_bytes(self._fetch(f"https://localhost:{management}/roots/0"))
        return True

    def _run(self, *command):
        # It waits, and refuses now and then, so that clients learn to; both tell nothing here.
        environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)

    def _answers(self, port):
        """Whether somebody listens there before one of the programs ends."""
        while all(process.poll() is None for process in self._processes):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                return True
        return False

    def _fetch(self, url):
        own = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.root))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), own)
        with opener.open(url) as answer:
            return answer.read()

    def _end(self):
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()


def free_ports(count):
    """Ports that nobody has for now."""
    with contextlib.ExitStack() as stack:
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        for opened in sockets:
            stack.enter_context(opened)
        return [opened.getsockname()[1] for opened in sockets]
