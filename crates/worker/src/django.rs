//! The files and hosts of a Django site, as its settings name them.

use std::io;
use std::mem;
use std::path::{Component, Path, PathBuf};

use rwsgi_http::{Contents, Hosts, Misses, Options, StaticFiles, StaticFolder};
use rwsgi_wsgi::{Application, DjangoSettings};

/// What of a Django site's settings is done without it.
#[derive(Clone, Copy, Debug)]
pub struct DjangoWishes {
    /// Which files are sent.
    pub files: DjangoFiles,
    /// Whether requests for other hosts than those of `ALLOWED_HOSTS` are refused.
    pub hosts: bool,
}

/// Which files of a Django site are sent without it.
#[derive(Clone, Copy, Debug)]
pub struct DjangoFiles {
    /// Whether `STATIC_ROOT` is served.
    pub assets: DjangoAssets,
    /// What `MEDIA_ROOT` is served as; `None`: it is not.
    pub uploads: Option<Contents>,
    /// What becomes of a path that names no file; while `DEBUG` is on the application gets it, whose own views may know it.
    pub misses: Misses,
}

/// Whether the static files of a Django site are sent without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DjangoAssets {
    /// Unless WhiteNoise does it.
    Auto,
    /// Whoever else does it.
    On,
    /// Never.
    Off,
}

/// A directory that Django's settings may name.
struct Named<'a> {
    url: Option<&'a str>,
    root: Option<&'a PathBuf>,
    /// The name of the setting.
    setting: &'static str,
    contents: Contents,
}

/// Does what the settings of the site say that has been loaded, if it is one of Django. One worker tells of it.
pub(crate) fn obey(http: &mut Options, (application, wanted): (&Application, &DjangoWishes), is_first: bool) {
    let has_files = wanted.files.assets != DjangoAssets::Off || wanted.files.uploads.is_some();
    if !has_files && !wanted.hosts {
        return;
    }
    match DjangoSettings::read(application) {
        Ok(Some(settings)) => {
            add_files(&mut http.statics, (&settings, &wanted.files), is_first);
            if wanted.hosts {
                add_hosts(&mut http.protection.hosts, &settings, is_first);
            }
        }
        Ok(None) if wanted.hosts && is_first => {
            tracing::warn!("`--django-hosts` changes nothing: the application has not set Django up");
        }
        Ok(None) => {}
        Err(error) => tracing::warn!("{error}"),
    }
}

fn add_hosts(hosts: &mut Hosts, settings: &DjangoSettings, is_first: bool) {
    let names: Vec<&str> = match settings.allowed_hosts.as_slice() {
        [] if settings.debug => THIS_MACHINE.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    *hosts = mem::take(hosts).and(Hosts::new("Django's ALLOWED_HOSTS", names.iter().copied()));
    match names.as_slice() {
        _ if !is_first => {}
        [] => tracing::warn!("`--django-hosts` changes nothing: Django's ALLOWED_HOSTS is empty"),
        names => tracing::info!("Answering requests for {} (Django's ALLOWED_HOSTS)", names.join(", ")),
    }
}

/// What an empty `ALLOWED_HOSTS` means while `DEBUG` is on.
const THIS_MACHINE: [&str; 3] = [".localhost", "127.0.0.1", "[::1]"];

fn add_files(statics: &mut StaticFiles, (settings, wanted): (&DjangoSettings, &DjangoFiles), is_first: bool) {
    if is_left(settings, wanted) && is_first {
        tracing::info!("Django's static files are left to WhiteNoise");
    }
    for named in named(settings, wanted) {
        match folder(&named, settings, statics) {
            Ok(None) => {}
            Ok(Some((prefixes, path))) => {
                if is_first {
                    announce(&named, &prefixes.join(" and "), &path);
                }
                let misses = if settings.debug { Misses::Handed } else { wanted.misses };
                statics.folders.extend(prefixes.into_iter().map(|prefix| StaticFolder {
                    prefix,
                    path: path.clone(),
                    may_come: true,
                    misses,
                    contents: named.contents,
                }));
            }
            Err(reason) if is_first => tracing::info!("Not serving Django's {}: {reason}", named.setting),
            Err(_) => {}
        }
    }
}

/// Says what is served where, or will be.
fn announce(named: &Named<'_>, urls: &str, path: &Path) {
    let (shown, setting) = (path.display(), named.setting);
    match enter(path) {
        Ok(()) => tracing::info!("Serving {urls} from {shown} (Django's {setting})"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let hint = match named.contents {
                Contents::Assets => " (`manage.py collectstatic` makes it)",
                _ => "",
            };
            tracing::info!("Django's {setting} `{shown}` is served as soon as it is there{hint}, at {urls}");
        }
        Err(error) => {
            tracing::warn!(
                "Django's {setting} `{shown}` cannot be entered, and is served as soon as it can: {error}"
            );
        }
    }
}

/// Whether files can be reached through a directory.
fn enter(path: &Path) -> io::Result<()> {
    path.join(".").metadata().map(drop)
}

/// Whether WhiteNoise serves the static files.
fn is_left(settings: &DjangoSettings, wanted: &DjangoFiles) -> bool {
    wanted.assets == DjangoAssets::Auto && settings.white_noise
}

fn named<'a>(settings: &'a DjangoSettings, wanted: &DjangoFiles) -> Vec<Named<'a>> {
    let has_assets = wanted.assets != DjangoAssets::Off && !is_left(settings, wanted);
    let assets = has_assets.then_some(Named {
        url: settings.static_url.as_deref(),
        root: settings.static_root.as_ref(),
        setting: "STATIC_ROOT",
        contents: Contents::Assets,
    });
    let uploads = wanted.uploads.map(|contents| Named {
        url: settings.media_url.as_deref(),
        root: settings.media_root.as_ref(),
        setting: "MEDIA_ROOT",
        contents,
    });
    assets.into_iter().chain(uploads).collect()
}

