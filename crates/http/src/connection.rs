//! The story of a connection: requests one after the other, until somebody has enough.

use std::future::pending;
use std::sync::Arc;

use bytes::BytesMut;
use http::StatusCode;
use hyper::server::conn::http1;
use tokio::time::{sleep, timeout};

use crate::activity::Activity;
use crate::closing::Closing;
use crate::collect::{Budget, Reservation};
use crate::exchange::Handler;
use crate::forwarding::Forwarding;
use crate::framing::Fault;
use crate::guard::Guard;
use crate::http2::{Http2, speaks_http2};
use crate::journal::Journal;
use crate::lane::Way;
use crate::options::{Options, builder};
use crate::outgoing::Sending;
use crate::parking::Parking;
use crate::patience::{Patience, REFUSAL};
use crate::preface::{self, Absence};
use crate::protection::Protection;
use crate::proxies::ProxyProtocol;
use crate::refusal::log_refusal;
use crate::room::Room;
use crate::statics::Statics;
use crate::tls::{self, Established};
use crate::x_sendfile::Roots;
use crate::{Answer, Peer, Transport};

/// What all connections of a worker share.
#[derive(Debug)]
pub struct Server<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) builder: http1::Builder,
    pub(crate) budget: Arc<Budget>,
    pub(crate) patience: Patience,
    pub(crate) forwarding: Forwarding,
    pub(crate) options: Options,
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) protection: Option<Protection>,
    pub(crate) roots: Option<Roots>,
    pub(crate) statics: Option<Statics>,
    pub(crate) closing: Closing,
    pub(crate) parking: Arc<Parking>,
    pub(crate) room: Room,
    #[cfg(test)]
    pub(crate) probe: crate::lane::Probe,
}

impl<H: Handler> Server<H> {
    /// A server whose requests go to `handler`.
    pub fn new(handler: H, options: Options) -> Arc<Self> {
        let parking = Parking::new(options.release_memory);
        let handler = Arc::new(handler);
        Arc::new(Self {
            statics: Statics::open(
                &options.statics,
                options.compression.as_ref(),
                Arc::clone(&handler) as Arc<dyn Handler>,
            ),
            handler,
            builder: builder(&options),
            budget: Budget::new(options.body_memory, options.buffering.temp_dir.as_deref()),
            patience: Patience::new(options.keep_alive, &options.timeouts),
            roots: Roots::open(&options.sendfile_roots),
            protection: options.protection.clone().wanted(),
            forwarding: Forwarding::new(options.proxies.clone()),
            journal: options.journal.clone().and_then(Journal::wanted).map(Arc::new),
            options,
            closing: Closing::default(),
            parking,
            room: Room::default(),
            #[cfg(test)]
            probe: crate::lane::Probe::default(),
        })
    }

    /// Whoever answers the requests.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// How to end all connections.
    pub fn closing(&self) -> &Closing {
        &self.closing
    }

    /// Serves one connection until it ends. What a client does wrong is logged and answered as far as it can be.
    pub async fn serve<S>(self: Arc<Self>, mut stream: S, mut peer: Peer)
    where
        S: Transport,
    {
        let Some(ahead) = self.introduce(&mut stream, &mut peer).await else { return };
        match &self.options.tls {
            // Boxed: connections in the clear need no room for this.
            Some(context) => Box::pin(self.serve_secured(context, (stream, ahead), peer)).await,
            None => self.begin((stream, ahead), peer).await,
        }
    }

    /// The same for a connection that is to be secured.
    async fn serve_secured<S: Transport>(
        self: &Arc<Self>,
        context: &tls::Context,
        connection: (S, BytesMut),
        peer: Peer,
    ) {
        let shaken = Box::pin(self.secure(context, connection, &peer)).await;
        let Some(Established { stream, facts, is_http2 }) = shaken else { return };
        let (connection, peer) = ((stream, BytesMut::new()), peer.over_tls(facts));
        match &self.options.http2 {
            Some(http2) if is_http2 => self.serve_http2(connection, Arc::new(peer), http2).await,
            _ => self.converse(connection, peer).await,
        }
    }

