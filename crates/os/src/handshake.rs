use std::fs;

/// How `/proc/net/tcp` writes the state of a connection that has not come into the listen queue (`TCP_SYN_RECV`, linux/tcp.h).
const SYN_RECV: &str = "03";

/// Whether somebody is about to connect to this port, over IPv4 or IPv6: the handshake is under way, or done, and the listening
/// socket waits for the first bytes. Reads a list of all connections (proc_pid_net(5)); false where the system has none.
#[must_use]
pub fn has_handshakes(port: u16) -> bool {
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    tables.iter().filter_map(|table| fs::read_to_string(table).ok()).any(|table| names(&table, port))
}

fn names(table: &str, port: u16) -> bool {
    let port = format!(":{port:04X}");
    table.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, state) = (fields.next(), fields.nth(1));
        state == Some(SYN_RECV) && local.is_some_and(|local| local.ends_with(&port))
    })
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpStream};

    use super::*;
    use crate::{BindAddress, Listener, Socket, SocketPlan};

    #[test]
    fn a_connection_that_has_not_spoken_is_seen() {
        for host in ["127.0.0.1", "::1"] {
            if std::net::TcpListener::bind((host, 0)).is_err() {
                eprintln!("NOT TESTED with {host}: this machine has no such address");
                continue;
            }
            let address = BindAddress::Tcp { host: host.to_owned(), port: 0 };
            let socket = Listener::bind(&SocketPlan::new(address)).unwrap().into_socket();
            let Socket::Tcp(listener) = &socket else { panic!() };
            let local = listener.local_addr().unwrap();
            assert!(!has_handshakes(local.port()));
            let mut client = TcpStream::connect(local).unwrap();
            assert!(has_handshakes(local.port()));
            client.write_all(b"x").unwrap();
            assert!(!has_handshakes(local.port()));
        }
    }

    #[test]
    fn the_port_and_the_state_count() {
        let table = "  sl  local_address rem_address   st tx_queue\n   0: 0100007F:1F90 0200007F:1F91 03 00000000:00000000\n   \
                     1: 0100007F:0050 00000000:0000 0A 00000000:00000000\n";
        assert_eq!([0x1F90, 0x1F91, 80].map(|port| names(table, port)), [true, false, false]);
    }
}
