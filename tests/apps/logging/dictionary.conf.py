"""A configuration with objects that JSON cannot hold."""

import logging

import shown


class Numbered(logging.Filter):
    """Adds to each record."""

    def filter(self, record):
        record.msg = f"numbered: {record.msg}"
        return True


logconfig_dict = {
    **shown.CONFIG,
    "filters": {"numbered": {"()": Numbered}},
    "handlers": {"shown": {"()": shown.Shown, "filters": ["numbered"]}},
}
