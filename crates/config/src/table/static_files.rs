//! Rows: files that are sent without the application.

use crate::{
    kind::{Kind, Words},
    prefix,
    setting::{Flag, Gunicorn, Section, Setting},
    static_files::{DjangoStatic, StaticMiss},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "static",
        flag: Flag::Long("static"),
        metavar: "/PREFIX=DIR",
        help: "send the files of DIR below /PREFIX without the application; repeatable",
        more: "Only GET and HEAD, nothing outside of the directory, no hidden files, no listings. \
               See docs/static-files.md.",
        kind: Kind::Mapping(|config, folders| config.files.folders = folders),
        ..ROW
    },
    Setting {
        name: "media",
        flag: Flag::Long("media"),
        metavar: "/PREFIX=DIR",
        help: "the same for files that visitors have uploaded; repeatable",
        more: "HTML, SVG and XML are sent as downloads (`Content-Disposition: attachment`), for they could act in the name of \
               whoever opens them.",
        kind: Kind::Mapping(|config, folders| config.files.uploads = folders),
        ..ROW
    },
    Setting {
        name: "django_static",
        flag: Flag::Long("django-static"),
        default: Some("auto"),
        metavar: "WORD",
        help: "serve STATIC_ROOT at STATIC_URL: auto, on, off; alone: on",
        more: "`auto` leaves it to WhiteNoise where the site has that. The settings are read when the application has \
               been loaded; one that is none of Django's has none.",
        kind: Kind::OptionalChoice {
            choice: Words { words: DjangoStatic::WORDS, synonyms: DjangoStatic::SYNONYMS },
            alone: "on",
            store: |config, index| config.files.django = DjangoStatic::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "django_media",
        flag: Flag::Long("django-media"),
        default: Some("false"),
        help: "serve MEDIA_ROOT at MEDIA_URL, as for --media",
        more: "Everybody can read all of it then.",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.files.django_uploads = is_on },
        ..ROW
    },
    Setting {
        name: "media_inline",
        flag: Flag::Long("media-inline"),
        default: Some("false"),
        help: "let browsers open uploaded HTML, SVG and XML as pages of this site",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.files.inline_uploads = is_on },
        ..ROW
    },
    Setting {
        name: "static_index",
        flag: Flag::Long("static-index"),
        metavar: "NAME",
        help: "file that is sent for its directory, such as index.html [default: none]",
        more: "A path of a directory without the slash at its end is redirected to the one with it. Not for uploads.",
        kind: Kind::Parsed {
            parse: |config, text| {
                config.files.index = prefix::index(text)?;
                Ok(())
            },
            expects: prefix::EXPECTS_INDEX,
        },
        ..ROW
    },
    Setting {
        name: "static_max_age",
        flag: Flag::Long("static-max-age"),
        default: Some("60"),
        metavar: "SECONDS",
        help: "how long clients may keep a file without asking; 0: not at all",
        more: "Files whose names change with their content (those that Django's `staticfiles.json` lists, without one those with a \
               hash before the ending) are kept for a year.",
        kind: Kind::Seconds(|config, age| config.files.max_age = age),
        ..ROW
    },
    Setting {
        name: "static_miss",
        flag: Flag::Long("static-miss"),
        default: Some("404"),
        metavar: "WORD",
        help: "what a path below a prefix is that names no file: 404, or one for the app",
        more: "With `app` other methods than GET and HEAD are for the application too. What lies below the prefix `/` always is, and \
               below Django's while `DEBUG` is on.",
        kind: Kind::Choice {
            words: StaticMiss::WORDS,
            store: |config, index| config.files.miss = StaticMiss::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "static_cache",
        flag: Flag::Long("static-cache"),
        default: Some("32M"),
        metavar: "SIZE",
        help: "memory of a worker for files of up to 1M that are wanted often; 0: none",
        more: "A change of a file is seen within about a second.",
        kind: Kind::Size(|config, size| config.files.cache = size.unwrap_or_default()),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::StaticFiles, gunicorn: Gunicorn::Own, ..super::ROW };
