"""The guest book in Django's admin site."""

from django.contrib import admin

from guestbook.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """Entries, newest first, searchable."""

    list_display = ("name", "message", "created")
    search_fields = ("name", "message")
