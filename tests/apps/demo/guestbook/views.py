"""One view for each kind of answer that a server has to carry."""

import hashlib
import os
import time
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from guestbook.forms import EntryForm, UploadForm
from guestbook.models import Entry

STYLE_SHEET = Path(__file__).parent / "static" / "guestbook" / "style.css"
LONGEST_SLEEP = 120.0


@require_safe
def index(request):
    """The start page."""
    return render(request, "guestbook/index.html", {"worker": os.getpid()})


@require_http_methods(["GET", "POST"])
def entries(request):
    """List the guest book and add to it."""
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("entries")
    return render(request, "guestbook/entries.html", {"form": form, "entries": Entry.objects.all()})


@require_safe
def visits(request):
    """Count this visitor's calls in the session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return render(request, "guestbook/visits.html", {"visits": request.session["visits"]})


@require_safe
@login_required
def private(request):
    """A page for those who are logged in."""
    return render(request, "guestbook/private.html")


@require_http_methods(["GET", "POST"])
def upload(request):
    """Say what arrived of an uploaded file."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        return JsonResponse({"name": file.name, "size": file.size, "sha256": digest.hexdigest()})
    return render(request, "guestbook/upload.html", {"form": form})


@require_safe
def stream(request):
    """Send a hundred lines, each as soon as it is made."""
    lines = (f"line {number}\n" for number in range(1, 101))
    return StreamingHttpResponse(lines, content_type="text/plain")


@require_safe
def download(request):
    """Send a file from the disk as an attachment."""
    return FileResponse(STYLE_SHEET.open("rb"), as_attachment=True, filename="style.css")


@require_safe
def json(request):
    """A small JSON answer."""
    return JsonResponse({"message": "hello", "numbers": [1, 2, 3]})


@require_safe
def sleep(request):
    """Answer late: `?seconds=2`."""
    seconds = min(float(request.GET.get("seconds", "1")), LONGEST_SLEEP)
    time.sleep(seconds)
    return JsonResponse({"slept": seconds})


@require_safe
def fail(request):
    """Raise, to show where the traceback goes."""
    raise RuntimeError("this view fails on purpose")
