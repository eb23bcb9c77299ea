"""Two pages: rows through a template, and rows from a database that takes its time."""

from django.db import connection
from django.http import JsonResponse
from django.shortcuts import render

from shop.models import Item

WAIT_SECONDS = 0.005
"""What the database takes, as one does that is on another machine or has something to look for."""


def items(request):
    """List the twelve rows."""
    return render(request, "shop/items.html", {"items": Item.objects.all()})


def stock(request):
    """Say what is left of the twelve rows, after a wait in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [WAIT_SECONDS])
    return JsonResponse({"stock": list(Item.objects.values("name", "stock"))})
