//! Looking a file up, which may wait for a disk.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use rustix::io::Errno;
use rwsgi_message::Fields;

use super::found::{Found, Representation};
use super::kinds::Kind;
use super::lifetime::Lifetimes;
use super::options::{Contents, Misses, StaticFiles, StaticFolder};
use crate::codings::Coding;
use crate::compression::Compression;
use crate::conditions::{Source, set_validators};
use crate::descriptors::{Identity, are_lacking};
use crate::root::Root;

/// Files up to this size are read into memory, larger ones sent by the system.
const LARGEST: u64 = 1024 * 1024;

/// A file is compressed when it is at most this part of the memory for files: with what it becomes it has to fit, or it would be
/// compressed again for each request.
const COMPRESSED_SHARE: usize = 8;

/// A directory that is served.
#[derive(Debug)]
pub(super) struct Folder {
    misses: Misses,
    root: Root,
    contents: Contents,
    lifetimes: Lifetimes,
    reads: bool,
    compression: Option<Compression>,
    /// Files up to this size are compressed.
    largest_compressed: usize,
}

/// What lies at a path.
#[derive(Debug)]
pub(super) enum Outcome {
    File(Arc<Found>),
    Directory,
    Missing,
    /// There is no descriptor for it now; it has been logged.
    Lacking,
    /// The system cannot say; it has been logged.
    Failed,
}

/// An open file.
struct Opened {
    file: File,
    metadata: Metadata,
}

impl Folder {
    /// One that cannot be opened yet is reported, unless it may come.
    pub(super) fn open(
        folder: &StaticFolder,
        options: &StaticFiles,
        compression: Option<&Compression>,
    ) -> Self {
        let (root, found) = Root::awaited(&folder.path);
        if let Err(error) = found
            && !folder.may_come
        {
            tracing::error!("cannot open the directory `{}`: {error}", folder.path.display());
        }
        Self {
            misses: folder.misses,
            root,
            contents: folder.contents,
            lifetimes: Lifetimes::new(options.max_age, folder.contents),
            reads: options.memory > 0,
            // Visitors must not have the server work for them.
            compression: compression.filter(|_| folder.contents == Contents::Assets).cloned(),
            largest_compressed: options.memory / COMPRESSED_SHARE,
        }
    }

    /// Whether there has ever been such a directory.
    pub(super) fn is_there(&self) -> bool {
        self.root.is_there()
    }

    /// What becomes of what it does not have. A directory that is not there yet hides nothing.
    pub(super) fn misses(&self) -> Misses {
        if self.is_there() { self.misses } else { Misses::Handed }
    }

    /// Whether a file may stand for its directory.
    pub(super) fn has_index(&self) -> bool {
        self.contents == Contents::Assets
    }

    /// Whether it is known without waiting that there is nothing at a relative path.
    pub(super) fn surely_lacks(&self, path: &[u8]) -> bool {
        self.root.surely_lacks(Path::new(OsStr::from_bytes(path)))
    }

