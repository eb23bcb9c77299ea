//! The application's name: a light check that catches a file given for a module.
//!
//! Whether the module exists and what the name means is for Python to say.

use crate::kind::Refusal;

/// Checks `package.module`, `package.module:name` or `package.module:factory(…)`.
pub(crate) fn parse(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let (module, name) = match text.split_once(':') {
        Some((module, name)) => (module, Some(name)),
        None => (text, None),
    };
    if module.is_empty() {
        return Err(Refusal::new("expected a module and a name, such as `mysite.wsgi:application`"));
    }
    if module.contains('/') || module.ends_with(".py") {
        return Err(Refusal::new("expected a module, not a file").hint(module_for(module, name)));
    }
    Ok(text.to_owned())
}

/// What to write instead of the file.
fn module_for(file: &str, name: Option<&str>) -> String {
    let name = name.map(|name| format!(":{name}")).unwrap_or_default();
    let stem = file.strip_suffix(".py").unwrap_or(file).trim_end_matches('/');
    let (folder, module) = match stem.rsplit_once('/') {
        Some((folder, module)) if stem.starts_with('/') || stem.starts_with("../") => {
            (Some(folder), module.to_owned())
        }
        _ => (None, stem.trim_start_matches("./").replace('/', ".")),
    };
    match folder {
        _ if module.is_empty() => "give a module, such as `mysite.wsgi`".to_owned(),
        None => format!("give the module, `{module}{name}`, not the file"),
        Some(folder) => {
            let folder = if folder.is_empty() { "/" } else { folder };
            format!("give the module, `{module}{name}`, and its folder with `--chdir {folder}`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_pass_unchanged() {
        for name in [
            "app",
            "mysite.wsgi",
            "mysite.wsgi:application",
            "pkg.mod:attr.sub",
            r#"pkg.mod:factory("a/b.py", key=1)"#,
        ] {
            assert_eq!(parse(name).as_deref(), Ok(name));
        }
        assert_eq!(parse(" mysite.wsgi\n").as_deref(), Ok("mysite.wsgi"));
    }

    #[test]
    fn files_are_refused_with_the_module_in_the_hint() {
        for (file, hint) in [
            ("wsgi.py", "give the module, `wsgi`, not the file"),
            ("mysite/wsgi.py", "give the module, `mysite.wsgi`, not the file"),
            ("./mysite/wsgi:app", "give the module, `mysite.wsgi:app`, not the file"),
            ("/srv/site/wsgi.py", "give the module, `wsgi`, and its folder with `--chdir /srv/site`"),
            ("../site/wsgi.py:app", "give the module, `wsgi:app`, and its folder with `--chdir ../site`"),
            ("/", "give a module, such as `mysite.wsgi`"),
            (".py", "give a module, such as `mysite.wsgi`"),
            ("/wsgi.py", "give the module, `wsgi`, and its folder with `--chdir /`"),
        ] {
            assert_eq!(parse(file).unwrap_err().hint.as_deref(), Some(hint), "{file}");
        }
    }
}
