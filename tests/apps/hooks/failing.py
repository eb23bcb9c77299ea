"""Raises; sentry-sdk's middleware sees it."""

from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware


def _application(environ, start_response):
    raise ValueError("on purpose")


application = SentryWsgiMiddleware(_application)
