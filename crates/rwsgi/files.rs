//! From settings to the files that are sent without the application.

use std::path::PathBuf;

use rwsgi_config::{Config, DjangoStatic, StaticMiss};
use rwsgi_http::{Contents, Misses, StaticFiles, StaticFolder};
use rwsgi_worker::{DjangoAssets, DjangoFiles};

/// The directories that the settings name.
pub(crate) fn statics(config: &Config) -> StaticFiles {
    let folder = |(prefix, path): &(String, PathBuf), contents| {
        // Otherwise the application could not be reached at all.
        let misses = if prefix.trim_end_matches('/').is_empty() { Misses::Handed } else { misses(config) };
        StaticFolder { prefix: prefix.clone(), path: path.clone(), may_come: false, misses, contents }
    };
    let assets = config.files.folders.iter().map(|named| folder(named, Contents::Assets));
    let uploads = config.files.uploads.iter().map(|named| folder(named, uploads(config)));
    StaticFiles {
        folders: assets.chain(uploads).collect(),
        index: config.files.index.clone(),
        max_age: config.files.max_age,
        memory: usize::try_from(config.files.cache).unwrap_or(usize::MAX),
    }
}

/// What is done about those of a Django site.
pub(crate) fn django(config: &Config) -> DjangoFiles {
    DjangoFiles {
        assets: match config.files.django {
            DjangoStatic::Auto => DjangoAssets::Auto,
            DjangoStatic::On => DjangoAssets::On,
            DjangoStatic::Off => DjangoAssets::Off,
        },
        uploads: config.files.django_uploads.then(|| uploads(config)),
        misses: misses(config),
    }
}

fn uploads(config: &Config) -> Contents {
    if config.files.inline_uploads { Contents::InlineUploads } else { Contents::Uploads }
}

fn misses(config: &Config) -> Misses {
    match config.files.miss {
        StaticMiss::NotFound => Misses::Refused,
        StaticMiss::App => Misses::Handed,
    }
}
