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

/// One end of a connection between two processes that carries whole messages, each with a descriptor if need be.
/// Neither end ever blocks.
#[derive(Debug)]
pub struct Channel(OwnedFd);

/// What came through a [`Channel`].
#[derive(Debug)]
pub enum Received {
    /// A message of this many bytes, and the descriptor that was sent along.
    Message(usize, Option<OwnedFd>),
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

    /// Sends a message, with a copy of `descriptor`.
    ///
    /// # Errors
    /// Nobody is at the other end, or it reads too slowly.
    pub fn send(&self, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> Result<(), Error> {
        let descriptors: Vec<RawFd> = descriptor.iter().map(AsRawFd::as_raw_fd).collect();
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
        let mut space = cmsg_space!([RawFd; 1]);
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
        let attached = message.cmsgs().into_iter().flatten().find_map(|attached| match attached {
            ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
            _ => None,
        });
        // SAFETY: the kernel has just opened it for this process, and there is room for no second one, so
        // nobody else owns it.
        let descriptor = attached.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
        Received::Message(message.bytes, descriptor)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write, pipe};

    use super::*;

    #[test]
    fn messages_stay_whole_and_bring_their_descriptors() {
        let (one, other) = Channel::pair().unwrap();
        let mut buffer = [0; 16];
        assert!(matches!(other.receive(&mut buffer), Received::Nothing));
        let (mut reader, mut writer) = pipe().unwrap();
        writer.write_all(b"x").unwrap();
        drop(writer);
        one.send(b"first", Some(reader.as_fd())).unwrap();
        one.send(b"second", None).unwrap();
        reader = match other.receive(&mut buffer) {
            Received::Message(5, Some(descriptor)) => descriptor.into(),
            unexpected => panic!("{unexpected:?}"),
        };
        assert_eq!(&buffer[..5], b"first");
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        assert!(matches!(other.receive(&mut buffer), Received::Message(6, None)));
    }

    #[test]
    fn an_end_that_is_closed_is_told_after_what_it_sent() {
        let (one, other) = Channel::pair().unwrap();
        one.send(b"last", None).unwrap();
        drop(one);
        let mut buffer = [0; 16];
        assert!(matches!(other.receive(&mut buffer), Received::Message(4, None)));
        assert!(matches!(other.receive(&mut buffer), Received::Closed));
        assert!(other.send(b"to nobody", None).is_err());
    }
}
