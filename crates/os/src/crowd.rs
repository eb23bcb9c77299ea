use std::{
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    net::IpAddr,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::rates::Actor;

/// Enough that two of some hundred addresses rarely share a bucket, and that a table is 16 KiB.
const BUCKETS: usize = 4096;

/// Those who connect from one place: an IPv4 address, or the 64 bits of IPv6 that one customer has to himself. Some
/// share their number with others, which a client cannot bring about: the hash has a secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd(usize);

/// Puts addresses into crowds, in all processes that have the same key. It lies in the shared memory, for those that were not
/// forked with it.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct CrowdKey([u64; 2]);

impl CrowdKey {
    /// One that nobody can guess.
    pub(crate) fn draw() -> Self {
        let chance = RandomState::new();
        Self([chance.hash_one(0), chance.hash_one(1)])
    }

    pub(crate) fn crowd_of(self, address: IpAddr) -> Crowd {
        // The remainder is below the number of buckets, whatever the width of a `usize`.
        Crowd((self.hasher_of(address).finish() % BUCKETS as u64) as usize)
    }

    /// A number for the crowd of the actor's address under this rule.
    pub(crate) fn hash_of(self, Actor { address, rule }: Actor) -> u64 {
        let mut hasher = self.hasher_of(address);
        rule.hash(&mut hasher);
        hasher.finish()
    }

    fn hasher_of(self, address: IpAddr) -> DefaultHasher {
        // The same function in all processes, of which all are the same program.
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        match address.to_canonical() {
            IpAddr::V4(address) => (4, u64::from(address.to_bits())).hash(&mut hasher),
            IpAddr::V6(address) => (6, address.to_bits() >> 64).hash(&mut hasher),
        }
        hasher
    }
}

/// How many connections of each crowd a worker has.
#[derive(Debug)]
#[repr(transparent)]
pub struct CrowdCounts([AtomicU32; BUCKETS]);

impl CrowdCounts {
    /// One more.
    pub fn enter(&self, crowd: Crowd) {
        self.0[crowd.0].fetch_add(1, Ordering::Relaxed);
    }

    /// One less; whoever calls it has entered before.
    pub fn leave(&self, crowd: Crowd) {
        self.0[crowd.0].fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn size(&self, crowd: Crowd) -> u32 {
        self.0[crowd.0].load(Ordering::Relaxed)
    }

    /// All at zero; what is so already is not written, since most pages have never been.
    pub(crate) fn reset(&self) {
        let used = self.0.iter().filter(|count| count.load(Ordering::Relaxed) != 0);
        used.for_each(|count| count.store(0, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn crowds(key: &CrowdKey, addresses: &[&str]) -> HashSet<usize> {
        addresses.iter().map(|address| key.crowd_of(address.parse().unwrap()).0).collect()
    }

    #[test]
    fn a_network_of_ipv6_is_one_crowd_and_so_is_an_address_of_ipv4_in_both_forms() {
        let key = CrowdKey::draw();
        assert_eq!(crowds(&key, &["2001:db8::1", "2001:db8::ffff:1", "2001:db8::1:2:3:4"]).len(), 1);
        assert_eq!(crowds(&key, &["192.0.2.7", "::ffff:192.0.2.7"]).len(), 1);
    }

    #[test]
    fn addresses_are_spread_by_a_key_that_nobody_knows() {
        let addresses: Vec<String> = (0..100).map(|number| format!("192.0.2.{number}")).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let key = CrowdKey::draw();
        assert!(crowds(&key, &addresses).len() > 80);
        assert_ne!(crowds(&key, &addresses), crowds(&CrowdKey::draw(), &addresses));
    }
}
