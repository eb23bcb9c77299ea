"""What the shop sells."""

from django.db import models


class Item(models.Model):
    """One thing on the shelf."""

    name = models.CharField(max_length=80)
    text = models.TextField()
    cents = models.IntegerField()
    stock = models.IntegerField()

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return self.name
