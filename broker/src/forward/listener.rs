//! Where local forwards are accepted: a port of loopback, or a Unix socket only this user reaches.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use sallyport_protocol::{ErrorCode, Failure};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

/// What to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// This port of 127.0.0.1; 0 for any free one.
    Port(u16),
    /// A Unix socket in a fresh directory of ours.
    Socket,
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// On loopback.
    Port(TcpListener, u16),
    /// On a Unix socket; its directory is removed with it.
    Socket(UnixListener, Directory),
}

/// A directory of ours with a socket in it.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    fn socket(&self) -> PathBuf {
        self.0.join("forward.sock")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Whoever removed them already did our work.
        let _ = std::fs::remove_file(self.socket());
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// One accepted connection.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Listener {
    /// Listens.
    ///
    /// # Errors
    /// `invalid_argument` when the port is taken or not ours to take.
    pub async fn open(listen: Listen) -> Result<Self, Failure> {
        let refused = |what: String| {
            move |error: std::io::Error| {
                Failure::new(
                    ErrorCode::InvalidArgument,
                    format!("{what} cannot be listened on: {error}"),
                    "choose another listen_port, or 0 for any free one",
                )
            }
        };
        match listen {
            Listen::Port(port) => {
                let fail = refused(format!("port {port} of 127.0.0.1"));
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(&fail)?;
                let port = listener.local_addr().map_err(&fail)?.port();
                Ok(Self::Port(listener, port))
            }
            Listen::Socket => {
                let fail = refused("a Unix socket".to_owned());
                // mkdtemp(3) makes it for this user alone.
                let template = std::env::temp_dir().join("sallyport-forward-XXXXXX");
                let directory =
                    nix::unistd::mkdtemp(&template).map_err(std::io::Error::from).map_err(&fail)?;
                let directory = Directory(directory);
                let listener = UnixListener::bind(directory.socket()).map_err(&fail)?;
                Ok(Self::Socket(listener, directory))
            }
        }
    }

    /// Where it listens: `127.0.0.1:PORT` or `unix:PATH`.
    pub fn address(&self) -> String {
        match self {
            Self::Port(_, port) => format!("127.0.0.1:{port}"),
            Self::Socket(_, directory) => format!("unix:{}", directory.socket().display()),
        }
    }

    /// The port it listens on, if it is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Port(_, port) => Some(*port),
            Self::Socket(..) => None,
        }
    }
}

/// The next connection; never without a listener.
pub async fn accept(listener: &mut Option<Listener>) -> Box<dyn Connection> {
    loop {
        let accepted: std::io::Result<Box<dyn Connection>> = match listener {
            None => std::future::pending().await,
            Some(Listener::Port(listener, _)) => listener.accept().await.map(|(stream, _)| {
                // Only speed is lost without it.
                let _ = stream.set_nodelay(true);
                Box::new(stream) as Box<dyn Connection>
            }),
            Some(Listener::Socket(listener, _)) => {
                listener.accept().await.map(|(stream, _)| Box::new(stream) as Box<dyn Connection>)
            }
        };
        match accepted {
            Ok(connection) => return connection,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors: give others time to go instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
