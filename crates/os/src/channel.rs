use std::{
    io::{IoSlice, IoSliceMut},
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use nix::{
    cmsg_space,
    errno::Errno,
    sys::socket::{
        AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg,
        socketpair,
    },
};

use crate::Error;

/// How many descriptors the kernel takes along with a message (`SCM_MAX_FD`, unix(7)).
const MOST: usize = 253;

/// One end of a connection between two processes that carries whole messages, each with descriptors if need be.
/// Neither end ever blocks.
#[derive(Debug)]
pub struct Channel(OwnedFd);

/// What came through a [`Channel`].
#[derive(Debug)]
pub enum Received {
    /// A message of this many bytes, and the descriptors that were sent along, in their order.
    Message(usize, Vec<OwnedFd>),
    /// Nothing yet.
    Nothing,
    /// Nothing ever again: all copies of the other end are closed.
    Closed,
}

impl Channel {
    /// Opens both ends; neither outlives an `exec`.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn pair() -> Result<(Self, Self), Error> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map(|(one, other)| (Self(one), Self(other)))
            .map_err(|errno| Error::system("open a channel", errno))
    }

    /// Sends a message, with copies of `descriptors`: at most 253.
    ///
    /// # Errors
    /// Nobody is at the other end, it reads too slowly, or these are too many descriptors.
    pub fn send(&self, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), Error> {
        if descriptors.len() > MOST {
            return Err(Error::system("send more than 253 descriptors through a channel", Errno::EINVAL));
        }
        let descriptors: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let attached = if descriptors.is_empty() { &[] } else { &rights[..] };
        loop {
            let bytes = [IoSlice::new(message)];
            match sendmsg::<()>(self.0.as_raw_fd(), &bytes, attached, MsgFlags::MSG_NOSIGNAL, None) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::system("send through a channel", errno)),
            }
        }
    }

    /// Takes the next message into `buffer`; what does not fit is lost.
    pub fn receive(&self, buffer: &mut [u8]) -> Received {
        let mut space = cmsg_space!([RawFd; MOST]);
        let mut bytes = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = loop {
            match recvmsg::<()>(self.0.as_raw_fd(), &mut bytes, Some(&mut space), flags) {
                Ok(message) => break message,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Received::Nothing,
                Err(_) => return Received::Closed,
            }
        };
        if message.bytes == 0 {
            return Received::Closed;
        }
        let attached = message.cmsgs().into_iter().flatten().flat_map(|attached| match attached {
            ControlMessageOwned::ScmRights(descriptors) => descriptors,
            _ => Vec::new(),
        });
        // SAFETY: the kernel has just opened them for this process, there was room for all of them, and nobody else
        // knows their numbers, so nobody else owns them.
        let descriptors = attached.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }).collect();
        Received::Message(message.bytes, descriptors)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, Write, pipe};

    use super::*;

    #[test]
    fn messages_stay_whole_and_bring_their_descriptors_in_order() {
        let (one, other) = Channel::pair().unwrap();
        let mut buffer = [0; 16];
        assert!(matches!(other.receive(&mut buffer), Received::Nothing));
        let readers: Vec<_> = (0..MOST)
            .map(|number| {
                let (reader, mut writer) = pipe().unwrap();
                writer.write_all(format!("{number}").as_bytes()).unwrap();
                reader
            })
            .collect();
        let descriptors: Vec<_> = readers.iter().map(AsFd::as_fd).collect();
        one.send(b"first", &descriptors).unwrap();
        one.send(b"second", &[]).unwrap();
        drop(readers);
        let Received::Message(5, received) = other.receive(&mut buffer) else { panic!("no message") };
        assert_eq!(&buffer[..5], b"first");
        let read = |descriptor: OwnedFd| {
            let mut text = String::new();
            PipeReader::from(descriptor).read_to_string(&mut text).unwrap();
            text
        };
        let texts: Vec<_> = received.into_iter().map(read).collect();
        assert_eq!(texts, (0..MOST).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(matches!(other.receive(&mut buffer), Received::Message(6, none) if none.is_empty()));
    }

    #[test]
    fn more_descriptors_than_the_kernel_takes_are_refused() {
        let (one, other) = Channel::pair().unwrap();
        let refusal = one.send(b"x", &vec![other.as_fd(); MOST + 1]).unwrap_err();
        assert!(refusal.to_string().contains("253"), "{refusal}");
    }

    #[test]
    fn an_end_that_is_closed_is_told_after_what_it_sent() {
        let (one, other) = Channel::pair().unwrap();
        one.send(b"last", &[]).unwrap();
        drop(one);
        let mut buffer = [0; 16];
        assert!(matches!(other.receive(&mut buffer), Received::Message(4, none) if none.is_empty()));
        assert!(matches!(other.receive(&mut buffer), Received::Closed));
        assert!(other.send(b"to nobody", &[]).is_err());
    }
}
