use std::{
    fs,
    path::{Path, PathBuf},
};

/// The control group of this process in one hierarchy: version 2, or one controller of version 1.
#[derive(Debug)]
pub(crate) struct Cgroup {
    mount: PathBuf,
    own: PathBuf,
}

impl Cgroup {
    /// Finds it: `None` asks for version 2, a name for that controller of version 1.
    pub(crate) fn find(controller: Option<&str>) -> Option<Self> {
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
        let (root, mount) = mount_of(&mountinfo, controller)?;
        Some(Self::within(root, mount, membership_of(&membership, controller)?))
    }

    /// `root` is what of the hierarchy the mount shows: in a container often just the part below which it
    /// lives.
    fn within(root: &str, mount: &str, path: &str) -> Self {
        let mount = PathBuf::from(mount);
        let below = Path::new(path).strip_prefix(root).unwrap_or_else(|_| Path::new(""));
        let own = mount.join(below.strip_prefix("/").unwrap_or(below));
        Self { mount, own }
    }

    /// The text of `file` in the own group, then in each group above it, where it exists.
    pub(crate) fn read_upwards(&self, file: &str) -> impl Iterator<Item = String> {
        let groups = self.own.ancestors().take_while(|group| group.starts_with(&self.mount));
        groups.filter_map(move |group| fs::read_to_string(group.join(file)).ok())
    }
}

/// The own group in a hierarchy, from `/proc/self/cgroup` (lines `ID:CONTROLLERS:PATH`, version 2 without
/// controllers).
fn membership_of<'a>(text: &'a str, controller: Option<&str>) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let found = match controller {
            None => controllers.is_empty(),
            Some(name) => controllers.split(',').any(|each| each == name),
        };
        found.then_some(path)
    })
}

/// Root and mount point of a hierarchy, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
fn mount_of<'a>(text: &'a str, controller: Option<&str>) -> Option<(&'a str, &'a str)> {
    text.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        let mut kind = kind.split(' ');
        let (name, options) = (kind.next()?, kind.nth(1)?);
        let found = match controller {
            None => name == "cgroup2",
            Some(controller) => name == "cgroup" && options.split(',').any(|option| option == controller),
        };
        found.then_some((root, point))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const MEMBERSHIP: &str =
        "8:cpu,cpuacct:/web\n4:memory:/docker/abc/site\n0::/system.slice/rwsgi.service\n";

    #[test]
    fn both_versions_are_found() {
        assert_eq!(mount_of(MOUNTINFO, None), Some(("/", "/sys/fs/cgroup/unified")));
        assert_eq!(mount_of(MOUNTINFO, Some("cpu")), Some(("/", "/sys/fs/cgroup/cpu,cpuacct")));
        assert_eq!(mount_of(MOUNTINFO, Some("memory")), Some(("/docker/abc", "/sys/fs/cgroup/memory")));
        assert_eq!(mount_of(MOUNTINFO, Some("pids")), None);
        assert_eq!(membership_of(MEMBERSHIP, None), Some("/system.slice/rwsgi.service"));
        assert_eq!(membership_of(MEMBERSHIP, Some("cpu")), Some("/web"));
        assert_eq!(membership_of(MEMBERSHIP, Some("pids")), None);
    }

    #[test]
    fn a_container_sees_a_part_of_the_hierarchy() {
        assert_eq!(Cgroup::within("/", "/m", "/a/b").own, Path::new("/m/a/b"));
        assert_eq!(Cgroup::within("/docker/abc", "/m", "/docker/abc/site").own, Path::new("/m/site"));
        assert_eq!(Cgroup::within("/docker/abc", "/m", "/").own, Path::new("/m"));
        assert_eq!(Cgroup::within("/", "/m", "/").own, Path::new("/m"));
    }

    #[test]
    fn files_are_read_from_the_own_group_up_to_the_mount() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("mount/a/b");
        fs::create_dir_all(&own).unwrap();
        for (group, text) in [("mount/a/b", "own"), ("mount", "top"), (".", "outside")] {
            fs::write(dir.path().join(group).join("limit"), text).unwrap();
        }
        let cgroup = Cgroup { mount: dir.path().join("mount"), own };
        assert_eq!(cgroup.read_upwards("limit").collect::<Vec<_>>(), ["own", "top"]);
    }
}
