"""A Django site with nothing but files: the environment says which settings it has.

FILES        the directory of both roots: `static/` and `uploads/`
OVERRIDES    more settings, as JSON
WHITENOISE   put it around the application
LINK_EARLY   a file whose URL the site makes when it is loaded
"""

import json
import os
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import re_path
from whitenoise import WhiteNoise

FILES = Path(os.environ["FILES"])


def named(request):
    """Answer with the path, as the site sees it."""
    return HttpResponse(f"django {request.path_info}")


def linked(request):
    """Answer with the URL that a page has for this file."""
    return HttpResponse(static(request.GET["name"]))


def left_to_whitenoise(get_response):
    """Stand for WhiteNoise in MIDDLEWARE, where only its name counts."""
    return get_response


urlpatterns = [re_path("^linked$", linked), re_path("", named)]

settings.configure(
    **{
        "ALLOWED_HOSTS": ["*"],
        "ROOT_URLCONF": __name__,
        "INSTALLED_APPS": ["django.contrib.staticfiles"],
        "STATIC_URL": "static/",
        "STATIC_ROOT": FILES / "static",
        "MEDIA_URL": "/media/",
        "MEDIA_ROOT": str(FILES / "uploads"),
        **json.loads(os.environ.get("OVERRIDES", "{}")),
    }
)
django.setup()

if name := os.environ.get("LINK_EARLY"):
    static(name)

application = WSGIHandler()
if "WHITENOISE" in os.environ:
    application = WhiteNoise(application)
