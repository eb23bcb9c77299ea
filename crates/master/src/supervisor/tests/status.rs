use rwsgi_os::Report;

use super::{Census, world::*};
use crate::{Policy, intent::Intent};

#[test]
fn the_census_counts_everybody_once() {
    let mut world = World::still_serving(3);
    world.say(1, Report::Retiring);
    world.intent(Intent::Reload);
    let census = world.supervisor.status();
    assert_eq!(
        census,
        Census { wanted: 3, ready: 2, starting: 2, retiring: 1, generation: 1, reloading: true }
    );
}

#[test]
fn a_server_is_well_while_anybody_serves_or_is_about_to() {
    let mut world = World::still(2);
    assert!(world.supervisor.is_well(), "it starts");
    world.say(1, Report::Ready);
    world.exit(2, SEGFAULT);
    world.exit(3, SEGFAULT);
    assert!(world.supervisor.is_well());
    world.exit(1, KILLED);
    assert!(world.supervisor.is_well(), "another loads");
    for pid in 4..9 {
        if world.last_pid < pid {
            world.sleep();
        }
        world.exit(pid, SEGFAULT);
    }
    assert!(!world.supervisor.is_well(), "a storm of crashes");
    world.intent(Intent::Stop);
    assert!(world.supervisor.is_well());
}

#[test]
fn a_server_whose_workers_are_all_silent_is_not_well() {
    let mut world = World::lively(Policy { silence: Some(seconds(20)), ..policy(1) });
    world.boots.insert(1, Boot::Hangs);
    world.processes.get_mut(&1).unwrap().stuck = true;
    world.run(seconds(40));
    assert!(world.supervisor.is_well(), "another loads");
    world.run(seconds(400));
    assert!(!world.supervisor.is_well(), "none of them comes to an end with it");
}

#[test]
fn a_server_that_waits_for_its_mold_is_well() {
    let mut world = World::lively(Policy { mold: true, ..policy(1) });
    for pid in world.processes.keys().copied().collect::<Vec<_>>() {
        world.exit(pid, KILLED);
    }
    assert!(world.supervisor.is_well());
    world.molds = Boot::EndsAfter(millis(100), CODE_4);
    world.run(seconds(100));
    let mold = world.pids(Kind::Mold);
    for pid in mold.into_iter().chain(world.serving()) {
        world.exit(pid, KILLED);
    }
    world.run(seconds(100));
    assert!(!world.supervisor.is_well());
}

#[test]
fn a_server_that_waits_for_a_reload_is_well_whatever_was_tried_before() {
    let mut world = World::with(Policy { patient: true, ..policy(1) }, 36, Boot::Hangs);
    world.exit(1, CODE_4);
    world.intent(Intent::Reload);
    world.say(2, Report::Ready);
    world.exit(2, CODE_4);
    assert_eq!((world.processes.len(), world.supervisor.status().reloading), (0, false));
    assert!(world.supervisor.is_well());
}
