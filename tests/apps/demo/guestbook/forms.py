"""The forms of the site."""

from django import forms

from guestbook.models import Entry


class EntryForm(forms.ModelForm):
    """A new entry of the guest book."""

    class Meta:
        model = Entry
        fields = ("name", "message")
        widgets = {"message": forms.Textarea(attrs={"rows": 3})}  # noqa: RUF012 (Django's way)


class UploadForm(forms.Form):
    """One file of any size."""

    file = forms.FileField()
