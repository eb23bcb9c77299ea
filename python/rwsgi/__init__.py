"""rwsgi: a pre-fork WSGI application server. Start it with `rwsgi` or `python -m rwsgi`."""

from rwsgi._rwsgi import RequestTimeout, __version__

__all__ = ["RequestTimeout", "__version__"]
