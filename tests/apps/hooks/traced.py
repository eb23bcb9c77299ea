"""An application behind OpenTelemetry's middleware."""

import os

from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware


def _application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


application = OpenTelemetryMiddleware(_application)
