import json
import os

__here = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(__here, "server.json")) as file:
    globals().update(json.load(file))
