//! Rows: compression of the application's answers.

use crate::{
    compression::{self, codings, types},
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "compress",
        flag: Flag::Long("compress"),
        default: Some("false"),
        help: "compress responses and static files for clients that want it",
        more: "Those that are coded already, parts, files that are sent as they are and what says `no-transform` are left alone. \
               docs/compression.md says what it costs and what it gives away.",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.compression.on = is_on },
        ..ROW
    },
    Setting {
        name: "compress_codings",
        flag: Flag::Long("compress-codings"),
        default: Some("zstd,br,gzip"),
        metavar: "CODINGS",
        help: "which codings, the preferred one first",
        more: "The client decides; the order counts where it likes several as much.",
        kind: Kind::Listed {
            parse: |config, text| codings(text).map(|codings| config.compression.codings = codings),
            expects: compression::EXPECTS_CODINGS,
        },
        ..ROW
    },
    Setting {
        name: "compress_level",
        flag: Flag::Long("compress-level"),
        default: Some("5"),
        metavar: "NUMBER",
        help: "from 1, little work, to 9, small responses",
        kind: Kind::Number { least: 1, most: 9, store: |config, level| config.compression.level = level },
        ..ROW
    },
    Setting {
        name: "compress_min_size",
        flag: Flag::Long("compress-min-size"),
        default: Some("1024"),
        metavar: "SIZE",
        help: "leave responses with fewer bytes as they are; 0: none",
        more: "One whose length is not known is compressed.",
        kind: Kind::Size(|config, size| config.compression.min_size = size),
        ..ROW
    },
    Setting {
        name: "compress_types",
        flag: Flag::Long("compress-types"),
        default: Some("default"),
        metavar: "TYPES",
        help: "which media types, `text/*` for a family; `default`: text of all kinds",
        more: "`text/event-stream` is in no family, it must be named: `default,text/event-stream`. Each event is sent at once then. \
               docs/compression.md has what `default` stands for.",
        kind: Kind::Listed {
            parse: |config, text| types(text).map(|types| config.compression.types = types),
            expects: compression::EXPECTS_TYPES,
        },
        ..ROW
    },
    Setting {
        name: "compress_set_cookie",
        flag: Flag::Long("compress-set-cookie"),
        default: Some("false"),
        help: "compress responses to POST that set cookies, too",
        more: "They often have a secret beside what the client has sent, and their length then tells of the secret (BREACH).",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.compression.set_cookie = is_on },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Compression, gunicorn: Gunicorn::Own, ..super::ROW };
