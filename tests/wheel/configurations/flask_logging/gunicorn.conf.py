loglevel = "warning"
errorlog = "-"
accesslog = None
