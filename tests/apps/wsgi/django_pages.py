"""The pages of `pages` by Django."""

import django
import pages
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import etag


def environ(request):
    """What Django got from the server, and its cookies."""
    return JsonResponse({**pages.shown(request.META), "cookies": request.COOKIES})


def digest(request):
    """What came in the body."""
    return JsonResponse(pages.digest(request))


def meet(request):
    """Four at once, or none."""
    pages.meet()
    return HttpResponse("met")


@etag(lambda request: pages.TAG)
def page(request):
    """A page that varies by its visitor."""
    return HttpResponse(pages.PAGE, headers={"Vary": "Cookie"})


def fixed(request):
    """A page that says of itself that nobody is to change it."""
    return HttpResponse(pages.PAGE, headers={"Cache-Control": "no-transform"})


def login(request):
    """A page that begins a session."""
    response = HttpResponse(pages.PAGE)
    response.set_cookie("session", "secret")
    return response


@gzip_page
def own(request):
    """A page that Django's GZipMiddleware compresses."""
    return HttpResponse(pages.PAGE)


def events(request):
    """Events as they come."""
    pieces = pages.events(request.GET["pipe"])
    return StreamingHttpResponse(pieces, content_type="text/event-stream")


def endless(request):
    """A download without an end."""
    pieces = pages.endless(request.GET["name"])
    return StreamingHttpResponse(pieces, content_type="text/plain")


def broken(request):
    """A download that breaks off."""
    return StreamingHttpResponse(pages.broken(), content_type="text/plain")


def file(request):
    """A file that Django hands over."""
    return FileResponse(open(request.GET["path"], "rb"), content_type="text/plain")


def named(request):
    """A file that Django only names."""
    target = {"X-Accel-Redirect": request.GET["path"]}
    return HttpResponse(headers=target, content_type="text/plain")


VIEWS = [environ, digest, meet, page, fixed, login, own, events, endless, broken, file, named]
urlpatterns = [path(view.__name__, view) for view in VIEWS]

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
)
django.setup()

application = WSGIHandler()
