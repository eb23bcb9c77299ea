complete -c rwsgi -s c -l config -d 'settings: a .py or .toml file, or python:MODULE [default: rwsgi.toml, gunicorn.conf.py]' -r -F
complete -c rwsgi -l chdir -d 'change to this directory before the application is loaded' -r -f -a "(__fish_complete_directories)"
complete -c rwsgi -l pythonpath -d 'directories to put first on the Python path, separated by commas' -r -f
complete -c rwsgi -s e -l env -d 'environment variable to set for the application; repeatable' -r -f
complete -c rwsgi -l python -d 'python or virtual environment to run for; native program only' -r -F
complete -c rwsgi -s b -l bind -d 'listen on HOST:PORT, PORT, [IPV6]:PORT, unix:PATH, unix:@NAME or fd://N; repeatable [default: 0.0.0.0:$PORT, else 127.0.0.1:8000]' -r -f
complete -c rwsgi -l backlog -d 'connections that may wait to be accepted, for each address [default: 2048]' -r -f
complete -c rwsgi -l certfile -d 'speak HTTPS with this certificate (PEM); repeatable' -r -F
complete -c rwsgi -l keyfile -d 'private key of that certificate (PEM); repeatable' -r -F
complete -c rwsgi -l key-password-file -d 'file whose first line is the password of encrypted keys' -r -F
complete -c rwsgi -l tls-min -d 'oldest version of TLS that is spoken: 1.2 or 1.3 [default: 1.2]' -r -f -a "1.2\t''
1.3\t''"
complete -c rwsgi -l ciphers -d 'cipher suites by OpenSSL\'s names, with colons between [default: all that are safe]' -r -f
complete -c rwsgi -l ca-certs -d 'authorities that certificates of clients come from (PEM)' -r -F
complete -c rwsgi -l cert-reqs -d 'certificates of clients: 0 none, 1 optional, 2 required [default: 0]' -r -f
complete -c rwsgi -l https-redirect -d 'answer at this address too, as for --bind, only with the way to HTTPS; repeatable' -r -f
complete -c rwsgi -l hsts -d 'tell browsers to use HTTPS only, for so long (Strict-Transport-Security)' -r -f
complete -c rwsgi -l acme-domain -d 'fetch a certificate for these domains and renew it; repeatable [default: none]' -r -f
complete -c rwsgi -l acme-email -d 'where the authority writes to when something is wrong [default: nowhere]' -r -f
complete -c rwsgi -l acme-dir -d 'where the account and the certificate are kept; --acme-domain needs it' -r -f -a "(__fish_complete_directories)"
complete -c rwsgi -l acme-server -d 'the directory of the authority [default: https://acme-v02.api.letsencrypt.org/directory]' -r -f
complete -c rwsgi -l acme-ca-file -d 'the certificate by which the authority itself is known [default: the system\'s]' -r -F
complete -c rwsgi -l http-protocols -d 'versions of HTTP that TLS offers, the best first: h1, h2 [default: h1]' -r -f
complete -c rwsgi -l http2-cleartext -d 'HTTP/2 without TLS from peers of --forwarded-allow-ips: off, prior-knowledge [default: off]' -r -f
complete -c rwsgi -l http2-max-concurrent-streams -d 'requests at a time in an HTTP/2 connection [default: 100]' -r -f
complete -c rwsgi -l http2-initial-window-size -d 'bytes an HTTP/2 client may send in a request before it must wait [default: 65535]' -r -f
complete -c rwsgi -l http2-max-frame-size -d 'bytes of a frame that an HTTP/2 client may send [default: 16384]' -r -f
complete -c rwsgi -l http2-max-header-list-size -d 'bytes of the headers of an HTTP/2 request; 0: no limit [default: 65536]' -r -f
complete -c rwsgi -s w -l workers -d 'worker processes, or auto [default: $WEB_CONCURRENCY, else 1]' -r -f
complete -c rwsgi -s k -l worker-class -d 'model: sync or gthread, the same here [default: sync]' -r -f -a "sync\t''
gthread\t''"
complete -c rwsgi -l threads -d 'threads that run the application in each worker [default: 1]' -r -f
complete -c rwsgi -l worker-connections -d 'connections that each worker holds at a time [default: 1000]' -r -f
complete -c rwsgi -s t -l timeout -d 'seconds a request may run, then 504; 0: no limit [default: 30]' -r -f
complete -c rwsgi -l timeout-kill -d 'seconds past --timeout, then its worker goes [default: 5]' -r -f
complete -c rwsgi -l slow-log -d 'seconds until a running request is logged; 0: off [default: 0]' -r -f
complete -c rwsgi -l graceful-timeout -d 'seconds requests may still run at a stop [default: 30]' -r -f
complete -c rwsgi -l keep-alive -d 'seconds an idle connection is kept; 0: not at all [default: 5]' -r -f
complete -c rwsgi -l queue-timeout -d 'seconds a request waits for a thread; 0: no limit [default: 30]' -r -f
complete -c rwsgi -l queue-size -d 'requests that wait in a worker, more: 503 [default: 1024]' -r -f
complete -c rwsgi -l boot-timeout -d 'seconds until a worker must be ready; 0: no limit [default: 60]' -r -f
complete -c rwsgi -l max-requests -d 'requests a worker serves; 0: no limit [default: 0]' -r -f
complete -c rwsgi -l max-requests-jitter -d 'up to this many requests more, at random [default: 0]' -r -f
complete -c rwsgi -l max-worker-lifetime -d 'seconds a worker serves; 0: no limit [default: 0]' -r -f
complete -c rwsgi -l max-worker-lifetime-jitter -d 'up to this many seconds more, at random [default: 0]' -r -f
complete -c rwsgi -l max-worker-memory -d 'memory of a worker (RSS); 0: no limit [default: 0]' -r -f
complete -c rwsgi -l reload-surge -d 'extra workers during a reload [default: 1]' -r -f
complete -c rwsgi -l reload-max-unavailable -d 'missing workers during a reload [default: 0]' -r -f
complete -c rwsgi -l preload-warm -d 'paths to request before the workers are forked' -r -f
complete -c rwsgi -l limit-request-line -d 'bytes of a request line; 0: no limit [default: 4094]' -r -f
complete -c rwsgi -l limit-request-fields -d 'headers of a request; 0: no limit [default: 100]' -r -f
complete -c rwsgi -l limit-request-field_size -l limit-request-field-size -d 'bytes of one header; 0: no limit [default: 8190]' -r -f
complete -c rwsgi -l limit-request-body -d 'bytes of a body; 0: no limit [default: 1G]' -r -f
complete -c rwsgi -l limit-connections-per-ip -d 'connections of one client; 0: no limit [default: 256]' -r -f
complete -c rwsgi -l header-timeout -d 'seconds until all headers are there; 0: no limit [default: 10]' -r -f
complete -c rwsgi -l body-timeout -d 'seconds of silence in a body; 0: no limit [default: 30]' -r -f
complete -c rwsgi -l body-min-rate -d 'average bytes per second of a body; 0: no limit [default: 500]' -r -f
complete -c rwsgi -l body-grace -d 'seconds before --body-min-rate counts; 0: at once [default: 10]' -r -f
complete -c rwsgi -l write-timeout -d 'seconds a response may stand still; 0: no limit [default: 60]' -r -f
complete -c rwsgi -l body-memory -d 'memory of a worker for bodies, then files; 0: no limit [default: 64M]' -r -f
complete -c rwsgi -l response-buffer -d 'memory of a streamed response, then a file; 0: no limit [default: 1M]' -r -f
complete -c rwsgi -l response-temp-max -d 'size of a streamed response\'s file; 0: no limit [default: 1G]' -r -f
complete -c rwsgi -l body-temp-dir -d 'directory of temporary files [default: the system\'s]' -r -f -a "(__fish_complete_directories)"
complete -c rwsgi -l sendfile-root -d 'what X-Accel-Redirect, X-Sendfile may name; repeatable' -r -f
complete -c rwsgi -l static -d 'send the files of DIR below /PREFIX without the application; repeatable' -r -f
complete -c rwsgi -l media -d 'the same for files that visitors have uploaded; repeatable' -r -f
complete -c rwsgi -l django-static -d 'serve STATIC_ROOT at STATIC_URL: auto, on, off; alone: on [default: auto]' -r -f -a "auto\t''
on\t''
off\t''"
complete -c rwsgi -l static-index -d 'file that is sent for its directory, such as index.html [default: none]' -r -f
complete -c rwsgi -l static-max-age -d 'how long clients may keep a file without asking; 0: not at all [default: 60]' -r -f
complete -c rwsgi -l static-miss -d 'what a path below a prefix is that names no file: 404, or one for the app [default: 404]' -r -f -a "404\t''
app\t''"
complete -c rwsgi -l static-cache -d 'memory of a worker for files of up to 1M that are wanted often; 0: none [default: 32M]' -r -f
complete -c rwsgi -l compress-codings -d 'which codings, the preferred one first [default: zstd,br,gzip]' -r -f
complete -c rwsgi -l compress-level -d 'from 1, little work, to 9, small responses [default: 5]' -r -f
complete -c rwsgi -l compress-min-size -d 'leave responses with fewer bytes as they are; 0: none [default: 1024]' -r -f
complete -c rwsgi -l compress-types -d 'which media types, `text/*` for a family; `default`: text of all kinds [default: default]' -r -f
complete -c rwsgi -l forwarded-allow-ips -d 'trusted proxies: addresses, networks, unix or * [default: $FORWARDED_ALLOW_IPS, else 127.0.0.1,::1,unix]' -r -f
complete -c rwsgi -l secure-scheme-headers -d 'headers by which trusted proxies say https [default: X-FORWARDED-PROTOCOL=ssl, X-FORWARDED-PROTO=https, X-FORWARDED-SSL=on]' -r -f
complete -c rwsgi -l forwarder-headers -d 'names with an underscore that trusted proxies may send [default: SCRIPT_NAME,PATH_INFO]' -r -f
complete -c rwsgi -l header-map -d 'other names with an underscore: drop, refuse or dangerous [default: drop]' -r -f -a "drop\t''
refuse\t''
dangerous\t''"
complete -c rwsgi -l proxy-protocol -d 'PROXY protocol: off, v1, v2, auto; alone: auto [default: off]' -r -f -a "off\t''
v1\t''
v2\t''
auto\t''"
complete -c rwsgi -l proxy-allow-from -d 'senders of PROXY headers: addresses, networks, unix or * [default: 127.0.0.1,::1,unix]' -r -f
complete -c rwsgi -l root-path -d 'SCRIPT_NAME of the application [default: $SCRIPT_NAME]' -r -F
complete -c rwsgi -l allow-host -d 'answer only requests for these hosts, others 421; repeatable [default: all]' -r -f
complete -c rwsgi -l deny-path -d 'answer 404 for paths such as *.php,/.env,/wp-*; repeatable [default: none]' -r -f
complete -c rwsgi -l rate-limit -d 'requests of one client, such as 20r/s or 100r/m,burst=200 [default: any number]' -r -f
complete -c rwsgi -l rate-limit-path -d 'the same for a path and what lies below, such as /login/=5r/m; repeatable' -r -f
complete -c rwsgi -l header -d 'add `Name: value` to every answer that has no such header; repeatable' -r -f
complete -c rwsgi -s p -l pid -d 'write the process id of the master to this file' -r -F
complete -c rwsgi -s u -l user -d 'run the workers as this user, a name or a number' -r -f -a "(__fish_complete_users)"
complete -c rwsgi -s g -l group -d 'run the workers as this group, a name or a number' -r -f
complete -c rwsgi -s m -l umask -d 'mode bits that unix sockets lack, as 0117 [default: sockets are 0660]' -r -f
complete -c rwsgi -s n -l name -d 'name in the titles of the processes [default: the application]' -r -f
complete -c rwsgi -l server-header -d 'text of the Server header, or off [default: rwsgi]' -r -f
complete -c rwsgi -l log-level -d 'debug, info, warning, error or critical [default: info]' -r -f -a "debug\t''
info\t''
warning\t''
error\t''
critical\t''"
complete -c rwsgi -l error-logfile -l log-file -d 'error log; -: standard error [default: -]' -r -F
complete -c rwsgi -l access-logfile -d 'access log; -: standard output [default: off]' -r -F
complete -c rwsgi -l access-logformat -d 'line of the access log [default: %(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"]' -r -f
complete -c rwsgi -l log-format -d 'lines of both logs: text or json [default: text]' -r -f -a "text\t''
json\t''"
complete -c rwsgi -l request-id -d 'on: X-Request-ID, taken from trusted peers or made; or another header [default: off]' -r -f
complete -c rwsgi -l log-syslog-to -d 'where syslog is: udp://, tcp://, unix://PATH#dgram or #stream [default: udp://localhost:514]' -r -f
complete -c rwsgi -l log-syslog-prefix -d 'name in gunicorn.NAME.error and gunicorn.NAME.access [default: application]' -r -f
complete -c rwsgi -l log-syslog-facility -d 'facility of syslog, such as daemon or local0 [default: user]' -r -f -a "auth\t''
authpriv\t''
cron\t''
daemon\t''
ftp\t''
kern\t''
lpr\t''
mail\t''
news\t''
security\t''
syslog\t''
user\t''
uucp\t''
local0\t''
local1\t''
local2\t''
local3\t''
local4\t''
local5\t''
local6\t''
local7\t''"
complete -c rwsgi -l logger-class -d 'class of Python that logs; slow [default: gunicorn.glogging.Logger]' -r -f
complete -c rwsgi -l log-config -d 'configure Python\'s loggers from an INI file; slow' -r -F
complete -c rwsgi -l log-config-json -d 'configure Python\'s loggers from a JSON file; slow' -r -F
complete -c rwsgi -l metrics-bind -d 'answer Prometheus at this address, as for --bind; repeatable [default: off]' -r -f
complete -c rwsgi -l health-path -d 'answer PATH, PATH/live and PATH/ready without the application [default: off]' -r -F
complete -c rwsgi -l statsd-host -d 'send metrics to the statsd at HOST:PORT, [IPV6]:PORT or unix://PATH [default: off]' -r -f
complete -c rwsgi -l dogstatsd-tags -d 'tags behind each metric for statsd, with commas between them [default: ]' -r -f
complete -c rwsgi -l statsd-prefix -d 'put before the name of each metric for statsd, with a dot between them [default: ]' -r -f
complete -c rwsgi -l reload-engine -d 'how changes are seen: auto, poll or inotify [default: auto]' -r -f -a "auto\t''
poll\t''
inotify\t''"
complete -c rwsgi -l reload-extra-file -d 'path or pattern of further files; repeatable' -r -F
complete -c rwsgi -l from-gunicorn -d 'print what becomes of a command line of Gunicorn' -r -f
complete -c rwsgi -l from-unit -d 'print what becomes of a systemd unit that starts Gunicorn' -r -F
complete -c rwsgi -l generate -d 'print the manual (man, markdown, json) or completions (bash, zsh, fish) and exit' -r -f -a "man\t''
markdown\t''
json\t''
bash\t''
zsh\t''
fish\t''"
complete -c rwsgi -l reuse-port -d 'share each port with other servers (SO_REUSEPORT)'
complete -c rwsgi -l suppress-ragged-eofs -d 'take the end of a connection for the end of TLS'
complete -c rwsgi -l preload -d 'load the application once and fork the workers from there'
complete -c rwsgi -l preload-strict -d 'refuse an application that starts threads as it loads'
complete -c rwsgi -l no-request-buffering -d 'let the application read bodies as they come'
complete -c rwsgi -l no-sendfile -d 'do not send files by sendfile; also SENDFILE=false'
complete -c rwsgi -l django-media -d 'serve MEDIA_ROOT at MEDIA_URL, as for --media'
complete -c rwsgi -l media-inline -d 'let browsers open uploaded HTML, SVG and XML as pages of this site'
complete -c rwsgi -l compress -d 'compress responses and static files for clients that want it'
complete -c rwsgi -l compress-set-cookie -d 'compress responses to POST that set cookies, too'
complete -c rwsgi -l forwarded-for -d 'believe X-Forwarded-For or Forwarded of trusted proxies'
complete -c rwsgi -l django-hosts -d 'the same for the hosts of Django\'s ALLOWED_HOSTS, beside those of --allow-host'
complete -c rwsgi -s D -l daemon -d 'go into the background'
complete -c rwsgi -l initgroups -d 'give the workers all groups that the user is in'
complete -c rwsgi -l capture-output -d 'send standard output and error to the error log\'s file'
complete -c rwsgi -s R -l enable-stdio-inheritance -d 'keep standard input, output and error with --daemon'
complete -c rwsgi -l log-syslog -d 'send the logs to syslog too'
complete -c rwsgi -l disable-redirect-access-to-syslog -d 'keep the access log out of syslog'
complete -c rwsgi -l enable-backlog-metric -d 'tell statsd every second how many connections wait to be accepted'
complete -c rwsgi -l reload -d 'reload when the code changes'
complete -c rwsgi -l check-config -d 'check the settings and load the application, then exit'
complete -c rwsgi -l print-config -d 'print the settings and where they come from, check, then exit'
complete -c rwsgi -s v -l version -d 'print the version and exit'
complete -c rwsgi -s h -l help -d 'print this help and exit'
