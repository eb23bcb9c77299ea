# nginx ends TLS and speaks to this server over a socket file.
bind = "unix:/run/shop/gunicorn.sock"
umask = 0o027
workers = 2
threads = 2
forwarded_allow_ips = "127.0.0.1"
proxy_allow_ips = "127.0.0.1"
secure_scheme_headers = {
    "X-FORWARDED-PROTOCOL": "ssl",
    "X-FORWARDED-PROTO": "https",
    "X-FORWARDED-SSL": "on",
}
limit_request_line = 8190
