//! One method a request of the protocol. Paths are bytes as the server knows them (see [`super::place`]).

use bytes::Bytes;
use sallyport_protocol::rope::Rope;

use super::channel::{Limits, MODEST, Pending, Sftp, refused};
use super::error::SftpError;
use super::packet::{Attrs, Code, Name, Reader, Reply, kind};
use super::place;

/// Most names one listing is read to; a directory larger than this is refused.
pub const MOST_NAMES: usize = 200_000;
/// Most bytes of names.
const MOST_NAME_BYTES: usize = 32 * 1024 * 1024;

/// Room on a file system, in bytes and files, for ordinary users.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Files; the largest number where nobody counts them.
    pub files: u64,
}

impl Sftp {
    /// Opens a file; `attrs` hold for one that is made.
    ///
    /// # Errors
    /// What the server says.
    pub async fn open_file(&self, path: &[u8], flags: u32, attrs: &Attrs) -> Result<Bytes, SftpError> {
        self.start_open(path, flags, attrs).await?.handle().await
    }

    /// As [`Sftp::open_file`], answered later.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn start_open(&self, path: &[u8], flags: u32, attrs: &Attrs) -> Result<Pending, SftpError> {
        self.send(kind::OPEN, path.len(), |r| r.bytes(path).u32(flags).attrs(attrs)).await
    }

    /// Asks for bytes of an open file.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn start_read(&self, handle: &[u8], offset: u64, length: u32) -> Result<Pending, SftpError> {
        self.send(kind::READ, 16, |r| r.bytes(handle).u64(offset).u32(length)).await
    }

    /// Writes bytes to an open file.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn start_write(&self, handle: &[u8], offset: u64, data: Rope) -> Result<Pending, SftpError> {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.send_with(kind::WRITE, 32, |r| r.bytes(handle).u64(offset).u32(length), data).await
    }

    /// Closes a file or directory.
    ///
    /// # Errors
    /// What the server says: a full disk may only be told here.
    pub async fn close(&self, handle: &[u8]) -> Result<(), SftpError> {
        self.start_close(handle).await?.ok().await
    }

    /// As [`Sftp::close`], answered later.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn start_close(&self, handle: &[u8]) -> Result<Pending, SftpError> {
        self.send(kind::CLOSE, 0, |r| r.bytes(handle)).await
    }

    /// Attributes of what a path leads to.
    ///
    /// # Errors
    /// What the server says.
    pub async fn stat(&self, path: &[u8]) -> Result<Attrs, SftpError> {
        self.send(kind::STAT, path.len(), |r| r.bytes(path)).await?.attrs().await
    }

    /// Attributes of a path itself, be it a link.
    ///
    /// # Errors
    /// What the server says.
    pub async fn lstat(&self, path: &[u8]) -> Result<Attrs, SftpError> {
        self.start_lstat(path).await?.attrs().await
    }

    /// As [`Sftp::lstat`], answered later.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn start_lstat(&self, path: &[u8]) -> Result<Pending, SftpError> {
        self.send(kind::LSTAT, path.len(), |r| r.bytes(path)).await
    }

    /// As [`Sftp::lstat`]; none when nothing is there.
    ///
    /// # Errors
    /// What the server says otherwise.
    pub async fn look(&self, path: &[u8]) -> Result<Option<Attrs>, SftpError> {
        match self.lstat(path).await {
            Ok(attrs) => Ok(Some(attrs)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Attributes of an open file.
    ///
    /// # Errors
    /// What the server says.
    pub async fn fstat(&self, handle: &[u8]) -> Result<Attrs, SftpError> {
        self.send(kind::FSTAT, 0, |r| r.bytes(handle)).await?.attrs().await
    }

    /// Sets attributes of what a path leads to.
    ///
    /// # Errors
    /// What the server says.
    pub async fn setstat(&self, path: &[u8], attrs: &Attrs) -> Result<(), SftpError> {
        self.send(kind::SETSTAT, path.len() + 32, |r| r.bytes(path).attrs(attrs)).await?.ok().await
    }

    /// Sets attributes of an open file.
    ///
    /// # Errors
    /// What the server says.
    pub async fn fsetstat(&self, handle: &[u8], attrs: &Attrs) -> Result<(), SftpError> {
        self.start_fsetstat(handle, attrs).await?.ok().await
    }

    /// As [`Sftp::fsetstat`], answered later.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn start_fsetstat(&self, handle: &[u8], attrs: &Attrs) -> Result<Pending, SftpError> {
        self.send(kind::FSETSTAT, 32, |r| r.bytes(handle).attrs(attrs)).await
    }

    /// The names in a directory, without `.` and `..` and without what no directory can hold.
    ///
    /// # Errors
    /// What the server says; [`SftpError::Unasked`] when it lists more than [`MOST_NAMES`].
    pub async fn list(&self, path: &[u8]) -> Result<Vec<Name>, SftpError> {
        let handle = self.send(kind::OPENDIR, path.len(), |r| r.bytes(path)).await?.handle().await?;
        let mut names = Vec::new();
        let mut bytes = 0;
        let result = loop {
            // Two under way: the next part is read while this one travels.
            let parts = [self.start_readdir(&handle).await?, self.start_readdir(&handle).await?];
            let mut ended = None;
            for part in parts {
                match part.reply().await? {
                    // An empty part that is not the end would never end.
                    Reply::Names(part) if part.is_empty() => ended = Some(Ok(())),
                    Reply::Names(part) => {
                        bytes += part.iter().map(|name| name.name.len()).sum::<usize>();
                        names.extend(part.into_iter().filter(|name| place::is_plain(&name.name)));
                    }
                    Reply::Status(Code::Eof, _) => ended = Some(Ok(())),
                    other => ended = Some(Err(refused(other))),
                }
            }
            if names.len() > MOST_NAMES || bytes > MOST_NAME_BYTES {
                break Err(SftpError::Status(Code::Failure, "a listing without end".into()));
            }
            if let Some(ended) = ended {
                break ended;
            }
        };
        // Nobody need wait for the end of a directory that was only read.
        let _ = self.start_close(&handle).await?;
        result.map(|()| names)
    }

    async fn start_readdir(&self, handle: &[u8]) -> Result<Pending, SftpError> {
        self.send(kind::READDIR, 0, |r| r.bytes(handle)).await
    }

    /// Removes a file or a link.
    ///
    /// # Errors
    /// What the server says.
    pub async fn remove(&self, path: &[u8]) -> Result<(), SftpError> {
        self.send(kind::REMOVE, path.len(), |r| r.bytes(path)).await?.ok().await
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// What the server says.
    pub async fn mkdir(&self, path: &[u8]) -> Result<(), SftpError> {
        self.send(kind::MKDIR, path.len(), |r| r.bytes(path).attrs(&Attrs::default())).await?.ok().await
    }

    /// Makes a directory and those above it that are missing. One that is there already is no error.
    ///
    /// # Errors
    /// What the server says.
    pub async fn mkdirs(&self, path: &[u8]) -> Result<(), SftpError> {
        let mut missing = vec![path.to_vec()];
        while let Some(next) = missing.last().cloned() {
            match self.mkdir(&next).await {
                Ok(()) => {
                    missing.pop();
                }
                Err(error) if error.is_absent() && missing.len() < 256 => match place::split(&next) {
                    Some((parent, _)) if parent != b"." => missing.push(parent),
                    _ => return Err(error),
                },
                Err(error) => match self.stat(&next).await {
                    Ok(attrs) if attrs.kind() == super::Kind::Directory => {
                        missing.pop();
                    }
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// What the server says.
    pub async fn rmdir(&self, path: &[u8]) -> Result<(), SftpError> {
        self.send(kind::RMDIR, path.len(), |r| r.bytes(path)).await?.ok().await
    }

    /// The absolute path, links followed, of something that exists.
    ///
    /// # Errors
    /// What the server says.
    pub async fn realpath(&self, path: &[u8]) -> Result<Bytes, SftpError> {
        self.send(kind::REALPATH, path.len(), |r| r.bytes(path)).await?.only_name().await
    }

    /// What a link points to.
    ///
    /// # Errors
    /// What the server says.
    pub async fn readlink(&self, path: &[u8]) -> Result<Bytes, SftpError> {
        self.send(kind::READLINK, path.len(), |r| r.bytes(path)).await?.only_name().await
    }

    /// Renames; fails when something is there already (OpenSSH links and unlinks: nothing is ever replaced).
    ///
    /// # Errors
    /// What the server says.
    pub async fn start_rename(&self, from: &[u8], to: &[u8]) -> Result<Pending, SftpError> {
        self.send(kind::RENAME, from.len() + to.len(), |r| r.bytes(from).bytes(to)).await
    }

    /// Renames over what is there, atomically. Only with the extension.
    ///
    /// # Errors
    /// What the server says.
    pub async fn start_posix_rename(&self, from: &[u8], to: &[u8]) -> Result<Pending, SftpError> {
        self.extended(b"posix-rename@openssh.com", &[from, to]).await
    }

    /// Has the disk take what was written. Only with the extension.
    ///
    /// # Errors
    /// What the server says.
    pub async fn fsync(&self, handle: &[u8]) -> Result<(), SftpError> {
        self.extended(b"fsync@openssh.com", &[handle]).await?.ok().await
    }

    /// The room on the file system of a path; none when the server does not tell.
    pub async fn room(&self, path: &[u8]) -> Option<Room> {
        if !self.extensions().statvfs {
            return None;
        }
        let reply = self.extended(b"statvfs@openssh.com", &[path]).await.ok()?.reply().await.ok()?;
        let Reply::Extended(bytes) = reply else { return None };
        let mut reader = Reader::new(bytes);
        // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_favail, ...
        let mut numbers = [0; 8];
        for number in &mut numbers {
            *number = reader.u64().ok()?;
        }
        // A file system that makes inodes as it needs them (btrfs) counts none at all, and lacks none.
        let files = if numbers[5] == 0 { u64::MAX } else { numbers[7] };
        Some(Room { bytes: numbers[4].saturating_mul(numbers[1].max(1)), files })
    }

    /// How much one request may carry.
    pub async fn limits(&self) -> Limits {
        let ask = async {
            if !self.extensions().limits {
                return None;
            }
            let reply = self.extended(b"limits@openssh.com", &[]).await.ok()?.reply().await.ok()?;
            let Reply::Extended(bytes) = reply else { return None };
            let mut reader = Reader::new(bytes);
            let (_, read, write) = (reader.u64().ok()?, reader.u64().ok()?, reader.u64().ok()?);
            // A zero means that the server does not say.
            let bounded = |limit: u64, modest: u32| match limit {
                0 => modest,
                limit => u32::try_from(limit).unwrap_or(u32::MAX).clamp(4096, LARGEST),
            };
            Some(Limits { read: bounded(read, MODEST.read), write: bounded(write, MODEST.write) })
        };
        *self.inner.limits.get_or_init(|| async { ask.await.unwrap_or(MODEST) }).await
    }

    async fn extended(&self, name: &[u8], strings: &[&[u8]]) -> Result<Pending, SftpError> {
        let room = name.len() + strings.iter().map(|s| s.len() + 4).sum::<usize>();
        self.send(kind::EXTENDED, room, |r| strings.iter().fold(r.bytes(name), |r, s| r.bytes(s))).await
    }
}

/// The most one request carries, whatever the server offers: what OpenSSH's takes.
const LARGEST: u32 = 255 * 1024;

impl Pending {
    /// An open file or directory.
    ///
    /// # Errors
    /// What the server says.
    pub async fn handle(self) -> Result<Bytes, SftpError> {
        match self.reply().await? {
            Reply::Handle(handle) => Ok(handle),
            other => Err(refused(other)),
        }
    }

    /// Attributes.
    ///
    /// # Errors
    /// What the server says.
    pub async fn attrs(self) -> Result<Attrs, SftpError> {
        match self.reply().await? {
            Reply::Attrs(attrs) => Ok(attrs),
            other => Err(refused(other)),
        }
    }

    async fn only_name(self) -> Result<Bytes, SftpError> {
        match self.reply().await? {
            Reply::Names(names) => names.into_iter().next().map(|name| name.name).ok_or(SftpError::Unasked),
            other => Err(refused(other)),
        }
    }
}