    /// Looks for the file at a relative path; `known` is what it was, and stays the answer while nothing has changed.
    pub(super) fn find(&self, path: &[u8], known: Option<Arc<Found>>) -> Outcome {
        let opened = match self.open_any(path) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Outcome::Missing,
            Err(error) if are_lacking(&error) => return Outcome::Lacking,
            Err(error) => {
                tracing::error!("cannot open the static file `{}`: {error}", path.escape_ascii());
                return Outcome::Failed;
            }
        };
        if opened.metadata.is_dir() {
            return Outcome::Directory;
        }
        if !opened.metadata.is_file() {
            return Outcome::Missing;
        }
        let kind = Kind::of(path);
        let siblings = self.siblings(path, &opened, &kind);
        let lifetime = self.lifetimes.of(&self.root, path);
        let files = siblings.iter().map(|(_, sibling)| sibling).chain([&opened]);
        let made_of: Vec<Identity> = files.map(|opened| Identity::of(&opened.metadata)).collect();
        let is_same = |known: &Arc<Found>| {
            known.made_of == made_of && known.plain.fields.get(CACHE_CONTROL) == Some(lifetime.as_bytes())
        };
        if let Some(known) = known.filter(is_same) {
            return Outcome::File(known);
        }
        let common = self.fields(&kind, lifetime);
        let metadata = opened.metadata.clone();
        let way = |opened, coding| self.representation(opened, coding, common.clone());
        let mut plain = way(opened, None);
        let mut coded: Vec<_> =
            siblings.into_iter().map(|(coding, sibling)| (coding, way(sibling, Some(coding)))).collect();
        if coded.is_empty() {
            coded = self.compressed(&plain.source, &metadata, &common);
        }
        if !coded.is_empty() {
            for way in coded.iter_mut().map(|(_, way)| way).chain([&mut plain]) {
                way.fields.append(VARY, HeaderValue::from_static("Accept-Encoding"));
            }
        }
        Outcome::File(Arc::new(Found { plain, coded, made_of }))
    }

    /// The files beside it that are the same with a content coding, and no older. Not among what visitors put there: one could
    /// replace the file of another.
    fn siblings(&self, path: &[u8], opened: &Opened, kind: &Kind) -> Vec<(Coding, Opened)> {
        if self.contents != Contents::Assets || kind.is_packed {
            return Vec::new();
        }
        let open = |coding: Coding| {
            let path = [path, ending(coding)].concat();
            let (file, metadata) = self.root.open_file(Path::new(OsStr::from_bytes(&path))).ok()?;
            (metadata.mtime() >= opened.metadata.mtime()).then_some((coding, Opened { file, metadata }))
        };
        Coding::ALL.into_iter().filter_map(open).collect()
    }

    /// What all answers with this file say.
    fn fields(&self, kind: &Kind, lifetime: HeaderValue) -> Fields {
        let mut fields = Fields::with_capacity(384);
        fields.append(CONTENT_TYPE, kind.content_type.clone());
        fields.append(CACHE_CONTROL, lifetime);
        fields.append(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        fields.append(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.contents == Contents::Uploads && kind.is_active {
            fields.append(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
        }
        fields
    }

    fn representation(&self, opened: Opened, coding: Option<Coding>, mut fields: Fields) -> Representation {
        let Opened { file, metadata } = opened;
        let variant = coding.map(|coding| format!("-{}", coding.name())).unwrap_or_default();
        let bytes = (self.reads && metadata.len() <= LARGEST).then(|| read(&file, &metadata)).flatten();
        let source = match bytes {
            Some(bytes) => Source::Memory(bytes.into()),
            None => Source::File(self.root.share(file, &metadata), metadata.len()),
        };
        describe(&mut fields, &metadata, (coding, &variant), metadata.len());
        Representation { fields, source }
    }

    /// The same with each coding that makes it smaller.
    fn compressed(
        &self,
        source: &Source,
        metadata: &Metadata,
        common: &Fields,
    ) -> Vec<(Coding, Representation)> {
        let (Some(compression), Source::Memory(bytes)) = (&self.compression, source) else {
            return Vec::new();
        };
        if bytes.len() > self.largest_compressed {
            return Vec::new();
        }
        let kind = common.get(CONTENT_TYPE).unwrap_or_default();
        let way = |(coding, bytes): (Coding, Vec<u8>)| {
            // Another level makes other bytes, which must not have the same tag.
            let variant = format!("-{}{}", coding.name(), compression.level);
            let mut fields = common.clone();
            describe(&mut fields, metadata, (Some(coding), &variant), bytes.len() as u64);
            (coding, Representation { fields, source: Source::Memory(bytes.into()) })
        };
        compression.each(kind, bytes).into_iter().map(way).collect()
    }

    /// Opens what is there; `None` where a client is told that there is nothing.
    fn open_any(&self, path: &[u8]) -> io::Result<Option<Opened>> {
        match self.root.open_any(Path::new(OsStr::from_bytes(path))) {
            Ok((file, metadata)) => Ok(Some(Opened { file, metadata })),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                tracing::warn!("the static file `{}` is not sent: {error}", path.escape_ascii());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Says what is particular to one way to send a file.
fn describe(
    fields: &mut Fields,
    metadata: &Metadata,
    (coding, variant): (Option<Coding>, &str),
    length: u64,
) {
    set_validators(fields, metadata, variant);
    if let Some(coding) = coding {
        fields.append(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    fields.append(CONTENT_LENGTH, HeaderValue::from(length));
}

/// All bytes of a file, unless somebody has just changed it.
fn read(file: &File, metadata: &Metadata) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(metadata.len()).ok()?];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let again = file.metadata().ok()?;
    (Identity::of(&again) == Identity::of(metadata)).then_some(bytes)
}

fn ending(coding: Coding) -> &'static [u8] {
    match coding {
        Coding::Brotli => b".br",
        Coding::Zstd => b".zst",
        Coding::Gzip => b".gz",
    }
}

/// Whether an error says that a path leads nowhere.
fn is_absence(error: &io::Error) -> bool {
    // A socket cannot be opened (ENXIO).
    let found = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        found,
        Some(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP | Errno::NXIO | Errno::INVAL)
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::compression::tests::{compression, decode, noise, text};

    /// What a file of these bytes becomes: its codings with the fields and the bytes, and the fields of the plain one.
    fn coded(
        contents: Contents,
        memory: usize,
        (name, bytes): (&str, &[u8]),
    ) -> (Vec<(Coding, Fields, Vec<u8>)>, Fields) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(name), bytes).unwrap();
        let folder = StaticFolder {
            prefix: "/".to_owned(),
            path: directory.path().to_owned(),
            may_come: false,
            misses: Misses::Refused,
            contents,
        };
        let options = StaticFiles { memory, ..StaticFiles::default() };
        let folder = Folder::open(&folder, &options, Some(&compression()));
        let Outcome::File(found) = folder.find(name.as_bytes(), None) else {
            panic!("`{name}` is not found")
        };
        let bytes = |source: &Source| match source {
            Source::Memory(bytes) => bytes.to_vec(),
            Source::File(..) => panic!("it is not in memory"),
        };
        let ways = found.coded.iter().map(|(coding, way)| (*coding, way.fields.clone(), bytes(&way.source)));
        (ways.collect(), found.plain.fields.clone())
    }

    #[test]
    fn text_in_memory_is_compressed_once_in_each_coding() {
        let text = text(20_000);
        let (ways, plain) = coded(Contents::Assets, 1 << 20, ("a.css", &text));
        assert_eq!(ways.iter().map(|(coding, ..)| *coding).collect::<Vec<_>>(), compression().codings);
        for (coding, fields, bytes) in &ways {
            assert_eq!(decode(*coding, bytes), (text.clone(), true));
            let length = bytes.len().to_string();
            for (name, value) in [
                ("content-encoding", coding.name()),
                ("vary", "Accept-Encoding"),
                ("content-length", &length),
            ] {
                assert_eq!(fields.get_all(name).collect::<Vec<_>>(), [value.as_bytes()], "{name}");
            }
        }
        let mut tags: Vec<_> = ways.iter().map(|(_, fields, _)| fields).chain([&plain]).collect();
        tags.dedup_by_key(|fields| fields.get("etag").unwrap().to_vec());
        assert_eq!(tags.len(), ways.len() + 1);
        assert_eq!(plain.get("vary").unwrap(), b"Accept-Encoding");
        assert_eq!(plain.get("content-length").unwrap(), b"20000");
    }

    #[test]
    fn what_would_gain_nothing_or_is_not_the_sites_stays_as_it_is() {
        let (text, noise) = (text(20_000), noise(20_000));
        let own = Contents::Assets;
        for (contents, memory, file) in [
            (Contents::Uploads, 1 << 20, ("a.css", &*text)),
            (Contents::InlineUploads, 1 << 20, ("a.css", &text)),
            (own, 1 << 20, ("a.png", &text)),
            (own, 1 << 20, ("a.css", &noise)),
            (own, 1 << 20, ("a.css", &text[..10])),
            // It would be compressed for each request.
            (own, 100_000, ("a.css", &text)),
        ] {
            let (ways, plain) = coded(contents, memory, file);
            assert!(ways.is_empty(), "{contents:?} {memory} {file:?}");
            assert_eq!(plain.get("vary"), None);
        }
    }
}
