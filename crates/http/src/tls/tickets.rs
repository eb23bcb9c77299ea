//! Session tickets (RFC 5077, RFC 8446 section 4.6.1) that all workers can read: their keys follow from a secret that the workers
//! share, and from the time, so that nobody has to be told of a new one.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;

/// How long a key seals, in seconds; it opens for as long again.
const EPOCH: u64 = 6 * 60 * 60;
/// What stands before the sealed part: the number of the epoch, and the nonce.
const HEAD: usize = 8 + NONCE_LEN;
/// How many bytes a secret has.
pub const SECRET: usize = 32;

/// A secret for the tickets of a server.
///
/// # Errors
/// The system has no random numbers, of which it has none to give then for any key either.
pub fn draw_secret() -> std::io::Result<[u8; SECRET]> {
    let mut secret = [0; SECRET];
    let drawn = SystemRandom::new().fill(&mut secret);
    drawn.map(|()| secret).map_err(|_| std::io::Error::other("the system gives no random numbers"))
}

/// Seals and opens tickets.
pub(super) struct Tickets {
    /// Of the secret.
    keys: Prk,
    /// What a ticket must have been made under: who was asked for a certificate, and whose were believed. One who has not been
    /// asked must not come back as one who has.
    terms: Vec<u8>,
    random: SystemRandom,
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

impl Tickets {
    pub(super) fn new(secret: &[u8], terms: Vec<u8>) -> Self {
        let keys = Salt::new(HKDF_SHA256, b"rwsgi session tickets").extract(secret);
        Self { keys, terms, random: SystemRandom::new() }
    }

    fn key(&self, epoch: u64) -> Option<LessSafeKey> {
        let info = [&epoch.to_be_bytes()[..], &self.terms];
        let key = self.keys.expand(&info, &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(key)))
    }

    fn seal(&self, plain: &[u8], epoch: u64) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let name = epoch.to_be_bytes();
        let mut ticket = [&name[..], &nonce].concat();
        let mut sealed = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key(epoch)?.seal_in_place_append_tag(nonce, Aad::from(name), &mut sealed).ok()?;
        ticket.append(&mut sealed);
        Some(ticket)
    }

    fn open(&self, ticket: &[u8], now: u64) -> Option<Vec<u8>> {
        let (head, sealed) = ticket.split_at_checked(HEAD)?;
        let (name, nonce) = head.split_first_chunk()?;
        let epoch = u64::from_be_bytes(*name);
        if epoch != now && epoch.checked_add(1) != Some(now) {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let length = self.key(epoch)?.open_in_place(nonce, Aad::from(*name), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / EPOCH
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        EPOCH as u32
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, now())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(cipher, now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_opened_by_whoever_has_the_secret_and_not_for_long() {
        let secret = draw_secret().unwrap();
        let tickets = || Tickets::new(&secret, b"terms".to_vec());
        let ticket = tickets().seal(b"session", 7).unwrap();
        for (now, opened) in [(6, false), (7, true), (8, true), (9, false)] {
            assert_eq!(tickets().open(&ticket, now).is_some(), opened, "{now}");
        }
        assert_eq!(tickets().open(&ticket, 8).unwrap(), b"session");
        assert_ne!(tickets().seal(b"session", 7).unwrap(), ticket);
    }

    #[test]
    fn other_secrets_other_terms_and_other_bytes_open_nothing() {
        let secret = draw_secret().unwrap();
        let tickets = Tickets::new(&secret, Vec::new());
        let ticket = tickets.seal(b"session", 7).unwrap();
        assert_eq!(Tickets::new(&draw_secret().unwrap(), Vec::new()).open(&ticket, 7), None);
        assert_eq!(Tickets::new(&secret, vec![1]).open(&ticket, 7), None);
        for place in 0..ticket.len() {
            let mut other = ticket.clone();
            other[place] ^= 1;
            assert_eq!(tickets.open(&other, 7), None, "{place}");
            assert_eq!(tickets.open(&ticket[..place], 7), None, "{place}");
        }
        assert_eq!(tickets.open(&[0xff; 100], 7), None);
    }
}
