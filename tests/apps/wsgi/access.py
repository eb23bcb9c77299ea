"""What the access log shows: answers of every kind, and an environ that the application changes."""

from routes import Routes, answer

application = Routes()


class Named:
    """An object that is shown by its `str`."""

    def __str__(self):
        return "named"


@application.add("/shown")
def shown(environ, start_response):
    environ["access.user"] = "alice"
    environ["access.number"] = 7
    environ["access.object"] = Named()
    start_response("200 OK", [("X-Out", "of the app"), ("X-Quoted", 'a "b"')])
    return [b"shown"]


@application.add("/streamed")
def streamed(environ, start_response):
    start_response("200 OK", [])
    return iter([b"one", b"two", b"three"])


@application.add("/created")
def created(environ, start_response):
    start_response("201 Created", [("Content-Length", "0")])
    return []


@application.add("/nothing")
def nothing(environ, start_response):
    start_response("204 No Content", [])
    return []


@application.add("/printed")
def printed(environ, start_response):
    print("printed", flush=True)
    print("to errors", file=environ["wsgi.errors"], flush=True)
    return answer(start_response, b"")
