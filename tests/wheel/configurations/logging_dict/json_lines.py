"""A formatter such as every project has one."""

import json
import logging


class Formatter(logging.Formatter):
    """One JSON object for each record; the atoms of an access record as fields."""

    def format(self, record):
        """Give the line of this record."""
        fields = {"logger": record.name, "level": record.levelname, "message": record.getMessage()}
        if record.name == "gunicorn.access":
            atoms = record.args
            fields |= {"method": atoms["m"], "path": atoms["U"], "status": atoms["s"]}
        return json.dumps(fields)
