//! What the options do: the configuration without any, and the change that each one makes.

use std::time::Duration;

use crate::{
    acme::Acme,
    bind::Address,
    choices::{HeaderMap, LogFormat, LogLevel, LogTarget, ProxyProtocol, ReloadEngine, Workers},
    compression::{self, Compression, ContentCoding},
    config::Config,
    http_version::{Cleartext, HttpVersion},
    network::Networks,
    protection::{PathRate, Rate},
    static_files::{DjangoStatic, StaticFiles, StaticMiss},
    statsd::StatsdAddress,
    syslog::{SyslogAddress, SyslogSocket},
    tls::{CIPHERS, TlsVersion},
};

fn compression() -> Compression {
    Compression {
        on: false,
        codings: vec![ContentCoding::Zstd, ContentCoding::Brotli, ContentCoding::Gzip],
        level: 5,
        min_size: Some(1024),
        types: compression::types("default").unwrap(),
        set_cookie: false,
    }
}

/// What `rwsgi app` alone means: these values, and everything else off.
pub(super) fn plain() -> Config {
    Config {
        app: "app".into(),
        bind: vec![tcp("127.0.0.1", 8000)],
        backlog: 2048,
        acme: Acme { server: "https://acme-v02.api.letsencrypt.org/directory".into(), ..Acme::default() },
        http_protocols: vec![HttpVersion::Http1],
        http2_max_concurrent_streams: 100,
        http2_initial_window_size: 65_535,
        http2_max_frame_size: 16_384,
        http2_max_header_list_size: Some(65_536),
        workers: Workers::Count(1),
        threads: 1,
        worker_connections: 1000,
        timeout: Some(Duration::from_secs(30)),
        timeout_kill: Duration::from_secs(5),
        graceful_timeout: Duration::from_secs(30),
        keep_alive: Some(Duration::from_secs(5)),
        queue_timeout: seconds(30),
        queue_size: 1024,
        boot_timeout: seconds(60),
        reload_surge: 1,
        limit_request_line: Some(4094),
        limit_request_fields: Some(100),
        limit_request_field_size: Some(8190),
        limit_request_body: Some(1 << 30),
        limit_connections_per_ip: Some(256),
        header_timeout: seconds(10),
        body_timeout: seconds(30),
        body_min_rate: Some(500),
        body_grace: Duration::from_secs(10),
        write_timeout: seconds(60),
        request_buffering: true,
        body_memory: Some(64 << 20),
        response_buffer: Some(1 << 20),
        response_temp_max: Some(1 << 30),
        sendfile: true,
        files: StaticFiles { max_age: seconds(60), cache: 32 << 20, ..StaticFiles::default() },
        compression: compression(),
        suppress_ragged_eofs: true,
        forwarded_allow_ips: networks(true, &["127.0.0.1/32", "::1/128"]),
        secure_scheme_headers: headers(&[
            ("X-FORWARDED-PROTOCOL", "ssl"),
            ("X-FORWARDED-PROTO", "https"),
            ("X-FORWARDED-SSL", "on"),
        ]),
        forwarder_headers: vec!["SCRIPT_NAME".into(), "PATH_INFO".into()],
        proxy_allow_ips: networks(true, &["127.0.0.1/32", "::1/128"]),
        default_proc_name: "gunicorn".into(),
        server_header: Some("rwsgi".into()),
        syslog_facility: 1,
        access_log_format: r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#.into(),
        ..Config::default()
    }
}

fn rate(count: u32, period: u64, burst: u32) -> Rate {
    Rate { count, period: Duration::from_secs(period), burst }
}

