use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::Error;

/// Lets this process, and those that it forks, have `wanted` descriptors open at a time, as far as the hard limit allows; a
/// limit that is higher already stays. The soft limit before and now.
///
/// Not simply the hard limit: programs that the application starts inherit it, and some of them close every possible
/// descriptor one by one, which takes minutes where containers allow a thousand million; `select(2)` cannot tell
/// descriptors from 1024 on at all.
///
/// # Errors
/// The kernel refuses.
pub fn allow_descriptors(wanted: u64) -> Result<(u64, u64), Error> {
    let failed = |errno| Error::system("raise the limit of open files", errno);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    let raised = wanted.min(hard).max(soft);
    if raised != soft {
        setrlimit(Resource::RLIMIT_NOFILE, raised, hard).map_err(failed)?;
    }
    Ok((soft, raised))
}
