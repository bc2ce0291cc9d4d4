//! Where a download waits until all of it is good: under a temporary name beside its final one.
//!
//! Dropped before its landing it removes itself. A process killed in between leaves a name `.sallyport-*.part`,
//! never a final one; the next download into the same folder removes it once nobody holds its lock.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use bytes::Buf;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{Mode, fchmod, futimens};
use nix::sys::time::TimeSpec;
use sallyport_protocol::Failure;
use sallyport_protocol::name;
use sallyport_protocol::rope::Rope;
use sallyport_protocol::transfer::EntryKind;
use sha2::{Digest, Sha256};

use super::folder::{Folder, Kind};
use super::roots::{Located, failure};

/// A single file up to this size is on the disk before it is put into place.
const DURABLE: u64 = 16 * 1024 * 1024;

/// How downloaded files are put into place.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Replace what is there.
    pub overwrite: bool,
    /// Permissions as at the source.
    pub keep_permissions: bool,
    /// Times as at the source.
    pub keep_times: bool,
}

/// One thing a download brings.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its path below the transfer's path.
    pub path: Vec<u8>,
    pub kind: EntryKind,
    pub mode: u32,
    pub mtime: u32,
}

/// A download that has not landed.
pub struct Stage {
    local: Located,
    folder: Folder,
    last: OsString,
    temporary: OsString,
    how: How,
    /// Of a tree: the folder that stands for it.
    tree: Option<Folder>,
    /// Held while the temporary name is in use.
    _lock: Option<Flock<File>>,
    current: Option<Writing>,
    /// What is in the tree, in order.
    items: Vec<Item>,
    landed: bool,
}

/// The file that is being written.
struct Writing {
    file: File,
    item: Item,
    bytes: u64,
    /// The file's end lies here at least: zeros were skipped.
    hole: bool,
    hash: Option<Sha256>,
}

