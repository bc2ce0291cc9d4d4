//! One connection between a socket here and an operation of the helper.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::BytesMut;
use sallyport_protocol::Failure;
use sallyport_protocol::envelope::Stream;
use sallyport_protocol::forward::{Ask, Event};
use sallyport_protocol::reply;
use sallyport_protocol::request::Request;
use sallyport_protocol::text::Chunk;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::listener::Connection;
use crate::link::{Broker, Item, Link, Operation};

/// Where connections from the remote go: a port of this machine's loopback.
#[derive(Debug, Clone)]
pub struct Here {
    /// `localhost`, or an address of loopback.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Here {
    /// Whether a name means loopback. Anything else is not connected to, whatever it resolves to.
    pub fn is_loopback(host: &str) -> bool {
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        if self.host.eq_ignore_ascii_case("localhost") {
            // Not resolved: loopback is what is meant.
            match TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await {
                Ok(stream) => Ok(stream),
                Err(_) => TcpStream::connect((Ipv6Addr::LOCALHOST, self.port)).await,
            }
        } else {
            TcpStream::connect((self.host.as_str(), self.port)).await
        }
    }
}

/// Carries a connection accepted here.
pub async fn inwards(link: Link<Broker>, ask: Ask, socket: Box<dyn Connection>) {
    tell(carry(&link, ask, socket).await);
}

/// Carries a connection accepted on the remote to a port of loopback.
pub async fn outwards(link: Link<Broker>, ask: Ask, dest: Here) {
    match dest.connect().await {
        Ok(socket) => {
            let _ = socket.set_nodelay(true);
            tell(carry(&link, ask, socket).await);
        }
        Err(error) => {
            tracing::info!(%error, "nothing answers where a remote forward leads");
            // Taken and let go at once: that closes it over there.
            drop(link.start(Request::Forward(ask)).await);
        }
    }
}

fn tell(carried: Result<(), Failure>) {
    if let Err(failure) = carried {
        tracing::info!(code = failure.code.as_str(), reason = %failure.message, "a forwarded connection failed");
    }
}

/// Carries bytes both ways until the operation is over. Dropping the socket early closes it.
async fn carry(link: &Link<Broker>, ask: Ask, socket: impl Connection) -> Result<(), Failure> {
    let mut operation = link.start(Request::Forward(ask)).await?;
    let input = operation.input();
    let (read, write) = tokio::io::split(socket);
    let up = async {
        if feed(read, &input).await {
            input.end();
            std::future::pending::<Infallible>().await;
        }
    };
    tokio::select! {
        ended = drain(&mut operation, write) => ended,
        // The socket broke: so does the other end.
        () = up => Ok(()),
    }
}

/// Passes on what the socket says; true when it ended in good order.
async fn feed(mut read: impl AsyncRead + Unpin, input: &crate::link::operation::Input<Broker>) -> bool {
    loop {
        let mut buffer = BytesMut::with_capacity(Chunk::MAX);
        match read.read_buf(&mut buffer).await {
            Ok(0) => return true,
            Ok(_) => {
                if !input.send_some(buffer).await {
                    // The operation is over; its end is on the way.
                    std::future::pending::<Infallible>().await;
                }
            }
            Err(_) => return false,
        }
    }
}

/// Passes on what the helper sends.
async fn drain(operation: &mut Operation<Broker>, mut write: impl AsyncWrite + Unpin) -> Result<(), Failure> {
    let (mut received, mut last) = (0, None);
    loop {
        match operation.next().await? {
            Item::Data(Stream::Output, bytes) => {
                received += bytes.len() as u64;
                if write.write_all(&bytes).await.is_err() {
                    return Ok(());
                }
            }
            Item::Event(reply::Event::Forward(Event::Finished { bytes })) => last = Some(bytes),
            Item::Done(reply::Outcome::Failed(failure)) => return Err(failure),
            Item::Done(_) => {
                let _ = write.shutdown().await;
                return Ok(());
            }
            Item::Data(Stream::ErrorOutput, _) | Item::Event(_) => {}
        }
        if last == Some(received) {
            last = None;
            let _ = write.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loopback() {
        for yes in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(Here::is_loopback(yes), "{yes}");
        }
        for no in ["0.0.0.0", "10.0.0.1", "localhost.example.org", "127.0.0.1.nip.io", "::", "fe80::1", ""] {
            assert!(!Here::is_loopback(no), "{no}");
        }
    }
}
