//! What a master and its mold tell each other, as bytes: both are copies of the same program.

use rwsgi_os::Pid;

/// The longest of all messages.
pub(crate) const LONGEST: usize = 16;

/// The master to the mold: fork a worker. Its status pipe comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) slot: usize,
    pub(crate) number: u64,
}

/// The mold to its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The application is loaded, orders are welcome.
    Ready,
    /// The application is loaded, but no worker can be forked from it.
    Unfit,
    /// The worker with this number has this pid.
    Forked(u64, Pid),
    /// It could not be forked; the log says why.
    Failed(u64),
}

impl Order {
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(self.slot as u64).to_ne_bytes());
        bytes[8..].copy_from_slice(&self.number.to_ne_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let slot = usize::try_from(u64::from_ne_bytes(bytes.get(..8)?.try_into().ok()?)).ok()?;
        Some(Self { slot, number: u64::from_ne_bytes(bytes.get(8..16)?.try_into().ok()?) })
    }
}

impl Answer {
    pub(crate) fn to_bytes(self) -> [u8; 13] {
        let (tag, number, pid) = match self {
            Self::Ready => (b'R', 0, 0),
            Self::Unfit => (b'U', 0, 0),
            Self::Forked(number, pid) => (b'F', number, pid.as_raw()),
            Self::Failed(number) => (b'X', number, 0),
        };
        let mut bytes = [tag; 13];
        bytes[1..9].copy_from_slice(&number.to_ne_bytes());
        bytes[9..].copy_from_slice(&pid.to_ne_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let number = u64::from_ne_bytes(bytes.get(1..9)?.try_into().ok()?);
        let pid = Pid::from_raw(i32::from_ne_bytes(bytes.get(9..13)?.try_into().ok()?));
        match bytes[0] {
            b'R' => Some(Self::Ready),
            b'U' => Some(Self::Unfit),
            b'F' => Some(Self::Forked(number, pid)),
            b'X' => Some(Self::Failed(number)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_answers_arrive_as_they_were_sent() {
        let order = Order { slot: 3, number: u64::MAX };
        assert_eq!(Order::from_bytes(&order.to_bytes()), Some(order));
        for answer in [Answer::Ready, Answer::Unfit, Answer::Forked(7, Pid::from_raw(42)), Answer::Failed(8)]
        {
            assert_eq!(Answer::from_bytes(&answer.to_bytes()), Some(answer));
        }
    }

    #[test]
    fn what_is_neither_is_nothing() {
        assert_eq!(Order::from_bytes(b"short"), None);
        assert_eq!(Answer::from_bytes(b""), None);
        assert_eq!(Answer::from_bytes(&[b'?'; 13]), None);
    }
}
