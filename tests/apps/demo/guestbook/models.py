"""What the guest book stores."""

from django.db import models


class Entry(models.Model):
    """One message of a visitor."""

    name = models.CharField(max_length=80)
    message = models.TextField(max_length=2000)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created", "-pk")
        verbose_name_plural = "entries"

    def __str__(self):
        return f"{self.name}: {self.message[:40]}"


class Document(models.Model):
    """A file that an administrator has uploaded."""

    title = models.CharField(max_length=80)
    file = models.FileField(upload_to="documents/")

    class Meta:
        ordering = ("title",)

    def __str__(self):
        return self.title
