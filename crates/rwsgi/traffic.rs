//! From settings to how connections are served.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use rwsgi_config::{Config, ContentCoding};
use rwsgi_http::{Buffering, Coding, Compression, Limits, Options, Timeouts};

use crate::files;
use crate::http2::http2;
use crate::protection::{headers, protection};
use crate::proxies::proxies;

/// What the http room needs to know; who is told of requests is added by the worker.
pub(crate) fn options(config: &Config) -> Options {
    Options {
        keep_alive: config.keep_alive,
        timeouts: Timeouts {
            head: config.header_timeout,
            body: config.body_timeout,
            body_rate: config.body_min_rate.unwrap_or_default(),
            body_grace: config.body_grace,
            write: config.write_timeout,
        },
        limits: Limits {
            line: config.limit_request_line,
            fields: config.limit_request_fields,
            field_size: config.limit_request_field_size,
        },
        body_limit: config.limit_request_body,
        body_memory: memory(config.body_memory),
        request_buffering: config.request_buffering,
        buffering: Buffering {
            memory: memory(config.response_buffer),
            temp_max: config.response_temp_max,
            temp_dir: config.body_temp_dir.clone(),
        },
        sendfile: config.sendfile,
        sendfile_roots: config.sendfile_roots.clone(),
        statics: files::statics(config),
        compression: config.compression.on.then(|| compression(&config.compression)),
        release_memory: rwsgi_os::release_memory,
        unsent: rwsgi_os::unsent_bytes,
        // The setting takes only what a header value may hold.
        server: config.server_header.as_deref().and_then(|text| HeaderValue::from_str(text).ok()),
        journal: None,
        health: None,
        http2: http2(config),
        // The setting takes only what is a name.
        request_id: config.request_id.as_deref().and_then(|name| HeaderName::try_from(name).ok()),
        proxies: proxies(config),
        protection: protection(config),
        headers: Arc::new(headers(config).collect()),
        tls: None,
        // The setting takes only what a header value may hold.
        hsts: config.hsts.as_deref().and_then(|text| HeaderValue::from_str(text).ok()),
    }
}

fn compression(config: &rwsgi_config::Compression) -> Compression {
    let coding = |coding: &ContentCoding| match coding {
        ContentCoding::Zstd => Coding::Zstd,
        ContentCoding::Brotli => Coding::Brotli,
        ContentCoding::Gzip => Coding::Gzip,
    };
    Compression {
        codings: config.codings.iter().map(coding).collect(),
        level: config.level,
        min_size: config.min_size.unwrap_or_default(),
        types: config.types.clone(),
        set_cookie: config.set_cookie,
    }
}

/// A number of bytes in memory; no limit: more than there is.
fn memory(bytes: Option<u64>) -> usize {
    bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX)
}
