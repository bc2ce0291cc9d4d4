//! Where local forwards are accepted: a port of loopback, or a Unix socket only this user reaches.

use std::net::Ipv4Addr;
use std::time::Duration;

use sallyport_protocol::{ErrorCode, Failure};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use super::doorstep::Doorstep;
use crate::link::Porter;
use crate::transfer::Roots;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// On a port of 127.0.0.1.
    Port(TcpListener, u16),
    /// On a Unix socket, at this path as it was given; its name goes with it.
    Path { socket: UnixListener, path: String, _doorstep: Doorstep },
}

/// An accepted connection.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

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
        Ok(Self::Port(socket, port))
    }

    /// Listens on a Unix socket at a path where nothing is. The porter makes it: this process may make none.
    ///
    /// # Errors
    /// `path_outside_root`, `missing_parent`, `file_exists`, `invalid_argument`; `unsupported_operation` without a porter.
    pub async fn open_path(porter: Option<&Porter>, path: &str) -> Result<Self, Failure> {
        let porter = porter.ok_or_else(|| {
            Failure::new(
                ErrorCode::UnsupportedOperation,
                "this server makes no Unix sockets",
                "give a listen_port instead",
            )
        })?;
        let located = Roots::load()?.locate(path)?;
        let socket = porter.listen(path).await?;
        Ok(Self::Path { socket, path: path.to_owned(), _doorstep: Doorstep::at(&located)? })
    }

    /// Where it listens: `127.0.0.1:PORT`, or `unix:PATH`.
    pub fn address(&self) -> String {
        match self {
            Self::Port(_, port) => format!("127.0.0.1:{port}"),
            Self::Path { path, .. } => format!("unix:{path}"),
        }
    }

    /// The port it listens on, if it is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Port(_, port) => Some(*port),
            Self::Path { .. } => None,
        }
    }

    async fn accept(&self) -> std::io::Result<Box<dyn Connection>> {
        match self {
            Self::Port(socket, _) => {
                let (stream, _) = socket.accept().await?;
                // Only speed is lost without it.
                let _ = stream.set_nodelay(true);
                Ok(Box::new(stream))
            }
            Self::Path { socket, .. } => Ok(Box::new(socket.accept().await?.0)),
        }
    }
}

/// The next connection; never without a listener.
pub async fn accept(listener: &Option<Listener>) -> Box<dyn Connection> {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok(connection) => return connection,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors: give others time to go instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
