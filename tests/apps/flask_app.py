"""One Flask application: JSON, form, stream and upload."""

import hashlib

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.get("/json")
def json():
    """A small JSON answer."""
    return jsonify(message="hello", numbers=[1, 2, 3])


@app.post("/form")
def form():
    """The fields of a form, as they came."""
    return jsonify(request.form.to_dict())


@app.get("/stream")
def stream():
    """Three chunks."""
    return Response((f"line {number}\n" for number in range(3)), mimetype="text/plain")


@app.post("/upload")
def upload():
    """What arrived of an uploaded file."""
    file = request.files["file"]
    data = file.read()
    return jsonify(name=file.filename, size=len(data), sha256=hashlib.sha256(data).hexdigest())


@app.get("/fail")
def fail():
    """Raise, to see the 500 and the traceback."""
    raise RuntimeError("this view fails on purpose")
