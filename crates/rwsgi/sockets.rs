//! The addresses of the settings, as the sockets that are to be opened for them.

use rwsgi_config::{Address, Config};
use rwsgi_os::{BindAddress, Listener, Owner, Purpose, SocketPlan};

use crate::error::Error;
use crate::launch::Launch;

/// The permissions of unix sockets that no `--umask` is about: for the user and the group, not for everybody.
const MODE: u32 = 0o660;

/// A socket for each address of the settings, those of the application first and those for numbers last; their files are given to `owner`.
pub(crate) fn plans(config: &Config, owner: Owner) -> Vec<SocketPlan> {
    let plan = |address, purpose| SocketPlan {
        backlog: config.backlog,
        reuse_port: config.reuse_port,
        ipv6_only: [&config.bind, &config.https_redirect, &config.metrics_bind]
            .iter()
            .any(|all| leaves_ipv4(address, all)),
        mode: config.umask.map_or(MODE, |umask| 0o777 & !umask),
        owner,
        purpose,
        ..SocketPlan::new(bind_address(address))
    };
    let serving = config.bind.iter().map(|address| plan(address, Purpose::Serving));
    let serving = serving.map(|plan| SocketPlan { is_secure: config.is_secure(), ..plan });
    // In this order: by that a worker knows them.
    let redirecting = config.https_redirect.iter().map(|address| plan(address, Purpose::Redirecting));
    let metrics = config.metrics_bind.iter().map(|address| plan(address, Purpose::Metrics));
    serving.chain(redirecting).chain(metrics).collect()
}

fn bind_address(address: &Address) -> BindAddress {
    match address {
        Address::Tcp { host, port } => BindAddress::Tcp { host: host.clone(), port: *port },
        Address::Unix(path) => BindAddress::Unix(path.clone()),
        Address::Abstract(name) => BindAddress::Abstract(name.clone()),
        Address::Fd(descriptor) => BindAddress::Inherited(*descriptor),
    }
}

/// Whether another address takes the IPv4 connections of the same port: two sockets could not both have them.
fn leaves_ipv4(address: &Address, all: &[Address]) -> bool {
    // Nothing else that names a host has colons.
    let of_ipv6 = |host: &str| host.contains(':');
    let Address::Tcp { host, port } = address else { return false };
    let shares = |other: &Address| match other {
        Address::Tcp { host, port: same } => same == port && !of_ipv6(host),
        _ => false,
    };
    of_ipv6(host) && *port != 0 && all.iter().any(shares)
}

/// Opens all or none: the socket files of those before the one that fails are removed. What the server before this one hands
/// over is taken from it.
pub(crate) fn open(plans: &[SocketPlan], launch: &mut Launch) -> Result<Vec<Listener>, Error> {
    let (mut open, mut bound) = (Vec::new(), Vec::new());
    for plan in plans {
        if let Some(listener) = launch.inherited(&plan.address) {
            open.push(listener.as_planned(plan));
            continue;
        }
        match Listener::bind(plan) {
            Ok(listener) => {
                bound.push(open.len());
                open.push(listener);
            }
            Err(error) => {
                // Not of those that were handed over: they are the predecessor's still.
                let ours = open.into_iter().enumerate().filter(|(place, _)| bound.contains(place));
                ours.filter_map(|(_, listener)| listener.close()).for_each(|file| {
                    file.remove_if_ours();
                });
                return Err(error.into());
            }
        }
    }
    launch.close_rest();
    Ok(open)
}

/// Closes them before any worker was started; their files go too, unless the server before this one still uses them.
pub(crate) fn close(listeners: Vec<Listener>, launch: &Launch) {
    let files: Vec<_> = listeners.into_iter().filter_map(Listener::close).collect();
    for file in files {
        if launch.predecessor().is_some() {
            file.remove_if_abandoned();
        } else {
            file.remove_if_ours();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(arguments: &[&str]) -> Vec<SocketPlan> {
        let program = rwsgi_config::Program { name: "rwsgi", version: "" };
        let all = ["rwsgi", "app:app"].iter().chain(arguments).map(|text| (*text).into()).collect();
        let opened = rwsgi_config::open(all, [], program).unwrap();
        let rwsgi_config::Opened::Draft(draft) = opened else { panic!("{opened:?}") };
        let config = draft.finish(None).unwrap().config;
        plans(&config, Owner::default())
    }

    #[test]
    fn sockets_are_for_user_and_group_unless_the_umask_says_otherwise() {
        let mode = |arguments: &[&str]| sockets(arguments)[0].mode;
        assert_eq!(mode(&[]), 0o660);
        assert_eq!(mode(&["--umask", "0"]), 0o777);
        assert_eq!(mode(&["--umask", "007"]), 0o770);
    }

    #[test]
    fn ipv4_of_a_port_belongs_to_the_address_that_names_it() {
        let ipv6_only =
            |arguments: &[&str]| sockets(arguments).iter().map(|plan| plan.ipv6_only).collect::<Vec<_>>();
        assert_eq!(ipv6_only(&["-b", "[::]:80"]), [false]);
        assert_eq!(ipv6_only(&["-b", "[::]:80", "-b", "0.0.0.0:81"]), [false, false]);
        assert!(ipv6_only(&["-b", "[::]:80", "-b", "0.0.0.0:80"])[0]);
        assert!(ipv6_only(&["-b", "127.0.0.1:80", "-b", "[::]:80"])[1]);
        assert_eq!(ipv6_only(&["-b", "[::]:0", "-b", "0.0.0.0:0"]), [false, false]);
    }
}
