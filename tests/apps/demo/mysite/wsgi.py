"""The WSGI application: Django, with the collected static files in front of it."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# Around Django rather than in its MIDDLEWARE, so that the site keeps Django's default seven.
application = WhiteNoise(get_wsgi_application(), root=settings.STATIC_ROOT, prefix="static/")
