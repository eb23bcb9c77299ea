"""Start a server that has no usable command line: `python c_server.py SERVER APPLICATION ADDRESS`.

ADDRESS is HOST:PORT or unix:PATH. Run by the peers' Python, in the application's folder.
"""

import importlib
import sys


def main(server: str, application: str, address: str) -> None:
    """Import the application as `module:name` and serve it."""
    # As a script's folder stands first, this one's modules would shadow the application's.
    sys.path[0] = ""
    module, _, name = application.partition(":")
    app = getattr(importlib.import_module(module), name)
    host, _, port = address.rpartition(":")
    place = (address,) if address.startswith("unix:") else (host, int(port))
    importlib.import_module(server).run(app, *place)


if __name__ == "__main__":
    main(*sys.argv[1:])
