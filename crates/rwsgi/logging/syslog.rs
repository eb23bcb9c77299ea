//! Messages for syslog, as Python's `SysLogHandler` makes them for Gunicorn: `<14>gunicorn.NAME.error: [PID] message`, with a
//! zero byte at the end.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use rwsgi_config::{Config, LogLevel, SyslogAddress, SyslogSocket};
use rwsgi_os::{LogPeer, LogSocket};

use super::journal;
use crate::error::Error;

/// One of the logs on its way to syslog.
#[derive(Debug)]
pub(super) struct Syslog {
    socket: LogSocket,
    facility: u8,
    /// `gunicorn.NAME.error`
    name: String,
}

impl Syslog {
    /// The log that is called `error` or `access`, if it goes to syslog.
    pub(super) fn new(config: &Config, log: &str) -> Result<Option<Self>, Error> {
        if !config.syslog {
            return Ok(None);
        }
        let program = config.syslog_prefix.clone().unwrap_or_else(|| config.app.replace(':', "."));
        Ok(Some(Self {
            socket: LogSocket::new(peer(&config.syslog_address)?),
            facility: config.syslog_facility,
            name: format!("gunicorn.{program}.{log}"),
        }))
    }

    pub(super) fn send(&self, severity: LogLevel, text: &[u8]) -> io::Result<()> {
        let priority = u32::from(self.facility) * 8 + u32::from(journal::number(severity));
        let mut message = format!("<{priority}>{}: [{}] ", self.name, std::process::id()).into_bytes();
        message.extend_from_slice(text);
        message.push(0);
        self.socket.send(&message)
    }

    pub(super) fn flush(&self, limit: Duration) {
        self.socket.flush(limit);
    }
}

fn peer(address: &SyslogAddress) -> Result<LogPeer, Error> {
    let resolved = |host: &str, port| {
        resolve(host, port).map_err(|source| Error::Syslog { address: address.to_string(), source })
    };
    Ok(match address {
        SyslogAddress::Udp(host, port) => LogPeer::Udp(resolved(host, *port)?),
        SyslogAddress::Tcp(host, port) => LogPeer::Tcp(resolved(host, *port)?),
        SyslogAddress::Unix(path, SyslogSocket::Any) => LogPeer::Either(path.clone()),
        SyslogAddress::Unix(path, SyslogSocket::Datagram) => LogPeer::Datagrams(path.clone()),
        SyslogAddress::Unix(path, SyslogSocket::Stream) => LogPeer::Stream(path.clone()),
    })
}

/// Of several addresses the first one of IPv4: with UDP nobody says that he does not listen to the other.
fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| io::ErrorKind::NotFound.into())
}
