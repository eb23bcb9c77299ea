import os

log_directory = os.environ.get("LOG_DIRECTORY", "/var/log/shop")
errorlog = os.path.join(log_directory, "error.log")
accesslog = os.path.join(log_directory, "access.log")
access_log_format = '%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s'
loglevel = "info"
pidfile = "server.pid"
