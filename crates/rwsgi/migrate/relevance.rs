//! Of which differences somebody who comes from Gunicorn is to be told.

use rwsgi_config::{Flag, SETTINGS, Setting};

/// Settings that everybody notices who does not give them.
const FELT_WITHOUT: [&str; 2] = ["timeout", "keepalive"];

/// The same for those who listen on a socket file.
const FELT_WITHOUT_ON_SOCKET_FILES: [&str; 2] = ["umask", "forwarded_allow_ips"];

/// Limits that Gunicorn does not have.
const NEW_LIMITS: [&str; 4] =
    ["limit_request_body", "limit_connections_per_ip", "header_timeout", "queue_timeout"];

/// Whether what is different about a setting is felt with this value; `None` if it is not known.
pub(super) fn is_felt(setting: &Setting, value: Option<&str>) -> bool {
    let Some(value) = value else { return !ONLY_SPECIAL_VALUES.contains(&setting.name) };
    let number = value.parse::<u64>().ok();
    match setting.name {
        "bind" => number.is_some() || value.starts_with("unix:@") || value.starts_with("fd://"),
        "limit_request_line" => number.is_some_and(|number| number > 8190),
        "limit_request_fields" => number.is_some_and(|number| number == 0 || number > 32_768),
        "limit_request_field_size" => number == Some(0),
        "sendfile" => value == "True",
        "forwarded_allow_ips" | "proxy_allow_ips" => !value.contains('*') && !value.contains("unix"),
        name => !ONLY_SPECIAL_VALUES.contains(&name),
    }
}

/// Settings of which other values are refused, or only the default is another one.
const ONLY_SPECIAL_VALUES: [&str; 15] = [
    "bind",
    "config",
    "keepalive",
    "limit_request_field_size",
    "limit_request_fields",
    "limit_request_line",
    "loglevel",
    "print_config",
    "proxy_protocol",
    "reload_engine",
    "secure_scheme_headers",
    "sendfile",
    "umask",
    "worker_class",
    "workers",
];

/// The settings that are felt by those who do not give them.
pub(super) fn felt_without(has_socket_file: bool) -> impl Iterator<Item = &'static Setting> {
    let on_socket_files = FELT_WITHOUT_ON_SOCKET_FILES.iter().filter(move |_| has_socket_file);
    FELT_WITHOUT.iter().chain(on_socket_files).map(|name| row(name))
}

/// The limits that Gunicorn does not have, in a sentence.
pub(super) fn new_limits() -> String {
    let limits = NEW_LIMITS.map(|name| match (row(name).flag, row(name).default) {
        (Flag::Long(flag), Some(default)) => format!("`--{flag} {default}`"),
        _ => format!("`{name}`"),
    });
    format!("limits that Gunicorn does not have hold by default: {}", limits.join(", "))
}

/// The row of this name, which is in the table.
pub(super) fn row(name: &str) -> &'static Setting {
    SETTINGS
        .iter()
        .find(|setting| setting.name == name)
        .expect("names are written as in the table, and tested")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_rows() {
        for name in ONLY_SPECIAL_VALUES.iter().chain(&NEW_LIMITS) {
            assert_eq!(row(name).name, *name);
        }
        assert_eq!(felt_without(true).count(), 4);
        assert!(new_limits().contains("`--limit-request-body 1G`"));
    }
}