/// The directory to be served, and at which URLs; `None` where that is nobody's wish, and a reason where somebody may wonder.
fn folder(
    named: &Named<'_>,
    settings: &DjangoSettings,
    statics: &StaticFiles,
) -> Result<Option<(Vec<String>, PathBuf)>, String> {
    let Some(url) = named.url else { return Ok(None) };
    // A whole URL is another server's; a site without the app `staticfiles` may have its own way.
    let is_elsewhere = url.contains("://") || url.starts_with("//");
    let is_unused = named.contents == Contents::Assets
        && (url.is_empty()
            || named.root.is_none()
                && !settings.apps.iter().any(|app| app.starts_with("django.contrib.staticfiles")));
    if is_elsewhere || is_unused {
        return Ok(None);
    }
    let prefixes = prefixes(url, &settings.script_name);
    let is_known = |prefix: &String| {
        let prefix = prefix.trim_end_matches('/');
        statics.folders.iter().any(|folder| folder.prefix.trim_end_matches('/') == prefix)
    };
    if prefixes.iter().any(|prefix| is_root(prefix)) {
        return Err(format!("its URL is `{url}`, which would hide the application"));
    }
    if prefixes.iter().any(is_known) {
        return Ok(None);
    }
    let root = named.root.ok_or("it is not set")?;
    if enter(root).is_err_and(|error| error.kind() == io::ErrorKind::NotADirectory) {
        return Err(format!("`{}` is no directory", root.display()));
    }
    if let Some(what) = shares_with(named, settings, root) {
        return Err(format!("`{}` holds {what} too", root.display()));
    }
    let path = std::path::absolute(root).map_err(|error| error.to_string())?;
    Ok(Some((prefixes, path)))
}

/// What the paths of requests begin with when they follow the links of the site: those under `FORCE_SCRIPT_NAME` come as they are written,
/// or without it from a proxy that takes it away. Whatever else the application is mounted at is none of the settings' business.
fn prefixes(url: &str, script_name: &str) -> Vec<String> {
    let mount = match script_name.trim_matches('/') {
        "" => String::new(),
        name => format!("/{name}"),
    };
    let link = if url.starts_with('/') { url.to_owned() } else { format!("{mount}/{url}") };
    let below = link.strip_prefix(&mount).filter(|below| !mount.is_empty() && below.starts_with('/'));
    let below = below.map(str::to_owned);
    [link].into_iter().chain(below).collect()
}

/// Whether it is the path of everything.
fn is_root(prefix: &str) -> bool {
    prefix.trim_end_matches('/').is_empty()
}

/// What lies in a directory that strangers must not have, or not like that.
fn shares_with(named: &Named<'_>, settings: &DjangoSettings, root: &Path) -> Option<&'static str> {
    let holds = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| lies_in(path, root));
    if holds(&settings.file) {
        return Some("the settings of the site");
    }
    // They would be taken for what the authors of the site have written.
    (named.contents == Contents::Assets && holds(&settings.media_root)).then_some("MEDIA_ROOT")
}

fn lies_in(file: &Path, root: &Path) -> bool {
    resolved(file).starts_with(resolved(root))
}

