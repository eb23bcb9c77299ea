import os

import greeting


def get_application(name):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{greeting.WORD} from {name} in {os.path.basename(os.getcwd())}\n".encode()]

    return application