/// Every option with its values, if it takes any, spelled long, and the change that it must make, and nothing else.
pub(super) type Case = (&'static str, &'static [&'static str], fn(&mut Config));

pub(super) const CASES: &[Case] = &[
    ("bind", &["8080", "unix:/a"], |c| {
        c.bind = vec![tcp("127.0.0.1", 8080), Address::Unix("/a".into())];
    }),
    ("bind", &["unix:@a", "unix://@b", "fd://3"], |c| {
        c.bind = vec![Address::Abstract("a".into()), Address::Abstract("b".into()), Address::Fd(3)];
    }),
    ("backlog", &["64"], |c| c.backlog = 64),
    ("reuse_port", &[], |c| c.reuse_port = true),
    ("acme_email", &["me@a.example"], |c| c.acme.email = Some("me@a.example".into())),
    ("acme_dir", &["/var/lib/acme"], |c| c.acme.folder = Some("/var/lib/acme".into())),
    ("acme_server", &["https://a/dir"], |c| c.acme.server = "https://a/dir".into()),
    ("acme_ca_file", &["/a.pem"], |c| c.acme.root = Some("/a.pem".into())),
    ("http_protocols", &["h2,h1"], |c| c.http_protocols = vec![HttpVersion::Http2, HttpVersion::Http1]),
    ("http2_cleartext", &["prior-knowledge"], |c| c.http2_cleartext = Cleartext::PriorKnowledge),
    ("http2_max_concurrent_streams", &["7"], |c| c.http2_max_concurrent_streams = 7),
    ("http2_initial_window_size", &["1000"], |c| c.http2_initial_window_size = 1000),
    ("http2_max_frame_size", &["20000"], |c| c.http2_max_frame_size = 20_000),
    ("http2_max_header_list_size", &["0"], |c| c.http2_max_header_list_size = None),
    ("certfile", &["a.pem", "/b.pem"], |c| c.certfile = vec!["a.pem".into(), "/b.pem".into()]),
    ("keyfile", &["a.key"], |c| c.keyfile = vec!["a.key".into()]),
    ("key_password_file", &["/run/password"], |c| c.key_password_file = Some("/run/password".into())),
    ("tls_min", &["1.3"], |c| c.tls_min = TlsVersion::Tls13),
    ("ciphers", &["ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256"], |c| {
        c.ciphers = vec![CIPHERS[7].into(), CIPHERS[1].into()];
    }),
    ("ca_certs", &["ca.pem"], |c| c.ca_certs = Some("ca.pem".into())),
    ("cert_reqs", &["0"], |_| {}),
    ("suppress_ragged_eofs", &[], |_| {}),
    ("timeout_kill", &["0.5"], |c| c.timeout_kill = Duration::from_millis(500)),
    ("timeout_kill", &["0"], |c| c.timeout_kill = Duration::ZERO),
    ("slow_log", &["1.5"], |c| c.slow_log = Some(Duration::from_millis(1500))),
    ("boot_timeout", &["0.25"], |c| c.boot_timeout = Some(Duration::from_millis(250))),
    ("boot_timeout", &["0"], |c| c.boot_timeout = None),
    ("max_requests", &["1000"], |c| c.max_requests = Some(1000)),
    ("max_requests_jitter", &["50"], |c| c.max_requests_jitter = 50),
    ("max_worker_lifetime", &["3600"], |c| c.max_worker_lifetime = seconds(3600)),
    ("max_worker_lifetime_jitter", &["0.5"], |c| {
        c.max_worker_lifetime_jitter = Duration::from_millis(500);
    }),
    ("max_worker_memory", &["512M"], |c| c.max_worker_memory = Some(512 << 20)),
    ("reload_surge", &["4"], |c| c.reload_surge = 4),
    ("reload_max_unavailable", &["2"], |c| c.reload_max_unavailable = 2),
    ("preload_app", &[], |c| c.preload_app = true),
    ("preload_warm", &["/, /health/"], |c| c.preload_warm = vec!["/".into(), "/health/".into()]),
    ("preload_strict", &[], |c| c.preload_strict = true),
    ("workers", &["3"], |c| c.workers = Workers::Count(3)),
    ("workers", &["auto"], |c| c.workers = Workers::Auto),
    ("worker_class", &["gunicorn.workers.gthread.ThreadWorker"], |_| {}),
    ("threads", &["4"], |c| c.threads = 4),
    ("worker_connections", &["7"], |c| c.worker_connections = 7),
    ("timeout", &["0.5"], |c| c.timeout = Some(Duration::from_millis(500))),
    ("timeout", &["0"], |c| c.timeout = None),
    ("graceful_timeout", &["2"], |c| c.graceful_timeout = Duration::from_secs(2)),
    ("graceful_timeout", &["0"], |c| c.graceful_timeout = Duration::ZERO),
    ("keepalive", &["75"], |c| c.keep_alive = Some(Duration::from_secs(75))),
    ("keepalive", &["0"], |c| c.keep_alive = None),
    ("queue_timeout", &["5"], |c| c.queue_timeout = seconds(5)),
    ("queue_timeout", &["0"], |c| c.queue_timeout = None),
    ("queue_size", &["1"], |c| c.queue_size = 1),
    ("limit_request_line", &["100000"], |c| c.limit_request_line = Some(100_000)),
    ("limit_request_line", &["0"], |c| c.limit_request_line = None),
    ("limit_request_fields", &["40000"], |c| c.limit_request_fields = Some(40_000)),
    ("limit_request_fields", &["0"], |c| c.limit_request_fields = None),
    ("limit_request_field_size", &["16384"], |c| c.limit_request_field_size = Some(16_384)),
    ("limit_request_field_size", &["0"], |c| c.limit_request_field_size = None),
    ("limit_request_body", &["10M"], |c| c.limit_request_body = Some(10 << 20)),
    ("limit_request_body", &["0"], |c| c.limit_request_body = None),
    ("limit_connections_per_ip", &["8"], |c| c.limit_connections_per_ip = Some(8)),
    ("limit_connections_per_ip", &["0"], |c| c.limit_connections_per_ip = None),
    ("header_timeout", &["3"], |c| c.header_timeout = seconds(3)),
    ("header_timeout", &["0"], |c| c.header_timeout = None),
    ("body_timeout", &["3"], |c| c.body_timeout = seconds(3)),
    ("body_timeout", &["0"], |c| c.body_timeout = None),
    ("body_min_rate", &["1K"], |c| c.body_min_rate = Some(1024)),
    ("body_min_rate", &["0"], |c| c.body_min_rate = None),
    ("body_grace", &["3"], |c| c.body_grace = Duration::from_secs(3)),
    ("body_grace", &["0"], |c| c.body_grace = Duration::ZERO),
    ("write_timeout", &["3"], |c| c.write_timeout = seconds(3)),
    ("write_timeout", &["0"], |c| c.write_timeout = None),
    ("request_buffering", &[], |c| c.request_buffering = false),
    ("body_memory", &["128MiB"], |c| c.body_memory = Some(128 << 20)),
    ("body_memory", &["0"], |c| c.body_memory = None),
    ("response_buffer", &["64k"], |c| c.response_buffer = Some(64 << 10)),
    ("response_temp_max", &["2GB"], |c| c.response_temp_max = Some(2 << 30)),
    ("body_temp_dir", &["/var/spool/a"], |c| c.body_temp_dir = Some("/var/spool/a".into())),
    ("sendfile", &[], |c| c.sendfile = false),
    ("sendfile_roots", &["/a=/srv/a", "/b/=c"], |c| {
        c.sendfile_roots = vec![("/a".into(), "/srv/a".into()), ("/b/".into(), "c".into())];
    }),
    ("static", &["/static=/srv/static", "/=public"], |c| {
        c.files.folders = vec![("/static".into(), "/srv/static".into()), ("/".into(), "public".into())];
    }),
    ("media", &["/media/=/srv/media"], |c| c.files.uploads = vec![("/media/".into(), "/srv/media".into())]),
    ("django_static", &["off"], |c| c.files.django = DjangoStatic::Off),
    ("django_static", &["True"], |c| c.files.django = DjangoStatic::On),
    ("django_media", &[], |c| c.files.django_uploads = true),
    ("media_inline", &[], |c| c.files.inline_uploads = true),
    ("static_index", &["index.html"], |c| c.files.index = Some("index.html".into())),
    ("static_max_age", &["3600"], |c| c.files.max_age = seconds(3600)),
    ("static_max_age", &["0"], |c| c.files.max_age = None),
    ("static_miss", &["app"], |c| c.files.miss = StaticMiss::App),
    ("static_cache", &["64M"], |c| c.files.cache = 64 << 20),
    ("static_cache", &["0"], |c| c.files.cache = 0),
    ("compress", &[], |c| c.compression.on = true),
    ("compress_codings", &["gzip, br"], |c| {
        c.compression.codings = vec![ContentCoding::Gzip, ContentCoding::Brotli];
    }),
    ("compress_level", &["9"], |c| c.compression.level = 9),
    ("compress_min_size", &["2K"], |c| c.compression.min_size = Some(2048)),
    ("compress_min_size", &["0"], |c| c.compression.min_size = None),
    ("compress_types", &["text/HTML,text/event-stream"], |c| {
        c.compression.types = vec!["text/html".into(), "text/event-stream".into()];
    }),
    ("compress_set_cookie", &[], |c| c.compression.set_cookie = true),
    ("forwarded_allow_ips", &["10.0.0.0/8,fd00::/8"], |c| {
        trust(c, networks(false, &["10.0.0.0/8", "fd00::/8"]));
    }),
    ("forwarded_allow_ips", &["127.0.0.1,::1,unix"], |c| c.forwarded_allow_ips_given = true),
    ("forwarded_allow_ips", &["*"], |c| {
        trust(c, Networks { all: true, ..Networks::default() });
    }),
    ("forwarded_allow_ips", &[""], |c| trust(c, Networks::default())),
    ("secure_scheme_headers", &["x-scheme=https"], |c| {
        c.secure_scheme_headers = headers(&[("X-SCHEME", "https")]);
    }),
    ("forwarded_for", &[], |c| c.forwarded_for = true),
    ("forwarder_headers", &["remote_user,script_name"], |c| {
        c.forwarder_headers = vec!["REMOTE_USER".into(), "SCRIPT_NAME".into()];
    }),
    ("forwarder_headers", &["*"], |c| c.forwarder_headers = vec!["*".into()]),
    ("header_map", &["refuse"], |c| c.header_map = HeaderMap::Refuse),
    ("header_map", &["Dangerous"], |c| c.header_map = HeaderMap::Dangerous),
    ("proxy_protocol", &[], |c| c.proxy_protocol = ProxyProtocol::Auto),
    ("proxy_protocol", &["auto"], |c| c.proxy_protocol = ProxyProtocol::Auto),
    ("proxy_protocol", &["True"], |c| c.proxy_protocol = ProxyProtocol::Auto),
    ("proxy_protocol", &["v1"], |c| c.proxy_protocol = ProxyProtocol::V1),
    ("proxy_protocol", &["V2"], |c| c.proxy_protocol = ProxyProtocol::V2),
    ("proxy_allow_ips", &["unix"], |c| c.proxy_allow_ips = networks(true, &[])),
    ("root_path", &["/shop/"], |c| c.root_path = "/shop".into()),
    ("allow_host", &["A.de,.b.de", "[::1]"], |c| {
        c.allow_host = ["a.de", ".b.de", "[::1]"].map(Into::into).to_vec();
    }),
    ("django_hosts", &[], |c| c.django_hosts = true),
    ("deny_path", &["*.php, /.env", "wp-*"], |c| {
        c.deny_path = ["*.php", "/.env", "wp-*"].map(Into::into).to_vec();
    }),
    ("rate_limit", &["20r/s"], |c| c.rate_limit = Some(rate(20, 1, 20))),
    ("rate_limit", &["off"], |_| {}),
    ("rate_limit_path", &["/login/=5r/m", "POST:/=9r/h,burst=2"], |c| {
        let limit = |method: Option<&str>, path: &str, rate| PathRate {
            method: method.map(Into::into),
            path: path.into(),
            rate,
        };
        c.rate_limit_path =
            vec![limit(None, "/login", rate(5, 60, 5)), limit(Some("POST"), "", rate(9, 3600, 2))];
    }),
    ("header", &["X-Frame-Options: DENY", "A: b=c"], |c| {
        c.header = [("X-Frame-Options", "DENY"), ("A", "b=c")].map(|(k, v)| (k.into(), v.into())).to_vec();
    }),
    ("server_header", &["me/1.0 (x)"], |c| c.server_header = Some("me/1.0 (x)".into())),
    ("server_header", &["off"], |c| c.server_header = None),
    ("chdir", &["/srv/site"], |c| c.chdir = Some("/srv/site".into())),
    ("pythonpath", &["/a,b"], |c| c.pythonpath = vec!["/a".into(), "b".into()]),
    ("raw_env", &["A=1", "B=x=y", "C="], |c| {
        c.env = [("A", "1"), ("B", "x=y"), ("C", "")].map(|(k, v)| (k.into(), v.into())).to_vec();
    }),
    ("pidfile", &["/run/a.pid"], |c| c.pid = Some("/run/a.pid".into())),
    ("daemon", &[], |c| c.daemon = true),
    ("user", &["www-data"], |c| c.user = Some("www-data".into())),
    ("group", &["33"], |c| c.group = Some("33".into())),
    ("initgroups", &[], |c| c.initgroups = true),
    ("umask", &["0027"], |c| c.umask = Some(0o27)),
    ("umask", &["0"], |c| c.umask = Some(0)),
    ("metrics_bind", &["9100", "unix:/m"], |c| {
        c.metrics_bind = vec![tcp("127.0.0.1", 9100), Address::Unix("/m".into())];
    }),
    ("health_path", &["/-/health/"], |c| c.health_path = Some("/-/health".into())),
    ("health_path", &["/"], |c| c.health_path = None),
    ("statsd_host", &["unix:///run/statsd"], |c| {
        c.statsd_host = Some(StatsdAddress::Unix("/run/statsd".into()));
    }),
    ("statsd_host", &["stats"], |c| {
        c.statsd_host = Some(StatsdAddress::Udp { host: "stats".into(), port: 8125 });
    }),
    ("dogstatsd_tags", &["a:b,c"], |c| c.dogstatsd_tags = "a:b,c".into()),
    ("statsd_prefix", &["site"], |c| c.statsd_prefix = "site".into()),
    ("enable_backlog_metric", &[], |c| c.enable_backlog_metric = true),
    ("enable_stdio_inheritance", &[], |c| c.enable_stdio_inheritance = true),
    ("check_config", &[], |c| c.check_config = true),
    ("print_config", &[], |c| c.print_config = true),
    ("reload", &[], |c| c.reload = true),
    ("reload_engine", &["Poll"], |c| c.reload_engine = ReloadEngine::Poll),
    ("reload_engine", &["inotify"], |c| c.reload_engine = ReloadEngine::Inotify),
    ("reload_extra_files", &["a,b.yml", "/srv/**/*.html"], |c| {
        c.reload_extra_files = vec!["a,b.yml".into(), "/srv/**/*.html".into()];
    }),
    ("python", &[".venv/bin/python"], |c| c.python = Some(".venv/bin/python".into())),
    ("loglevel", &["debug"], |c| c.log_level = LogLevel::Debug),
    ("loglevel", &["WARNING"], |c| c.log_level = LogLevel::Warning),
    ("loglevel", &["error"], |c| c.log_level = LogLevel::Error),
    ("loglevel", &["critical"], |c| c.log_level = LogLevel::Critical),
    ("errorlog", &["e.log"], |c| c.error_log = LogTarget::File("e.log".into())),
    ("accesslog", &["-"], |c| c.access_log = Some(LogTarget::Std)),
    ("accesslog", &["a.log"], |c| c.access_log = Some(LogTarget::File("a.log".into()))),
    ("proc_name", &["mysite"], |c| c.proc_name = "mysite".into()),
    ("access_log_format", &["%(h)s"], |c| c.access_log_format = "%(h)s".into()),
    ("log_format", &["JSON"], |c| c.log_format = LogFormat::Json),
    ("request_id", &["on"], |c| c.request_id = Some("x-request-id".into())),
    ("request_id", &["X-Trace"], |c| c.request_id = Some("x-trace".into())),
    ("request_id", &["off"], |_| {}),
    ("capture_output", &[], |c| c.capture_output = true),
    ("syslog", &[], |c| c.syslog = true),
    ("syslog_addr", &["unix:///dev/log#dgram"], |c| {
        c.syslog_address = SyslogAddress::Unix("/dev/log".into(), SyslogSocket::Datagram);
    }),
    ("syslog_prefix", &["site"], |c| c.syslog_prefix = Some("site".into())),
    ("syslog_facility", &["LOCAL3"], |c| c.syslog_facility = 19),
    ("disable_redirect_access_to_syslog", &[], |c| c.syslog_without_access = true),
    ("logger_class", &["site.Logger"], |c| c.logger_class = Some("site.Logger".into())),
    ("logger_class", &["simple"], |_| {}),
    ("logconfig", &["log.ini"], |c| c.log_config = Some("log.ini".into())),
    ("logconfig_json", &["log.json"], |c| c.log_config_json = Some("log.json".into())),
];

pub(super) fn tcp(host: &str, port: u16) -> Address {
    Address::Tcp { host: host.into(), port }
}

pub(super) fn networks(unix: bool, nets: &[&str]) -> Networks {
    Networks { all: false, unix, nets: nets.iter().map(|net| net.parse().unwrap()).collect() }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn trust(config: &mut Config, networks: Networks) {
    config.forwarded_allow_ips = networks;
    config.forwarded_allow_ips_given = true;
}
