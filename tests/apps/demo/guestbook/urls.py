"""The addresses of the guest book."""

from django.urls import path

from guestbook import views

urlpatterns = [
    path("", views.index, name="index"),
    path("entries/", views.entries, name="entries"),
    path("visits/", views.visits, name="visits"),
    path("private/", views.private, name="private"),
    path("upload/", views.upload, name="upload"),
    path("stream/", views.stream, name="stream"),
    path("download/", views.download, name="download"),
    path("json/", views.json, name="json"),
    path("sleep/", views.sleep, name="sleep"),
    path("fail/", views.fail, name="fail"),
]