impl Stage {
    /// Begins. `tree` when a directory comes.
    ///
    /// # Errors
    /// `missing_parent`, `path_outside_root`, `permission_denied`.
    pub fn begin(local: &Located, create_parents: bool, tree: bool, how: How) -> Result<Self, Failure> {
        let (folder, last) = local.open(create_parents)?;
        let fail = |error: io::Error| local.failure(&error);
        // A root itself can only be filled, not replaced: its stage is inside.
        let last = last.unwrap_or_else(|| OsString::from("."));
        sweep(&folder);
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| fail(io::Error::other(error.to_string())))?;
        let temporary = OsString::from(format!(".sallyport-{:016x}.part", u64::from_le_bytes(random)));
        let mut stage = Self {
            local: local.clone(),
            folder,
            last,
            temporary,
            how,
            tree: None,
            _lock: None,
            current: None,
            items: Vec::new(),
            landed: false,
        };
        if tree {
            stage.folder.make(&stage.temporary).map_err(fail)?;
            let inside = stage.folder.enter(std::slice::from_ref(&stage.temporary)).map_err(fail)?;
            let held = inside.fd().try_clone().map_err(fail)?;
            stage._lock = Flock::lock(File::from(held), FlockArg::LockExclusiveNonblock).ok();
            stage.tree = Some(inside);
        }
        Ok(stage)
    }

    /// Begins a file, or makes a directory.
    ///
    /// # Errors
    /// As the disk says.
    pub fn item(&mut self, item: Item) -> Result<(), Failure> {
        self.try_item(item).map_err(|error| self.local.failure(&error))
    }

    fn try_item(&mut self, item: Item) -> io::Result<()> {
        let Some(tree) = &self.tree else {
            let file = self.folder.create(&self.temporary)?;
            self._lock = Flock::lock(file.try_clone()?, FlockArg::LockExclusiveNonblock).ok();
            self.current = Some(Writing::new(file, item, true));
            return Ok(());
        };
        let names = names(&item.path);
        match (item.kind, names.split_last()) {
            (EntryKind::Directory, None) => {}
            (EntryKind::Directory, Some((last, above))) => tree.make_all(above)?.make(last)?,
            (EntryKind::File, Some((last, above))) => {
                let file = tree.make_all(above)?.create(last)?;
                self.current = Some(Writing::new(file, item, false));
                return Ok(());
            }
            (EntryKind::File, None) => return Err(nix::errno::Errno::EISDIR.into()),
        }
        self.items.push(item);
        Ok(())
    }

    /// The next bytes of the file.
    ///
    /// # Errors
    /// As the disk says.
    pub fn write(&mut self, bytes: Rope) -> Result<(), Failure> {
        let Some(current) = &mut self.current else { return Ok(()) };
        current.write(bytes).map_err(|error| self.local.failure(&error))
    }

    /// The file is complete; its SHA-256 when it is a single one.
    ///
    /// # Errors
    /// As the disk says.
    pub fn end(&mut self) -> Result<Option<[u8; 32]>, Failure> {
        let Some(current) = self.current.take() else { return Ok(None) };
        let durable = self.tree.is_none() && current.bytes <= DURABLE;
        let (item, hash) = current.end(self.how, durable).map_err(|error| self.local.failure(&error))?;
        self.items.push(item);
        Ok(hash)
    }

    /// Puts everything into place, and then removes `remove` (paths below, children first).
    ///
    /// # Errors
    /// `file_exists` when something came there meanwhile.
    pub fn land(mut self, remove: &[Vec<u8>]) -> Result<(), Failure> {
        let landed = self.try_land(remove);
        landed.map_err(|(error, path)| failure(&error, &self.local.below(&name::to_text(&path))))
    }

    fn try_land(&mut self, remove: &[Vec<u8>]) -> Result<(), (io::Error, Vec<u8>)> {
        let at = |path: &[u8]| {
            let path = path.to_vec();
            move |error: io::Error| (error, path)
        };
        if self.tree.is_none() {
            let replace = self.how.overwrite;
            if let Ok(Some(meta)) = self.folder.look(&self.last)
                && meta.kind != Kind::File
            {
                let errno = if meta.kind == Kind::Directory {
                    nix::errno::Errno::EISDIR
                } else {
                    nix::errno::Errno::ELOOP
                };
                return Err((errno.into(), Vec::new()));
            }
            self.folder.rename(&self.temporary, &self.folder, &self.last, replace).map_err(at(b""))?;
            self.landed = true;
            return Ok(());
        }
        // A whole tree where nothing is: one rename.
        let there =
            if self.last == "." { true } else { self.folder.look(&self.last).map_err(at(b""))?.is_some() };
        if !there {
            self.attributes().map_err(at(b""))?;
            self.folder.rename(&self.temporary, &self.folder, &self.last, false).map_err(at(b""))?;
            self.landed = true;
            return Ok(());
        }
        let top = match self.last.as_os_str() {
            last if last == "." => self.folder.enter(&[]),
            last => self.folder.enter(&[last.to_owned()]),
        };
        let top = top.map_err(at(b""))?;
        let Some(tree) = &self.tree else { return Ok(()) };
        for item in &self.items {
            let names = names(&item.path);
            let Some((last, above)) = names.split_last() else { continue };
            let fail = at(&item.path);
            let moved = match item.kind {
                EntryKind::Directory => top.make_all(&names).map(drop),
                EntryKind::File => top.make_all(above).and_then(|to| {
                    if let Some(meta) = to.look(last)?
                        && meta.kind != Kind::File
                    {
                        return Err(nix::errno::Errno::EEXIST.into());
                    }
                    tree.enter(above)?.rename(last, &to, last, self.how.overwrite)
                }),
            };
            moved.map_err(fail)?;
        }
        for path in remove {
            let names = names(path);
            let Some((last, above)) = names.split_last() else { continue };
            let removed = top.enter(above).and_then(|folder| match folder.look(last)? {
                Some(meta) if meta.kind == Kind::Directory => match folder.remove_empty(last) {
                    // It holds what is excluded.
                    Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ENOTEMPTY as i32) => Ok(()),
                    result => result,
                },
                Some(_) => folder.remove(last),
                None => Ok(()),
            });
            removed.map_err(at(path))?;
        }
        Ok(())
    }

    /// Sets the attributes of directories, innermost first.
    fn attributes(&self) -> io::Result<()> {
        let (Some(tree), true) = (&self.tree, self.how.keep_permissions || self.how.keep_times) else {
            return Ok(());
        };
        for item in self.items.iter().rev().filter(|item| item.kind == EntryKind::Directory) {
            let folder = tree.enter(&names(&item.path))?;
            set(folder.fd(), item, self.how, 0o700)?;
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.landed
            && let Err(error) = self.folder.remove_all(&self.temporary)
        {
            tracing::warn!(%error, name = %self.temporary.display(), "a temporary download stays behind");
        }
    }
}

