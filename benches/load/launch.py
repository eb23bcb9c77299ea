"""Start a server that has no usable command line: `python launch.py SERVER APPLICATION PORT`.

Run as a program of the peers' environment, in the application's folder.
"""

import importlib
import sys


def main(server: str, application: str, port: int) -> None:
    """Import the application as `module:name` and serve it on the loopback address."""
    # As a script's folder stands first, this one's modules would shadow the application's.
    sys.path[0] = ""
    module, _, name = application.partition(":")
    app = getattr(importlib.import_module(module), name)
    if server == "bjoern":
        importlib.import_module("bjoern").run(app, "127.0.0.1", port)
    else:
        importlib.import_module("fastwsgi").run(app, "127.0.0.1", port)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
