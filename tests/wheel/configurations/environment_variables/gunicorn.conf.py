raw_env = [
    "DJANGO_SETTINGS_MODULE=shop.settings.production",
    "TZ=UTC",
    "EMPTY=",
    "WITH_EQUALS=a=b",
]
