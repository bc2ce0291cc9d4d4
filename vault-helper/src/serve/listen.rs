//! Listening: our own sockets in the runtime directory, or systemd's.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::Uid;
use tokio::net::UnixListener;

use crate::helper::FAREWELL;

/// The brokers' socket.
const BROKER: &str = "broker.sock";
/// How long another helper may take to begin or to end: a little more than it gives what runs.
const MOMENT: Duration = FAREWELL.saturating_add(Duration::from_secs(2));
/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(5);

/// The two listening sockets, and the lock that says they are ours.
pub struct Sockets {
    /// For brokers.
    pub broker: UnixListener,
    /// For people.
    pub admin: UnixListener,
    _files: Files,
    lock: Option<Flock<File>>,
}

/// Files to remove at the end; none when systemd owns the sockets.
struct Files(Vec<PathBuf>);

impl Sockets {
    /// Listens no longer. What comes back keeps others from doing so until it is dropped.
    pub fn close(self) -> Option<Flock<File>> {
        self.lock
    }
}

/// Why listening failed.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another helper has this directory.
    #[error("another vault helper already serves {0}")]
    Busy(PathBuf),
    /// The directory is not ours alone.
    #[error("{0} must be a directory of this user with mode 0700")]
    Directory(PathBuf),
    /// systemd passed sockets, but not ours.
    #[error("systemd passed sockets named {0:?}; `broker` and `admin` are needed")]
    Activation(String),
    /// Something else.
    #[error("cannot listen in {0}: {1}")]
    Io(PathBuf, io::Error),
}

/// Takes systemd's sockets when there are any, else binds our own in `directory`.
///
/// # Errors
/// See [`ListenError`].
pub fn open(directory: &Path) -> Result<Sockets, ListenError> {
    match activated()? {
        Some(sockets) => Ok(sockets),
        None => bind(directory),
    }
}

/// Sockets passed by systemd, by name (sd_listen_fds(3)).
fn activated() -> Result<Option<Sockets>, ListenError> {
    let mut passed = listenfd::ListenFd::from_env();
    if passed.len() == 0 {
        return Ok(None);
    }
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let wrong = || ListenError::Activation(names.clone());
    let mut take = |name: &str| {
        let index = names.split(':').position(|n| n == name).ok_or_else(wrong)?;
        let listener = passed.take_unix_listener(index).ok().flatten().ok_or_else(wrong)?;
        to_tokio(listener).map_err(|error| ListenError::Io(PathBuf::from(name), error))
    };
    Ok(Some(Sockets {
        broker: take("broker")?,
        admin: take("admin")?,
        _files: Files(Vec::new()),
        lock: None,
    }))
}

fn bind(directory: &Path) -> Result<Sockets, ListenError> {
    let io = |error| ListenError::Io(directory.to_owned(), error);
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
    let meta = std::fs::symlink_metadata(directory).map_err(io)?;
    if !meta.is_dir() || meta.uid() != Uid::effective().as_raw() || meta.mode() & 0o077 != 0 {
        return Err(ListenError::Directory(directory.to_owned()));
    }
    let lock_file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join("helper.lock"))
        .map_err(io)?;
    let lock =
        lock(lock_file, &directory.join(BROKER)).ok_or_else(|| ListenError::Busy(directory.to_owned()))?;
    let mut files = Files(Vec::new());
    let mut listen = |name: &str| {
        let path = directory.join(name);
        // Under the lock, a socket file can only be what a dead helper left.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let listener = StdListener::bind(&path).map_err(io)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(io)?;
        files.0.push(path);
        to_tokio(listener).map_err(io)
    };
    let (broker, admin) = (listen(BROKER)?, listen("admin.sock")?);
    Ok(Sockets { broker, admin, _files: files, lock: Some(lock) })
}

/// Takes the lock, unless another helper has it and serves. One that is just starting does not yet, and one that is ending
/// no longer: whoever started us would then find nobody there, though we say that somebody is.
fn lock(mut file: File, socket: &Path) -> Option<Flock<File>> {
    let patience = Instant::now() + MOMENT;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Some(lock),
            Err((file, _)) => file,
        };
        if somebody_listens(socket) || Instant::now() >= patience {
            return None;
        }
        std::thread::sleep(GLANCE);
    }
}

fn somebody_listens(path: &Path) -> bool {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let connected = socket(AddressFamily::Unix, SockType::Stream, flags, None)
        .and_then(|socket| connect(socket.as_raw_fd(), &UnixAddr::new(path)?));
    // One that accepts nobody for now listens all the same.
    matches!(connected, Ok(()) | Err(Errno::EAGAIN))
}

fn to_tokio(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

impl Drop for Files {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Whether this peer may speak here at all.
pub fn permitted(socket: &tokio::net::UnixStream, allowed: &[u32]) -> io::Result<Result<u32, u32>> {
    let uid = socket.peer_cred()?.uid();
    Ok(if allowed.contains(&uid) { Ok(uid) } else { Err(uid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock_file(directory: &Path) -> File {
        OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(directory.join("helper.lock"))
            .unwrap()
    }

    #[test]
    fn a_helper_that_serves_is_left_alone_and_one_that_ends_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join(BROKER);
        let first = lock(lock_file(directory.path()), &socket).unwrap();
        let serves = StdListener::bind(&socket).unwrap();
        assert!(lock(lock_file(directory.path()), &socket).is_none());
        // As one ends: its sockets go first, and then the lock.
        drop(serves);
        std::fs::remove_file(&socket).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| lock(lock_file(directory.path()), &socket).is_some());
            drop(first);
            assert!(next.join().unwrap());
        });
    }

    #[test]
    fn a_helper_that_has_yet_to_listen_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join(BROKER);
        let _first = lock(lock_file(directory.path()), &socket).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| {
                let locked = lock(lock_file(directory.path()), &socket).is_some();
                (locked, somebody_listens(&socket))
            });
            let _serves = StdListener::bind(&socket).unwrap();
            assert_eq!(next.join().unwrap(), (false, true), "it gave up once somebody served");
        });
    }
}
