//! What a master and its mold tell each other, as bytes: both are copies of the same program.

use rwsgi_os::{BindAddress, Pid};

use crate::Occasion;

/// The longest of all orders: one with as many addresses as descriptors can come along.
pub(crate) const ORDER: usize = 128 * 1024;

/// The longest of all answers.
pub(crate) const ANSWER: usize = 32;

/// The master to the mold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// The settings are accepted: get ready. `attended`: whether occasions will be told, and its end only by [`Order::Leave`].
    Load { attended: bool },
    /// Fork a worker. What it inherits comes along: see [`Post`].
    Fork(Post),
    /// Something has happened, or is about to.
    Attend(Occasion),
    /// It is not needed any more.
    Leave,
}

/// What a worker is to be. Along with it come its status pipe, its end of the lifeline, the scoreboard and the listeners, in that
/// order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) slot: usize,
    pub(crate) number: u64,
    /// How many serve.
    pub(crate) workers: usize,
    /// Where the listeners listen.
    pub(crate) addresses: Vec<BindAddress>,
}

/// The mold to its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The settings file is executed; its values come along.
    Settings,
    /// All is loaded, orders are welcome.
    Ready,
    /// The application is loaded, but no worker can be forked from it, and it leaves.
    Unfit,
    /// It has threads, so no worker can be forked from it; it stays for the occasions.
    Threads,
    /// The worker with this number has this pid.
    Forked(u64, Pid),
    /// It could not be forked; the log says why.
    Failed(u64),
    /// That occasion is over; whether all went well.
    Attended(Occasion, bool),
}

impl Order {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Load { attended } => vec![b'L', u8::from(*attended)],
            Self::Attend(occasion) => [b"A", &occasion.to_bytes()[..]].concat(),
            Self::Leave => vec![b'E'],
            Self::Fork(post) => {
                let mut bytes = vec![b'F'];
                for number in [post.slot as u64, post.number, post.workers as u64] {
                    bytes.extend(number.to_ne_bytes());
                }
                for address in &post.addresses {
                    let address = address.to_bytes();
                    bytes.extend((address.len() as u64).to_ne_bytes());
                    bytes.extend(address);
                }
                bytes
            }
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, mut rest) = bytes.split_first()?;
        match tag {
            b'L' => Some(Self::Load { attended: rest == [1] }),
            b'A' => Occasion::from_bytes(rest).map(Self::Attend),
            b'E' => Some(Self::Leave),
            b'F' => {
                let (slot, number) = (take_size(&mut rest)?, take(&mut rest)?);
                let workers = take_size(&mut rest)?;
                let mut addresses = Vec::new();
                while !rest.is_empty() {
                    let length = take_size(&mut rest)?;
                    let (address, after) = rest.split_at_checked(length)?;
                    addresses.push(BindAddress::from_bytes(address)?);
                    rest = after;
                }
                Some(Self::Fork(Post { slot, number, workers, addresses }))
            }
            _ => None,
        }
    }
}

impl Answer {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Settings => vec![b'S'],
            Self::Ready => vec![b'R'],
            Self::Unfit => vec![b'U'],
            Self::Threads => vec![b'T'],
            Self::Forked(number, pid) => {
                [b"F", &number.to_ne_bytes()[..], &pid.as_raw().to_ne_bytes()].concat()
            }
            Self::Failed(number) => [b"X", &number.to_ne_bytes()[..]].concat(),
            Self::Attended(occasion, content) => {
                [&[b'A', u8::from(content)], &occasion.to_bytes()[..]].concat()
            }
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, mut rest) = bytes.split_first()?;
        match tag {
            b'S' => Some(Self::Settings),
            b'R' => Some(Self::Ready),
            b'U' => Some(Self::Unfit),
            b'T' => Some(Self::Threads),
            b'F' => {
                let number = take(&mut rest)?;
                Some(Self::Forked(number, Pid::from_raw(i32::from_ne_bytes(rest.try_into().ok()?))))
            }
            b'X' => take(&mut rest).map(Self::Failed),
            b'A' => {
                let (content, occasion) = rest.split_first()?;
                Some(Self::Attended(Occasion::from_bytes(occasion)?, *content == 1))
            }
            _ => None,
        }
    }
}

