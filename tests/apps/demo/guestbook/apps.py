"""The application's name for Django."""

from django.apps import AppConfig


class GuestbookConfig(AppConfig):
    """A guest book, and one view for each kind of answer that a server has to carry."""

    name = "guestbook"
