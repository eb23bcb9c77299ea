errorlog = "all.log"
capture_output = True
enable_stdio_inheritance = True
