import os

environment = os.environ.get("FLASK_ENV", "production")


class Base:
    workers = 1
    threads = 1
    accesslog = None


class Production(Base):
    workers = 2
    threads = 4


class Development(Base):
    accesslog = "-"


chosen = {"production": Production, "development": Development}[environment]
locals().update({name: getattr(chosen, name) for name in dir(chosen) if name[0] != "_"})
if environment == "development":
    reload = True
    reload_extra_files = ["settings.json"]
    loglevel = "debug"
