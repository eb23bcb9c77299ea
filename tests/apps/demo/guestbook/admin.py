"""The guest book in Django's admin site."""

from django.contrib import admin

from guestbook.models import Document, Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """Entries, newest first, searchable."""

    list_display = ("name", "message", "created")
    search_fields = ("name", "message")


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):
    """Uploaded files, with links to them."""

    list_display = ("title", "file")