    /// Finds out which version of HTTP is spoken without TLS.
    async fn begin<S: Transport>(self: &Arc<Self>, (mut stream, mut ahead): (S, BytesMut), peer: Peer) {
        if let Some(http2) = self.http2_in_the_clear(&peer) {
            let speaks = tokio::select! {
                speaks = Box::pin(speaks_http2(&mut stream, &mut ahead)) => speaks.ok(),
                () = self.no_preface_in_time() => None,
            };
            match speaks {
                Some(true) => {
                    return Box::pin(self.serve_http2((stream, ahead), Arc::new(peer), http2)).await;
                }
                Some(false) => {}
                None => return,
            }
        }
        self.converse((stream, ahead), peer).await;
    }

    /// Serves requests of HTTP/1 until the connection ends.
    async fn converse<S: Transport>(&self, (stream, ahead): (S, BytesMut), peer: Peer) {
        let peer = Arc::new(peer);
        let activity = Arc::new(Activity::new());
        let stream = Sending::new(stream, Arc::clone(&activity.outgoing), &self.options);
        let mut guard = Guard::new(stream, activity, &self.options, Reservation::new(&self.budget));
        guard.hold(&ahead);
        drop(ahead);
        loop {
            // Boxed, so that a connection that waits for its next request holds no memory for a request or a parser.
            let (left, way) = Box::pin(self.ride(guard, &peer)).await;
            guard = left;
            if let Way::Parser(answered) = way {
                guard = Box::pin(self.talk(guard, &peer, answered)).await;
            }
            if let Some(fault) = guard.refused() {
                self.refuse(&peer, fault);
            }
            if !guard.is_parked() || !self.wakes(&mut guard).await {
                return;
            }
        }
    }

    /// Meets the peer and takes its PROXY header off the connection; gives what came behind that. `None`: the connection is
    /// over.
    async fn introduce<S: Transport>(&self, stream: &mut S, peer: &mut Peer) -> Option<BytesMut> {
        self.forwarding.meet(peer);
        if self.options.proxies.proxy_protocol == ProxyProtocol::Off {
            return Some(BytesMut::new());
        }
        let read = tokio::select! {
            // Boxed: connections that expect no PROXY header need no room for this.
            read = Box::pin(preface::read(stream, peer, &self.options.proxies)) => read,
            () = self.no_preface_in_time() => return None,
        };
        match read {
            Ok(ahead) => Some(ahead),
            Err(Absence::Gone) => None,
            Err(Absence::Refused(fault)) => {
                self.refuse(peer, fault);
                let Options { server, headers, .. } = &self.options;
                let page = Answer::error(fault.status).into_bytes(server.as_ref(), headers);
                // Whoever does not take it in time has refused it.
                let _ = timeout(REFUSAL, Box::pin(preface::refuse(stream, &page))).await;
                None
            }
        }
    }

    /// How HTTP/2 is spoken with this peer without TLS, if it is.
    fn http2_in_the_clear(&self, peer: &Peer) -> Option<&Http2> {
        let http2 = self.options.http2.as_ref()?;
        (http2.prior_knowledge && peer.is_trusted()).then_some(http2)
    }

    /// A client may take for a PROXY header what it may take for the head of a request.
    pub(crate) async fn no_preface_in_time(&self) {
        let too_late = async {
            match self.patience.head {
                Some(head) => sleep(head).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = too_late => {}
            last_call = self.closing.wait() => sleep(last_call).await,
        }
    }

    pub(crate) fn refuse(&self, peer: &Peer, fault: Fault) {
        log_refusal(peer, fault);
        self.count_refusal(fault.status);
    }

    pub(crate) fn count_refusal(&self, status: StatusCode) {
        let meter = self.journal.as_ref().and_then(|journal| journal.meter.as_ref());
        meter.into_iter().for_each(|meter| meter.refused(status.as_u16()));
    }
}