/// Where a path leads, also one that is not there yet: Django makes MEDIA_ROOT for the first upload.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = path.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    let Some((there, mut found)) = found else { return path };
    for part in path.strip_prefix(there).unwrap_or(&path).components() {
        match part {
            // As Django writes paths before it makes directories.
            Component::ParentDir => drop(found.pop()),
            part => found.push(part),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn settings(root: &Path) -> DjangoSettings {
        DjangoSettings {
            static_url: Some("static/".into()),
            static_root: Some(root.to_owned()),
            media_url: Some("".into()),
            apps: vec!["django.contrib.staticfiles".into()],
            ..DjangoSettings::default()
        }
    }

    fn judge(settings: &DjangoSettings, statics: &StaticFiles) -> Result<bool, String> {
        let wanted = DjangoFiles { assets: DjangoAssets::Auto, uploads: None, misses: Misses::default() };
        let named = named(settings, &wanted);
        let folder = named.first().map_or(Ok(None), |named| folder(named, settings, statics));
        folder.map(|folder| folder.is_some())
    }

    #[test]
    fn a_static_root_is_served_unless_somebody_else_does_it() {
        let here = tempfile::tempdir().unwrap();
        let (site, none) = (settings(here.path()), StaticFiles::default());
        assert_eq!(judge(&site, &none), Ok(true));
        for url in ["https://cdn.example/static/", "//cdn.example/", ""] {
            let site = DjangoSettings { static_url: Some(url.into()), ..site.clone() };
            assert_eq!(judge(&site, &none), Ok(false), "{url}");
        }
        let with_noise = DjangoSettings { white_noise: true, ..site.clone() };
        assert_eq!(judge(&with_noise, &none), Ok(false));
        let folder = StaticFolder {
            prefix: "/static".into(),
            path: here.path().into(),
            may_come: false,
            misses: Misses::default(),
            contents: Contents::Assets,
        };
        assert_eq!(judge(&site, &StaticFiles { folders: vec![folder], ..none.clone() }), Ok(false));
        let plain = DjangoSettings { static_root: None, apps: Vec::new(), ..site };
        assert_eq!(judge(&plain, &none), Ok(false));
    }

    #[test]
    fn requests_come_where_links_lead_and_where_proxies_take_the_script_name_away() {
        for (url, script_name, expected) in [
            ("static/", "", &["/static/"][..]),
            ("/static/", "", &["/static/"]),
            ("static/", "/shop", &["/shop/static/", "/static/"]),
            ("static/", "shop/", &["/shop/static/", "/static/"]),
            ("/shop/static/", "/shop", &["/shop/static/", "/static/"]),
            ("/static/", "/shop", &["/static/"]),
            ("/shopstatic/", "/shop", &["/shopstatic/"]),
            ("static/", "/", &["/static/"]),
            ("", "/shop", &["/shop/", "/"]),
        ] {
            assert_eq!(prefixes(url, script_name), expected, "{url} {script_name}");
        }
    }

    #[test]
    fn what_is_missing_or_dangerous_is_said() {
        let here = tempfile::tempdir().unwrap();
        fs::write(here.path().join("settings.py"), "").unwrap();
        let (site, none) = (settings(here.path()), StaticFiles::default());
        let reason = |site: &DjangoSettings| judge(site, &none).unwrap_err();
        let missing = DjangoSettings { static_root: None, ..site.clone() };
        assert_eq!(reason(&missing), "it is not set");
        let file = DjangoSettings { static_root: Some(here.path().join("settings.py")), ..site.clone() };
        assert!(reason(&file).ends_with("settings.py` is no directory"));
        let gone = DjangoSettings { static_root: Some(here.path().join("gone")), ..site.clone() };
        assert_eq!(judge(&gone, &none), Ok(true), "it may come");
        let root = DjangoSettings { static_url: Some("/".into()), ..site.clone() };
        assert!(reason(&root).contains("hide the application"));
        let own = DjangoSettings { file: Some(here.path().join("settings.py")), ..site.clone() };
        assert!(reason(&own).ends_with("holds the settings of the site too"));
        let link = here.path().with_extension("link");
        symlink(here.path(), &link).unwrap();
        for uploads in [here.path(), &here.path().join("later/uploads"), &link.join("gone/../later")] {
            let media = DjangoSettings { media_root: Some(uploads.to_owned()), ..site.clone() };
            assert!(reason(&media).ends_with("holds MEDIA_ROOT too"), "{}", uploads.display());
        }
        for uploads in
            [&here.path().with_extension("too"), &here.path().join("later/../../too"), &link.join("../too")]
        {
            let media = DjangoSettings { media_root: Some(uploads.clone()), ..site.clone() };
            assert_eq!(judge(&media, &none), Ok(true), "{}", uploads.display());
        }
        fs::remove_file(link).unwrap();
    }
}