impl Writing {
    fn new(file: File, item: Item, hash: bool) -> Self {
        Self { file, item, bytes: 0, hole: false, hash: hash.then(Sha256::new) }
    }

    fn write(&mut self, bytes: Rope) -> io::Result<()> {
        let mut together = Rope::new();
        for piece in bytes {
            self.bytes += piece.len() as u64;
            if let Some(hash) = &mut self.hash {
                hash.update(&piece);
            }
            // What is all zeros stays a hole.
            self.hole = piece.len() >= 4096 && piece.iter().all(|byte| *byte == 0);
            if self.hole {
                put(&mut self.file, std::mem::take(&mut together))?;
                self.file.seek(SeekFrom::Current(i64::try_from(piece.len()).unwrap_or(0)))?;
            } else {
                together.push(piece);
            }
        }
        put(&mut self.file, together)
    }

    fn end(self, how: How, durable: bool) -> io::Result<(Item, Option<[u8; 32]>)> {
        let Self { file, item, bytes, hole, hash } = self;
        if hole {
            file.set_len(bytes)?;
        }
        set(&file, &item, how, 0)?;
        if durable {
            file.sync_data()?;
        }
        Ok((item, hash.map(|hash| hash.finalize().into())))
    }
}

/// Writes all of it, many pieces at once.
fn put(file: &mut File, mut bytes: Rope) -> io::Result<()> {
    while bytes.has_remaining() {
        let mut pieces = [IoSlice::new(&[]); 16];
        let count = bytes.chunks_vectored(&mut pieces);
        match file.write_vectored(&pieces[..count]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes.advance(written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn set(file: impl std::os::fd::AsFd, item: &Item, how: How, least: u32) -> io::Result<()> {
    if how.keep_permissions {
        fchmod(&file, Mode::from_bits_truncate(item.mode & 0o777 | least))?;
    }
    if how.keep_times {
        let time = TimeSpec::new(i64::from(item.mtime), 0);
        futimens(&file, &time, &time)?;
    }
    Ok(())
}

/// A path's names.
pub fn names(path: &[u8]) -> Vec<OsString> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
        .map(|name| OsString::from_vec(name.to_vec()))
        .collect()
}

/// Removes what downloads that were killed left in a folder: what has such a name and no holder.
fn sweep(folder: &Folder) {
    let is_ours = |name: &OsStr| {
        let name = name.as_bytes();
        name.starts_with(b".sallyport-") && name.ends_with(b".part")
    };
    for name in folder.names().unwrap_or_default().into_iter().filter(|name| is_ours(name)) {
        let held = match folder.look(&name) {
            Ok(Some(meta)) if meta.kind == Kind::Directory => folder
                .enter(std::slice::from_ref(&name))
                .and_then(|inside| inside.fd().try_clone())
                .map(File::from),
            Ok(Some(meta)) if meta.kind == Kind::File => folder.read(&name).map(|(file, _)| file),
            _ => continue,
        };
        let Ok(file) = held else { continue };
        if let Ok(_lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            let _ = folder.remove_all(&name);
        }
    }
}
