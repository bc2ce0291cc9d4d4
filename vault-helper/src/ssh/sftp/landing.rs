//! Writing a file so that there is the old one or the new one, whole, at any moment: under a temporary name in the
//! same directory, renamed when it is complete.

use bytes::Bytes;
use sallyport_protocol::{ErrorCode, Failure};

use super::bulk::{Reading, Writing};
use super::channel::Sftp;
use super::error::SftpError;
use super::lists::{self, Carried};
use super::packet::{Attrs, Code, Kind, flag};
use super::parent;
use super::place::{self, shown};
use crate::afterwards::afterwards;

/// How a file is to be put into place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// Replace a file that is there. Its permissions are kept.
    pub overwrite: bool,
    /// Make directories that are missing.
    pub create_parents: bool,
    /// Permissions; without them those of the file that is replaced, else what the account's umask leaves.
    pub mode: Option<u32>,
    /// Time of the last change, in seconds since 1970.
    pub mtime: Option<u32>,
    /// Keep the access control list of the file that is replaced, which takes a command on the host.
    pub lists: bool,
    /// Have the disk take it before it is put into place.
    pub durable: bool,
}

/// What became of the file's attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Landed {
    /// Something was replaced.
    pub replaced: bool,
    /// What could not be kept as it was, for people: the owner, say.
    pub lost: Vec<&'static str>,
}

/// A file on its way.
///
/// Dropped before its end (a call was cancelled), it removes the temporary file by itself.
pub struct Landing {
    sftp: Sftp,
    path: Vec<u8>,
    directory: Vec<u8>,
    temporary: Vec<u8>,
    plan: Plan,
    old: Option<Attrs>,
    /// What is written, up to the landing.
    pub writing: Writing,
    /// The temporary file is gone, or in place.
    gone: bool,
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        let (sftp, handle) = (self.sftp.clone(), self.writing.handle().clone());
        let temporary = std::mem::take(&mut self.temporary);
        afterwards(async move { remove(&sftp, &handle, &temporary).await });
    }
}

/// A temporary file that the host may have made already. Dropped before its [`Landing`] is made (a call was cancelled
/// while the host answered), it removes the file; the host takes requests in their order, so the opening comes first.
struct Begun {
    sftp: Sftp,
    temporary: Option<Vec<u8>>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let sftp = self.sftp.clone();
            afterwards(async move {
                let _ = sftp.remove(&temporary).await;
            });
        }
    }
}

async fn remove(sftp: &Sftp, handle: &[u8], temporary: &[u8]) {
    let _ = sftp.start_close(handle).await;
    let _ = sftp.remove(temporary).await;
}

impl Landing {
    /// Begins: looks at what is there, and opens the temporary file.
    ///
    /// # Errors
    /// `file_exists`, `missing_parent`, `permission_denied`; `unsupported_operation` for what is no regular file.
    pub async fn begin(sftp: &Sftp, path: &[u8], plan: Plan, unique: &str) -> Result<Self, Failure> {
        let old = sftp.look(path).await.or_else(|error| match error.code() {
            // A parent that is a file: opening tells it better.
            Some(Code::Failure) => Ok(None),
            _ => Err(error.failure("look at", &shown(path))),
        })?;
        Self::begin_over(sftp, path, old, plan, unique).await
    }

    /// As [`Landing::begin`], knowing what is there.
    ///
    /// # Errors
    /// As [`Landing::begin`].
    pub async fn begin_over(
        sftp: &Sftp,
        path: &[u8],
        old: Option<Attrs>,
        plan: Plan,
        unique: &str,
    ) -> Result<Self, Failure> {
        let (directory, _) = place::split(path).ok_or_else(|| no_file(path))?;
        match &old {
            Some(old) => may_replace(path, old, plan.overwrite)?,
            // Only a directory can be called so, and none is there.
            None if path.ends_with(b"/") => return Err(no_file(path)),
            None => {}
        }
        // A name of our own: the last one might be too long to be made longer.
        let temporary = place::join(&directory, format!(".sallyport-{unique}.part").as_bytes());
        // Nobody but the owner reads what may replace a file that only its owner reads.
        // One that is told whose it is gets that at the end: until then it is the owner's as well.
        let own = old.is_some() || plan.mode.is_some();
        let attrs = if own { Attrs::with_mode(0o600) } else { Attrs::default() };
        let flags = flag::WRITE | flag::CREATE | flag::EXCLUSIVE;
        let mut begun = Begun { sftp: sftp.clone(), temporary: Some(temporary.clone()) };
        let handle = match sftp.open_file(&temporary, flags, &attrs).await {
            Err(error) if error.is_absent() && plan.create_parents => {
                if let Err(error) = sftp.mkdirs(&directory).await {
                    begun.temporary = None;
                    let failure = || error.failure("make directory", &shown(&directory));
                    return Err(parent::obstacle(sftp, &directory).await.unwrap_or_else(failure));
                }
                sftp.open_file(&temporary, flags, &attrs).await
            }
            other => other,
        };
        let handle = match handle {
            Ok(handle) => handle,
            Err(error) => {
                begun.temporary = None;
                return Err(explain(sftp, &error, path, &directory).await);
            }
        };
        let writing = Writing::new(sftp, handle).await;
        begun.temporary = None;
        Ok(Self {
            sftp: sftp.clone(),
            path: path.to_vec(),
            directory,
            temporary,
            plan,
            old,
            writing,
            gone: false,
        })
    }

