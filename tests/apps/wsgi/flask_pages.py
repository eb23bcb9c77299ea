"""The pages of `pages` by Flask."""

import gzip

import pages
from flask import Flask, Response, jsonify, request, send_file

application = Flask(__name__)


@application.get("/environ")
def environ():
    """What Flask got from the server, and its cookies."""
    return jsonify({**pages.shown(request.environ), "cookies": request.cookies})


@application.post("/digest")
def digest():
    """What came in the body."""
    return jsonify(pages.digest(request.stream))


@application.get("/meet")
def meet():
    """Four at once, or none."""
    pages.meet()
    return "met"


@application.get("/page")
def page():
    """A page that varies by its visitor."""
    response = Response(pages.PAGE, headers={"Vary": "Cookie", "ETag": pages.TAG})
    return response.make_conditional(request)


@application.get("/fixed")
def fixed():
    """A page that says of itself that nobody is to change it."""
    return Response(pages.PAGE, headers={"Cache-Control": "no-transform"})


@application.route("/login", methods=["GET", "POST"])
def login():
    """A page that begins a session."""
    response = Response(pages.PAGE)
    response.set_cookie("session", "secret")
    return response


@application.get("/own")
def own():
    """A page that the site compresses itself."""
    body = gzip.compress(pages.PAGE.encode())
    return Response(body, headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})


@application.get("/events")
def events():
    """Events as they come."""
    return Response(pages.events(request.args["pipe"]), mimetype="text/event-stream")


@application.get("/endless")
def endless():
    """A download without an end."""
    return Response(pages.endless(request.args["name"]), mimetype="text/plain")


@application.get("/broken")
def broken():
    """A download that breaks off."""
    return Response(pages.broken(), mimetype="text/plain")


@application.get("/file")
def file():
    """A file that Flask hands over."""
    return send_file(request.args["path"], mimetype="text/plain")


@application.get("/named")
def named():
    """A file that Flask only names."""
    target = {"X-Accel-Redirect": request.args["path"]}
    return Response(headers=target, mimetype="text/plain")
