//! Where local forwards are accepted: a port of loopback.

use std::net::Ipv4Addr;
use std::time::Duration;

use sallyport_protocol::{ErrorCode, Failure};
use tokio::net::{TcpListener, TcpStream};

/// A listening socket on 127.0.0.1.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    port: u16,
}

impl Listener {
    /// Listens on a port; 0 for any free one.
    ///
    /// # Errors
    /// `invalid_argument` when the port is taken or not ours to take.
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let fail = |error: std::io::Error| {
            Failure::new(
                ErrorCode::InvalidArgument,
                format!("port {port} of 127.0.0.1 cannot be listened on: {error}"),
                "choose another listen_port, or 0 for any free one",
            )
        };
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(fail)?;
        let port = socket.local_addr().map_err(fail)?.port();
        Ok(Self { socket, port })
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The next connection; never without a listener.
pub async fn accept(listener: &mut Option<Listener>) -> TcpStream {
    loop {
        let Some(Listener { socket, .. }) = listener else { return std::future::pending().await };
        match socket.accept().await {
            Ok((stream, _)) => {
                // Only speed is lost without it.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors: give others time to go instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