    /// Goes on over another channel: opens the temporary file again and sends what may not have arrived.
    ///
    /// # Errors
    /// When that fails too.
    pub async fn resume(&mut self, sftp: &Sftp) -> Result<(), SftpError> {
        let handle = sftp.open_file(&self.temporary, flag::WRITE, &Attrs::default()).await?;
        self.sftp = sftp.clone();
        self.writing.resume(sftp, handle).await
    }

    /// Why writing failed, and whether there is room at all.
    pub async fn explain(&self, error: &SftpError) -> Failure {
        explain(&self.sftp, error, &self.path, &self.directory).await
    }

    /// Puts the file into place. Everything was written.
    ///
    /// # Errors
    /// As writing does; `file_exists` when something came there meanwhile. The temporary file is gone then.
    pub async fn land(mut self) -> Result<Landed, Failure> {
        let sftp = &self.sftp.clone();
        let landed = match self.finish(sftp).await {
            Ok(landed) => landed,
            Err(error) => {
                let failure = self.explain(&error).await;
                self.discard().await;
                return Err(failure);
            }
        };
        match self.rename(sftp).await {
            Ok(()) => {
                self.gone = true;
                Ok(landed)
            }
            Err(error) => {
                let exists =
                    !self.plan.overwrite && sftp.look(&self.path).await.is_ok_and(|old| old.is_some());
                let failure = if exists {
                    file_exists(&self.path)
                } else {
                    error.failure("put into place", &shown(&self.path))
                };
                self.discard().await;
                Err(failure)
            }
        }
    }

    async fn finish(&mut self, sftp: &Sftp) -> Result<Landed, SftpError> {
        self.writing.finish().await?;
        let handle = self.writing.handle().clone();
        let mut landed = Landed { replaced: self.old.is_some(), lost: Vec::new() };
        if let Some(old) = self.old {
            let new = sftp.fstat(&handle).await?;
            if old.owner != new.owner
                && let Some((user, group)) = old.owner
            {
                let both = Attrs { owner: Some((user, group)), ..Attrs::default() };
                if sftp.fsetstat(&handle, &both).await.is_err() {
                    let group = Attrs { owner: new.owner.map(|(own, _)| (own, group)), ..Attrs::default() };
                    let kept = sftp.fsetstat(&handle, &group).await.is_ok();
                    landed.lost.push(if kept { "its owner" } else { "its owner and group" });
                }
            }
        }
        if landed.replaced
            && self.plan.lists
            && lists::carry(sftp, &self.path, &self.temporary).await == Carried::Lost
        {
            landed.lost.push("its access control list");
        }
        // A file that was replaced loses set-user-ID bits, as one that is written to does.
        let mode = self.plan.mode.or_else(|| self.old.and_then(|old| old.permissions()).map(|m| m & 0o777));
        if mode.is_some() || self.plan.mtime.is_some() {
            let times = self.plan.mtime.map(|mtime| (mtime, mtime));
            sftp.fsetstat(&handle, &Attrs { mode, times, ..Attrs::default() }).await?;
        }
        if self.plan.durable && sftp.extensions().fsync {
            sftp.fsync(&handle).await?;
        }
        sftp.close(&handle).await?;
        Ok(landed)
    }

    async fn rename(&self, sftp: &Sftp) -> Result<(), SftpError> {
        if !self.plan.overwrite {
            return sftp.start_rename(&self.temporary, &self.path).await?.ok().await;
        }
        if sftp.extensions().posix_rename {
            return sftp.start_posix_rename(&self.temporary, &self.path).await?.ok().await;
        }
        // A server without the extension: for a moment there is neither.
        match sftp.remove(&self.path).await {
            Err(error) if !error.is_absent() => return Err(error),
            _ => {}
        }
        sftp.start_rename(&self.temporary, &self.path).await?.ok().await
    }

    /// Removes the temporary file.
    pub async fn discard(mut self) {
        self.gone = true;
        remove(&self.sftp, self.writing.handle(), &self.temporary).await;
    }
}

impl Sftp {
    /// Writes all of a small file.
    ///
    /// # Errors
    /// As [`Landing`].
    pub async fn write_file(
        &self,
        path: &[u8],
        content: &[u8],
        plan: Plan,
        unique: &str,
    ) -> Result<Landed, Failure> {
        let mut landing = Landing::begin(self, path, plan, unique).await?;
        if let Err(error) = landing.writing.push(Bytes::copy_from_slice(content)).await {
            let failure = landing.explain(&error).await;
            landing.discard().await;
            return Err(failure);
        }
        landing.land().await
    }

