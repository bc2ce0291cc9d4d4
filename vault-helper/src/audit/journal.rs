//! The second sink: systemd's journal, by its native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};

/// Where journald listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// The way to the journal.
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    /// Whether a line that the journal does not take counts as not written.
    pub required: bool,
}

impl Journal {
    /// A way to the journal that listens at `path`; says nothing yet.
    ///
    /// # Errors
    /// When there are no sockets to be had.
    pub fn new(path: &Path, required: bool) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // The helper serves on one thread: a journal that does not read must not stop it.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path: path.to_owned(), required })
    }

    /// Sends a line of the log, given without its line end.
    ///
    /// # Errors
    /// When the journal did not take it.
    pub fn send(&self, line: &[u8], sequence: u64, hash: &str) -> io::Result<()> {
        // A JSON line has no line feed within, so the simple form of a field does.
        let mut entry = b"SYSLOG_IDENTIFIER=sallyport-audit\nPRIORITY=6\nMESSAGE=".to_vec();
        entry.extend_from_slice(line);
        writeln!(entry, "\nSALLYPORT_SEQ={sequence}\nSALLYPORT_HASH={hash}")?;
        match self.socket.send_to(&entry, &self.path) {
            Ok(_) => Ok(()),
            Err(error) if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) => self.send_sealed(&entry),
            Err(error) => Err(error),
        }
    }

    /// An entry too long for a datagram goes as a sealed memory file.
    fn send_sealed(&self, entry: &[u8]) -> io::Result<()> {
        let file: OwnedFd =
            memfd_create(c"sallyport-audit", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        let mut file = std::fs::File::from(file);
        file.write_all(entry)?;
        let seals =
            SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        let address = UnixAddr::new(&self.path)?;
        let passed = [file.as_raw_fd()];
        let control = [ControlMessage::ScmRights(&passed)];
        sendmsg(self.socket.as_raw_fd(), &[], &control, MsgFlags::empty(), Some(&address))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_carries_the_line_its_number_and_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        Journal::new(&path, true).unwrap().send(b"{\"seq\":7}", 7, "abcd").unwrap();
        let mut buffer = [0; 4096];
        let count = journald.recv(&mut buffer).unwrap();
        insta::assert_snapshot!(String::from_utf8_lossy(&buffer[..count]), @r#"
        SYSLOG_IDENTIFIER=sallyport-audit
        PRIORITY=6
        MESSAGE={"seq":7}
        SALLYPORT_SEQ=7
        SALLYPORT_HASH=abcd
        "#);
    }

    #[test]
    fn an_entry_too_long_for_a_datagram_is_sent_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        let line = vec![b'x'; 1_000_000];
        Journal::new(&path, true).unwrap().send(&line, 1, "").unwrap();
        let mut buffer = [0; 64];
        assert_eq!(
            journald.recv(&mut buffer).unwrap(),
            0,
            "the entry itself is empty, the file is beside it"
        );
    }

    #[test]
    fn a_journal_that_is_not_there_or_does_not_read_is_an_error_and_never_a_hang() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert!(Journal::new(&path, true).unwrap().send(b"{}", 1, "").is_err());
        let _silent = UnixDatagram::bind(&path).unwrap();
        let journal = Journal::new(&path, true).unwrap();
        assert!((0..100_000).any(|_| journal.send(b"{}", 1, "").is_err()));
    }
}
