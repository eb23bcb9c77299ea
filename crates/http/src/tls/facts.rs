//! What the application is told of a secured connection, by the names of Apache's mod_ssl.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use super::{certificate, suites};

/// What is known of a secured connection, the same for all its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// No other connection of this process has this number.
    pub id: u64,
    /// Variables of the environ: `HTTPS`, `SSL_PROTOCOL` and so on.
    pub variables: Vec<(&'static str, String)>,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

impl Facts {
    /// Of a connection whose handshake is over.
    pub(super) fn of(connection: &ServerConnection) -> Self {
        let protocol = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let cipher = connection.negotiated_cipher_suite().map_or("", |suite| suites::name(suite.suite()));
        let is_resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        let client = connection.peer_certificates().and_then(<[_]>::first);
        let mut variables = vec![
            ("HTTPS", "on".to_owned()),
            ("SSL_PROTOCOL", protocol.to_owned()),
            ("SSL_CIPHER", cipher.to_owned()),
            ("SSL_SESSION_RESUMED", if is_resumed { "Resumed" } else { "Initial" }.to_owned()),
            ("SSL_CLIENT_VERIFY", if client.is_some() { "SUCCESS" } else { "NONE" }.to_owned()),
        ];
        variables.extend(connection.server_name().map(|name| ("SSL_TLS_SNI", name.to_owned())));
        if let Some(client) = client {
            variables.extend(certificate::describe(client).into_iter().flatten());
            variables.push(("SSL_CLIENT_CERT", pem(client)));
        }
        Self { id: CONNECTIONS.fetch_add(1, Ordering::Relaxed), variables }
    }

    /// The value of one of them.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + "-----END CERTIFICATE-----\n"
}
