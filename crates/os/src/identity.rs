use std::{ffi::CString, fs, io, path::Path};

use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::{
        Gid, Group, Uid, User, getegid, geteuid, getgid, getgrouplist, getgroups, getuid, mkstemp, setgroups,
        setresgid, setresuid, setuid,
    },
};

use crate::{Error, ExitReason, Forked, NoHooks, Owner, exit_now, fork};

/// The user and group that workers run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    user: Option<Uid>,
    group: Gid,
    /// Whether `group` was asked for.
    is_given_away: bool,
    groups: Vec<Gid>,
}

impl Identity {
    /// Looks up what is to become of this process's user and group, each by its name or number; `None` when both stay as they
    /// are. Root (0) means no change, and so does leaving one out (Gunicorn's `user`, `group`, `initgroups`).
    ///
    /// The supplementary groups are those that the user is a member of with `all_groups`, else none: what root is a
    /// member of is nothing for others.
    ///
    /// # Errors
    /// There is no such user or group, the user has no name to look up its groups by, or this process is not root's.
    pub fn resolve(user: Option<&str>, group: Option<&str>, all_groups: bool) -> Result<Option<Self>, Error> {
        let found = user.map(find_user).transpose()?;
        let wanted_group = group.map(find_group).transpose()?.filter(|group| group.as_raw() != 0);
        let wanted_user = found.as_ref().map(|(uid, _)| *uid).filter(|uid| !uid.is_root());
        let same_user = wanted_user.is_none_or(|uid| uid == getuid() && uid == geteuid());
        let same_group = wanted_group.is_none_or(|gid| gid == getgid() && gid == getegid());
        if !geteuid().is_root() {
            return if same_user && same_group { Ok(None) } else { Err(not_root(user, group, same_user)) };
        }
        if wanted_user.is_none() && wanted_group.is_none() {
            return Ok(None);
        }
        let gid = wanted_group.unwrap_or_else(getegid);
        let groups = match (&found, all_groups) {
            (Some((_, name)), true) => all_groups_of(name.as_deref(), user.unwrap_or_default(), gid)?,
            _ => vec![gid],
        };
        Ok(Some(Self { user: wanted_user, group: gid, is_given_away: wanted_group.is_some(), groups }))
    }

    /// Whom files have to belong to so that this user can open them again.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner { user: self.user.map(Uid::as_raw), group: self.is_given_away.then(|| self.group.as_raw()) }
    }

    /// Makes this process run as that user and group, for good. For a worker, before it runs anything of the application.
    ///
    /// `die_with_parent` keeps its effect, which the kernel would end here; a parent that ends meanwhile is not noticed by it.
    /// The process stays open to debuggers of its own user, and `/proc/self` readable for it (`PR_SET_DUMPABLE`).
    ///
    /// # Errors
    /// The kernel refuses, for instance root without the capabilities for it; or root can be had back.
    pub fn assume(&self) -> Result<(), Error> {
        let failed = |action| move |errno| Error::system(action, errno);
        let death_signal = death_signal();
        // Some containers forbid to set groups, also those that are there already.
        if getgroups().ok().as_ref() != Some(&self.groups) {
            setgroups(&self.groups).map_err(failed("set the groups of the worker"))?;
        }
        setresgid(self.group, self.group, self.group).map_err(failed("change the group of the worker"))?;
        if let Some(user) = self.user {
            setresuid(user, user, user).map_err(failed("change the user of the worker"))?;
            if setuid(Uid::from_raw(0)).is_ok() {
                let kept = io::Error::new(io::ErrorKind::PermissionDenied, "it can become root again");
                return Err(Error::system("give up root", kept));
            }
        }
        restore(death_signal);
        Ok(())
    }

    /// Whether this user can create files in `directory`, tried in a child.
    ///
    /// # Errors
    /// There is no room for another process, or this one has more than one thread.
    pub fn can_write(&self, directory: &Path) -> Result<bool, Error> {
        // The child touches nothing of Python and ends here: Python need not know of it.
        match fork(&NoHooks)? {
            Forked::Child => exit_now(match self.assume().is_ok() && is_writable(directory) {
                true => ExitReason::Ok,
                false => ExitReason::Config,
            }),
            Forked::Parent(child) => loop {
                match waitpid(child, None) {
                    Err(nix::errno::Errno::EINTR) => {}
                    ended => return Ok(matches!(ended, Ok(WaitStatus::Exited(_, 0)))),
                }
            },
        }
    }
}