impl Occasion {
    fn to_bytes(self) -> Vec<u8> {
        let (tag, one, other) = match self {
            Self::Starting => (b's', 0, 0),
            Self::Ready => (b'r', 0, 0),
            Self::Reloaded => (b'h', 0, 0),
            // One more than the number, so that 0 can stand for none.
            Self::WorkersChanged { new, old } => (b'w', new as u64, old.map_or(0, |old| old as u64 + 1)),
            Self::ChildExited { pid, number } => (b'c', u64::from(pid.as_raw().cast_unsigned()), number),
            Self::Executing => (b'x', 0, 0),
            Self::Exiting => (b'e', 0, 0),
        };
        [&[tag], &u64::to_ne_bytes(one)[..], &u64::to_ne_bytes(other)].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, mut rest) = bytes.split_first()?;
        let (one, other) = (take(&mut rest)?, take(&mut rest)?);
        Some(match tag {
            b's' => Self::Starting,
            b'r' => Self::Ready,
            b'h' => Self::Reloaded,
            b'w' => Self::WorkersChanged {
                new: usize::try_from(one).ok()?,
                old: other.checked_sub(1).and_then(|old| usize::try_from(old).ok()),
            },
            b'c' => Self::ChildExited {
                pid: Pid::from_raw(u32::try_from(one).ok()?.cast_signed()),
                number: other,
            },
            b'x' => Self::Executing,
            b'e' => Self::Exiting,
            _ => return None,
        })
    }
}

/// The next number.
fn take(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_ne_bytes(*number))
}

fn take_size(rest: &mut &[u8]) -> Option<usize> {
    usize::try_from(take(rest)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCCASIONS: [Occasion; 8] = [
        Occasion::Starting,
        Occasion::Ready,
        Occasion::Reloaded,
        Occasion::WorkersChanged { new: 3, old: None },
        Occasion::WorkersChanged { new: 3, old: Some(0) },
        Occasion::ChildExited { pid: Pid::from_raw(7), number: u64::MAX },
        Occasion::Executing,
        Occasion::Exiting,
    ];

    #[test]
    fn orders_and_answers_arrive_as_they_were_sent() {
        let addresses =
            vec![BindAddress::Tcp { host: "::1".to_owned(), port: 1 }, BindAddress::Abstract(String::new())];
        let post = Post { slot: 3, number: u64::MAX, workers: 2, addresses };
        let unbound = Post { addresses: Vec::new(), ..post.clone() };
        let simple = [Order::Load { attended: true }, Order::Load { attended: false }, Order::Leave];
        let occasions = OCCASIONS.map(Order::Attend);
        for order in [Order::Fork(post), Order::Fork(unbound)].into_iter().chain(simple).chain(occasions) {
            assert_eq!(Order::from_bytes(&order.to_bytes()), Some(order));
        }
        let pid = Pid::from_raw(42);
        let simple = [Answer::Settings, Answer::Ready, Answer::Unfit, Answer::Threads, Answer::Failed(8)];
        let attended = OCCASIONS.map(|occasion| Answer::Attended(occasion, occasion == Occasion::Ready));
        for answer in simple.into_iter().chain([Answer::Forked(7, pid)]).chain(attended) {
            assert_eq!(Answer::from_bytes(&answer.to_bytes()), Some(answer));
        }
    }

    #[test]
    fn what_is_neither_is_nothing() {
        for bytes in [&b""[..], b"?", b"Fshort", b"A", b"Xshort", b"A1"] {
            assert_eq!((Order::from_bytes(bytes), Answer::from_bytes(bytes)), (None, None));
        }
        let mut cut = Order::Fork(Post { slot: 0, number: 0, workers: 0, addresses: Vec::new() }).to_bytes();
        cut.extend(9_u64.to_ne_bytes());
        assert_eq!(Order::from_bytes(&cut), None);
    }
}
