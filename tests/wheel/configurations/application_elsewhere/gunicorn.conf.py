from pathlib import Path

here = Path(__file__).resolve().parent
chdir = str(here / "src")
pythonpath = str(here / "vendor")
wsgi_app = "shop.wsgi:get_application('main')"