/// The user, and its name if it has one.
fn find_user(text: &str) -> Result<(Uid, Option<String>), Error> {
    let failed = |errno| Error::system("look up a user", errno);
    let named = |user: User| (user.uid, Some(user.name));
    if let Ok(number) = text.parse() {
        let uid = Uid::from_raw(number);
        let found = User::from_uid(uid).map_err(failed)?;
        return Ok(found.map_or((uid, None), named));
    }
    let found = User::from_name(text).map_err(failed)?;
    found.map(named).ok_or_else(|| Error::UnknownUser { user: text.to_owned() })
}

fn find_group(text: &str) -> Result<Gid, Error> {
    if let Ok(number) = text.parse() {
        return Ok(Gid::from_raw(number));
    }
    let found = Group::from_name(text).map_err(|errno| Error::system("look up a group", errno))?;
    found.map(|group| group.gid).ok_or_else(|| Error::UnknownGroup { group: text.to_owned() })
}

fn all_groups_of(name: Option<&str>, user: &str, group: Gid) -> Result<Vec<Gid>, Error> {
    let nameless = || Error::NamelessUser { user: user.to_owned() };
    let name = CString::new(name.ok_or_else(nameless)?).map_err(|_| nameless())?;
    getgrouplist(&name, group).map_err(|errno| Error::system("look up the groups of a user", errno))
}

fn not_root(user: Option<&str>, group: Option<&str>, same_user: bool) -> Error {
    let what = match (user, group) {
        (Some(user), _) if !same_user => format!("user `{user}`"),
        (_, group) => format!("group `{}`", group.unwrap_or_default()),
    };
    Error::NotRoot { what }
}

/// Makes and removes a file: permissions, access lists and read-only file systems are all asked at once.
fn is_writable(directory: &Path) -> bool {
    let made = mkstemp(&directory.join("rwsgi-XXXXXX"));
    made.is_ok_and(|(_, path)| fs::remove_file(path).is_ok())
}

/// Which signal this process gets when its parent ends; 0 for none.
fn death_signal() -> libc::c_int {
    let mut signal = 0;
    // SAFETY: PR_GET_PDEATHSIG writes one `int`, to a local that lives through the call.
    unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &raw mut signal) };
    signal
}

/// Both end with a change of user (prctl(2)).
fn restore(death_signal: libc::c_int) {
    // SAFETY: both take plain numbers.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 1);
        libc::prctl(libc::PR_SET_PDEATHSIG, death_signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_nothing_mean_no_change() {
        for (user, group) in [(None, None), (Some("0"), None), (Some("root"), Some("0"))] {
            if geteuid().is_root() || user.is_none() {
                assert_eq!(Identity::resolve(user, group, false).unwrap(), None, "{user:?} {group:?}");
            }
        }
        let (user, group) = (getuid().to_string(), getgid().to_string());
        assert_eq!(Identity::resolve(Some(&user), Some(&group), true).unwrap(), None);
    }

    #[test]
    fn unknown_names_are_told() {
        let user = Identity::resolve(Some("no-such-user"), None, false).unwrap_err();
        assert_eq!(user.to_string(), "there is no user `no-such-user`");
        let group = Identity::resolve(None, Some("no such group"), false).unwrap_err();
        assert_eq!(group.to_string(), "there is no group `no such group`");
    }

    #[test]
    fn numbers_need_no_name_but_for_their_groups() {
        if !geteuid().is_root() {
            eprintln!("NOT TESTED: changing the user needs root");
            return;
        }
        let identity = Identity::resolve(Some("54321"), Some("54322"), false).unwrap().unwrap();
        assert_eq!(identity.owner(), Owner { user: Some(54321), group: Some(54322) });
        assert_eq!(identity.groups, [Gid::from_raw(54322)]);
        let refusal = Identity::resolve(Some("54321"), None, true).unwrap_err();
        assert!(matches!(refusal, Error::NamelessUser { .. }), "{refusal}");
        let user = Identity::resolve(Some("54321"), None, false).unwrap().unwrap();
        assert_eq!(user.owner(), Owner { user: Some(54321), group: None });
    }
}
