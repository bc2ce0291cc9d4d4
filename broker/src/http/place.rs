//! Where to listen.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sallyport_protocol::{ErrorCode, Failure};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// The name under which systemd passes the listening socket.
const ACTIVATION: &str = "mcp";

/// What `--http` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An address and port.
    Tcp(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `systemd`: the socket named `mcp` that systemd passes.
    Systemd,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: wants a path".into()),
            Some(path) => Ok(Self::Unix(path.into())),
            None if text == "systemd" => Ok(Self::Systemd),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                "give an address with a port (127.0.0.1:8000, [::1]:8000), unix:PATH, or systemd".into()
            }),
        }
    }
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// On the network.
    Tcp(TcpListener),
    /// In the file system; the file is removed at the end unless systemd holds it.
    Unix(UnixListener, Option<PathBuf>),
}

/// An accepted connection.
#[derive(Debug)]
pub enum Stream {
    /// From the network.
    Tcp(TcpStream),
    /// From this machine.
    Unix(UnixStream),
}

impl Listener {
    /// Listens.
    ///
    /// # Errors
    /// When that is not possible, with what to do.
    pub async fn open(address: &Address) -> Result<Self, Failure> {
        match address {
            Address::Tcp(address) => {
                let listener = TcpListener::bind(address).await;
                listener.map(Self::Tcp).map_err(|error| cannot(&address.to_string(), &error))
            }
            Address::Unix(path) => {
                bind(path).await.map_err(|error| cannot(&path.display().to_string(), &error))
            }
            Address::Systemd => activated(),
        }
    }

    /// Where it listens, when that is on the network.
    pub fn network(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// What a client is told to connect to.
    pub fn url(&self) -> String {
        match self {
            Self::Tcp(_) => {
                self.network().map_or_else(String::new, |address| format!("http://{address}/mcp"))
            }
            Self::Unix(_, Some(path)) => format!("unix:{} (path /mcp)", path.display()),
            Self::Unix(_, None) => "systemd's socket (path /mcp)".into(),
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// As the socket says.
    pub async fn accept(&self) -> std::io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, Some(path)) = self {
            // A file that is gone already is no loss.
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn bind(path: &Path) -> std::io::Result<Listener> {
    // A socket nobody answers on was left by a broker that was killed.
    if UnixStream::connect(path)
        .await
        .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(Listener::Unix(listener, Some(path.to_owned())))
}

/// systemd's socket (sd_listen_fds(3)).
fn activated() -> Result<Listener, Failure> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let wrong = || {
        Failure::new(
            ErrorCode::InvalidArgument,
            format!("systemd passed no socket named {ACTIVATION:?} (it passed {names:?})"),
            "start the socket unit: systemctl start sallyport-broker.socket",
        )
    };
    let broken = |error: std::io::Error| cannot("systemd's socket", &error);
    let index = names.split(':').position(|name| name == ACTIVATION).ok_or_else(wrong)?;
    let mut passed = listenfd::ListenFd::from_env();
    if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
        listener.set_nonblocking(true).map_err(broken)?;
        return TcpListener::from_std(listener).map(Listener::Tcp).map_err(broken);
    }
    let listener = passed.take_unix_listener(index).ok().flatten().ok_or_else(wrong)?;
    listener.set_nonblocking(true).map_err(broken)?;
    UnixListener::from_std(listener).map(|listener| Listener::Unix(listener, None)).map_err(broken)
}

fn cannot(place: &str, error: &std::io::Error) -> Failure {
    Failure::new(
        ErrorCode::InvalidArgument,
        format!("cannot listen on {place}: {error}"),
        "choose another address, or stop what listens there",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        assert_eq!("127.0.0.1:8000".parse(), Ok(Address::Tcp(([127, 0, 0, 1], 8000).into())));
        assert_eq!("unix:/run/x.sock".parse(), Ok(Address::Unix("/run/x.sock".into())));
        assert_eq!("systemd".parse(), Ok(Address::Systemd));
        for bad in ["", "localhost", "127.0.0.1", "unix:", "8000", "example.org:80"] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mcp.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = Listener::open(&Address::Unix(path.clone())).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Listener::open(&Address::Unix(path.clone())).await.is_err());
        drop(first);
        assert!(!path.exists());
    }
}
