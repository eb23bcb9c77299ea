import os

statsd_host = "{}:{}".format(os.environ.get("STATSD_HOST", "localhost"), 8125)
statsd_prefix = "shop.web"
dogstatsd_tags = "env:production,service:shop"
workers = 2