    /// Reads a regular file from byte `from`, at most `most` bytes: what was read, and the file's attributes.
    ///
    /// # Errors
    /// `file_not_found`, `permission_denied`; `unsupported_operation` for what is no regular file.
    pub async fn read_file(&self, path: &[u8], from: u64, most: u64) -> Result<(Vec<u8>, Attrs), Failure> {
        let (handle, attrs) = self.open_to_read(path).await?;
        let mut reading = Reading::new(self, handle.clone(), from, from.saturating_add(most)).await;
        let mut content = Vec::new();
        while let Some(piece) = reading.next().await.map_err(|error| error.failure("read", &shown(path)))? {
            content.extend_from_slice(&piece);
        }
        let _ = self.start_close(&handle).await;
        Ok((content, attrs))
    }

    /// Opens a regular file for reading. What it is is asked before: opening a FIFO would wait for its writer.
    ///
    /// # Errors
    /// As [`Sftp::read_file`].
    pub async fn open_to_read(&self, path: &[u8]) -> Result<(Bytes, Attrs), Failure> {
        let failure = |error: SftpError| error.failure("read", &shown(path));
        let attrs = self.stat(path).await.map_err(failure)?;
        regular(path, &attrs)?;
        let handle = self.open_file(path, flag::READ, &Attrs::default()).await.map_err(failure)?;
        let attrs = self.fstat(&handle).await.map_err(failure)?;
        if let Err(failure) = regular(path, &attrs) {
            let _ = self.start_close(&handle).await;
            return Err(failure);
        }
        Ok((handle, attrs))
    }
}

/// That something is a regular file.
///
/// # Errors
/// `unsupported_operation` with what it is.
pub fn regular(path: &[u8], attrs: &Attrs) -> Result<(), Failure> {
    let what = match attrs.kind() {
        Kind::File => return Ok(()),
        Kind::Directory => "a directory",
        Kind::Link => "a symbolic link",
        Kind::Special => "a device, a socket or a pipe",
    };
    let hint = match attrs.kind() {
        Kind::Directory => {
            "name a file in it, or list it with ssh_list_dir; ssh_upload and ssh_download take all of it with \
             recursive = true"
        }
        _ => "only regular files are read and written",
    };
    Err(Failure::new(ErrorCode::UnsupportedOperation, format!("{} is {what}", shown(path)), hint))
}

fn may_replace(path: &[u8], old: &Attrs, overwrite: bool) -> Result<(), Failure> {
    match old.kind() {
        Kind::Link => Err(Failure::new(
            ErrorCode::UnsupportedOperation,
            format!("{} is a symbolic link; nothing is written through it", shown(path)),
            "name the file it points to",
        )),
        Kind::File if overwrite => Ok(()),
        Kind::File => Err(file_exists(path)),
        Kind::Directory | Kind::Special => regular(path, old),
    }
}

/// Something is there already.
pub fn file_exists(path: &[u8]) -> Failure {
    Failure::new(
        ErrorCode::FileExists,
        format!("{} is there already", shown(path)),
        "set overwrite = true to replace it, or choose another name",
    )
}

fn no_file(path: &[u8]) -> Failure {
    Failure::new(
        ErrorCode::InvalidArgument,
        format!("{} names no file", shown(path)),
        "end the path with a file's name",
    )
}

/// Why a file cannot be written: SFTP says `Failure` for a full disk as for everything else.
async fn explain(sftp: &Sftp, error: &SftpError, path: &[u8], directory: &[u8]) -> Failure {
    let shown_path = shown(path);
    match error.code() {
        Some(Code::NoSuchFile) => parent::missing(sftp, directory).await,
        Some(Code::Failure | Code::Other(_)) => match sftp.room(directory).await {
            Some(room) if room.files == 0 => Failure::new(
                ErrorCode::QuotaExceeded,
                format!("cannot write {shown_path}: the file system has no room for another file (inodes)"),
                "remove files there, or write elsewhere; `df -i` shows it",
            ),
            Some(room) if room.bytes < 1024 * 1024 => Failure::new(
                ErrorCode::QuotaExceeded,
                format!("cannot write {shown_path}: the disk is full ({} bytes are left)", room.bytes),
                "make room there, or write elsewhere; `df -h` shows it",
            ),
            Some(_) if sftp.stat(directory).await.is_ok_and(|d| d.kind() == Kind::Directory) => Failure::new(
                ErrorCode::QuotaExceeded,
                format!(
                    "cannot write {shown_path}: the host takes no more bytes though its disk is not full"
                ),
                "the account's quota or a limit on file sizes is reached; `quota -s` and `ulimit -f` show it",
            ),
            _ => error.failure("write", &shown_path),
        },
        _ => error.failure("write", &shown_path),
    }
}
