use std::{sync::Barrier, thread, time::Duration};

use super::*;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;

/// Too large for the stack of a test.
fn table() -> Box<RateTable> {
    let sets: Box<[Set]> = (0..SETS).map(|_| Set(Default::default())).collect();
    let sets: Box<[Set; SETS]> = sets.try_into().map_err(|_| "as many").unwrap();
    let boxed = thread::Builder::new().stack_size(16 << 20).spawn(move || Box::new(RateTable(*sets)));
    boxed.unwrap().join().unwrap()
}

fn per_minute(count: u32, burst: u32) -> Pace {
    Pace::new(Duration::from_secs(60) / count, burst)
}

fn passed(table: &RateTable, hash: u64, pace: Pace, times: impl IntoIterator<Item = u64>) -> usize {
    times.into_iter().filter(|now| table.admit(hash, pace, *now).is_ok()).count()
}

/// Another client of the same set.
fn neighbour(number: u64) -> u64 {
    (number << 48) | 5
}

#[test]
fn a_burst_passes_and_then_one_in_each_interval() {
    let table = table();
    let pace = per_minute(6, 4);
    assert_eq!(passed(&table, 1, pace, [MINUTE; 10]), 4);
    assert_eq!(table.admit(1, pace, MINUTE), Err(Duration::from_secs(10)));
    assert_eq!(table.admit(1, pace, MINUTE + 7 * SECOND), Err(Duration::from_secs(3)));
    assert_eq!(passed(&table, 1, pace, [MINUTE + 10 * SECOND; 2]), 1);
    // What was refused has not been counted, and a rest fills the bucket to its brim and no further.
    assert_eq!(passed(&table, 1, pace, [MINUTE + 30 * SECOND; 5]), 2);
    assert_eq!(passed(&table, 1, pace, [100 * MINUTE; 10]), 4);
}

#[test]
fn in_the_long_run_as_many_pass_as_the_rate_says() {
    let table = table();
    let pace = per_minute(60, 10);
    let tenths = |seconds: u64| (0..seconds * 10).map(|tenth| MINUTE + tenth * SECOND / 10);
    // Ten at once, and one in each second.
    assert_eq!(passed(&table, 1, pace, tenths(100)), 10 + 99);
}

#[test]
fn a_burst_of_one_has_no_second_one() {
    let table = table();
    for burst in [0, 1] {
        assert_eq!(passed(&table, u64::from(burst) + 7, per_minute(1, burst), [MINUTE; 3]), 1);
    }
}

#[test]
fn clients_do_not_share_what_they_have_and_neighbours_are_told_apart() {
    let table = table();
    let pace = per_minute(1, 2);
    for number in 1..=WAYS as u64 {
        assert_eq!(passed(&table, neighbour(number), pace, [MINUTE; 3]), 2, "{number}");
    }
    for number in 1..=WAYS as u64 {
        assert!(table.admit(neighbour(number), pace, MINUTE).is_err(), "{number} is remembered");
    }
}

#[test]
fn in_a_full_set_the_one_who_owes_least_is_forgotten() {
    let table = table();
    let pace = per_minute(1, 3);
    for number in 1..=WAYS as u64 {
        let count = if number == 4 { 1 } else { 3 };
        assert_eq!(passed(&table, neighbour(number), pace, vec![MINUTE; count]), count);
    }
    assert!(table.admit(neighbour(100), pace, MINUTE).is_ok());
    for number in (1..=WAYS as u64).filter(|number| *number != 4) {
        assert!(table.admit(neighbour(number), pace, MINUTE).is_err(), "{number} is remembered");
    }
}

#[test]
fn who_owes_nothing_any_more_makes_room() {
    let table = table();
    let pace = per_minute(1, 1);
    for number in 1..=WAYS as u64 {
        assert!(table.admit(neighbour(number), pace, MINUTE + number).is_ok());
    }
    for number in 11..=10 + WAYS as u64 {
        assert!(table.admit(neighbour(number), pace, 3 * MINUTE).is_ok());
    }
    for number in 11..=10 + WAYS as u64 {
        assert!(table.admit(neighbour(number), pace, 3 * MINUTE).is_err(), "{number} is remembered");
    }
}

#[test]
fn threads_that_race_let_in_exactly_as_many_as_may_pass() {
    let table = table();
    let pace = per_minute(1, 40_000);
    let start = Barrier::new(4);
    for client in [3, neighbour(9)] {
        let count = || {
            start.wait();
            passed(&table, client, pace, std::iter::repeat_n(MINUTE, 20_000))
        };
        let total: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(total, 40_000);
    }
}

#[test]
fn times_go_round_in_their_circle() {
    let table = table();
    let pace = per_minute(6, 4);
    let times = [TIME - 5 * SECOND, TIME + 1, u64::MAX - SECOND, TIME / 2 + 1, 0];
    // They have the tag of a word that was never written.
    for (client, now) in (0..).zip(times) {
        assert_eq!(passed(&table, client, pace, [now; 10]), 4, "{now}");
        let later = now.wrapping_add(10 * SECOND);
        assert_eq!(passed(&table, client, pace, [later; 10]), 1, "{now}");
    }
}

#[test]
fn the_largest_and_the_smallest_numbers_limit_nobody_for_ever() {
    let table = table();
    let slow = Pace::new(Duration::MAX, u32::MAX);
    assert!(table.admit(1, slow, 0).is_ok());
    let fast = Pace::new(Duration::ZERO, 1);
    assert!(table.admit(2, fast, 5).is_ok() && table.admit(2, fast, 6).is_ok());
    assert_eq!(table.admit(2, fast, 6), Err(Duration::from_micros(1)));
}

#[test]
fn a_set_is_a_cache_line_and_the_table_a_mebibyte() {
    assert_eq!((size_of::<Set>(), align_of::<Set>(), size_of::<RateTable>()), (64, 64, 1 << 20));
}
