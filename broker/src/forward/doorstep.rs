//! Unix sockets that forwards listen on: made below the transfer roots, for this user alone, where nothing is yet, and
//! removed when nobody listens any more.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, fchmod};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use sallyport_protocol::{ErrorCode, Failure};

use crate::harden::open_places;
use crate::transfer::{Folder, Located, Roots, failure};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;
/// A name that fits into a socket's address (unix(7): 108 bytes) behind its directory's descriptor.
const LONGEST_NAME: usize = 80;

/// A socket's name in a directory. What stands there is removed when this is dropped, if it is still that socket.
#[derive(Debug)]
pub struct Doorstep {
    folder: Folder,
    name: OsString,
    identity: (u64, u64),
}

impl Doorstep {
    /// The socket at a path.
    ///
    /// # Errors
    /// When there is none.
    pub fn at(located: &Located) -> Result<Self, Failure> {
        let (folder, name) = parts(located)?;
        let identity = folder.identity(&name).map_err(|error| located.failure(&error))?;
        Ok(Self { folder, name, identity })
    }

    fn is_there(&self) -> bool {
        self.folder.identity(&self.name).is_ok_and(|identity| identity == self.identity)
    }
}

impl Drop for Doorstep {
    fn drop(&mut self) {
        // Gone already, or somebody else's by now: not ours to remove.
        if self.is_there() {
            let _ = self.folder.remove(&self.name);
        }
    }
}

/// Makes sockets, and remembers them as long as they are there.
#[derive(Debug)]
pub struct Doorsteps {
    roots: Roots,
    places: Vec<PathBuf>,
    made: Vec<Doorstep>,
}

impl Doorsteps {
    /// For sockets below these directories, their secret places left out.
    pub fn below(roots: Vec<PathBuf>) -> Self {
        Self { places: open_places(&roots), roots: Roots::of(roots), made: Vec::new() }
    }

    /// Makes a socket at a path and listens there: mode 0600, never in the place of anything.
    ///
    /// # Errors
    /// `path_outside_root`, `missing_parent`, `file_exists`, `invalid_argument`.
    pub fn listen(&mut self, path: &str) -> Result<OwnedFd, Failure> {
        self.made.retain(Doorstep::is_there);
        let located = self.roots.locate(path)?;
        let (folder, name) = parts(&located)?;
        let real = std::fs::read_link(format!("/proc/self/fd/{}", folder.fd().as_raw_fd()));
        let real = real.map_err(|error| located.failure(&error))?;
        if !self.places.iter().any(|place| real.starts_with(place)) {
            return Err(Failure::new(
                ErrorCode::PathOutsideRoot,
                format!("{path} is in a directory that is kept shut"),
                "name one in which files can be downloaded to",
            ));
        }
        let socket = socket_in(&folder, &name).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => failure(&nix::errno::Errno::EEXIST.into(), path),
            _ => located.failure(&error),
        })?;
        self.made.push(Doorstep::at(&located)?);
        Ok(socket)
    }
}

fn parts(located: &Located) -> Result<(Folder, OsString), Failure> {
    match located.open(false)? {
        (folder, Some(name)) if name.as_bytes().len() <= LONGEST_NAME => Ok((folder, name)),
        _ => Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("{} cannot be a socket", located.given),
            format!("name a file that is not there yet, in at most {LONGEST_NAME} bytes"),
        )),
    }
}

fn socket_in(folder: &Folder, name: &OsString) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // What bind(2) makes has the mode of the socket itself, so it is never anybody else's, not for a moment.
    fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
    let path = Path::new("/proc/self/fd").join(folder.fd().as_raw_fd().to_string()).join(name);
    bind(&socket, &SocketAddrUnix::new(path.as_os_str().as_bytes())?)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn code(result: Result<OwnedFd, Failure>) -> &'static str {
        result.map_or_else(|failure| failure.code.as_str(), |_| "ok")
    }

    #[test]
    fn a_socket_is_made_for_its_owner_alone_where_nothing_is_and_goes_with_its_maker() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), "x").unwrap();
        symlink("nowhere", at("link")).unwrap();
        let mut doorsteps = Doorsteps::below(vec![dir.path().to_owned()]);
        let _listening = doorsteps.listen("s").unwrap();
        assert_eq!(std::fs::metadata(at("s")).unwrap().mode() & 0o7777, 0o600);
        UnixStream::connect(at("s")).unwrap();
        for taken in ["s", "file", "link"] {
            assert_eq!(code(doorsteps.listen(taken)), "file_exists", "{taken}");
        }
        assert_eq!(std::fs::read(at("file")).unwrap(), b"x");
        for (path, wanted) in [
            ("../s", "path_outside_root"),
            ("/tmp", "path_outside_root"),
            ("no/s", "missing_parent"),
            ("", "invalid_argument"),
            (&"x".repeat(81), "invalid_argument"),
        ] {
            assert_eq!(code(doorsteps.listen(path)), wanted, "{path}");
        }
        drop(doorsteps);
        assert!(!at("s").exists() && at("file").exists());
    }

    #[test]
    fn what_took_a_sockets_place_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let mut doorsteps = Doorsteps::below(vec![dir.path().to_owned()]);
        let _listening = doorsteps.listen("s").unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "mine").unwrap();
        drop(doorsteps);
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}
