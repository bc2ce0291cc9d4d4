//! What there is to upload, and its bytes.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use sallyport_protocol::name;
use sallyport_protocol::text::RemotePath;
use sallyport_protocol::transfer::{Change, Deed, Entry, EntryKind, MOST_ENTRIES, Mirror};
use sallyport_protocol::{ErrorCode, Failure, Text};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::folder::{Folder, Kind, Meta};
use super::roots::{Located, failure};

/// Bytes read at once.
const BLOCK: usize = 256 * 1024;

/// Everything an upload offers.
pub struct Offered {
    /// The files and directories, parents before what is in them.
    pub entries: Vec<Entry>,
    /// What was left out.
    pub left_out: Vec<Change>,
    folder: Folder,
    top: Option<OsString>,
    shown: Located,
}

/// How a tree is walked.
pub struct Way<'a> {
    /// A directory and what is in it.
    pub recursive: bool,
    /// What is left alone.
    pub mirror: Option<&'a Mirror>,
    /// Say the content of every file.
    pub content: bool,
}

impl Offered {
    /// Looks at what is there.
    ///
    /// # Errors
    /// `file_not_found`, `unsupported_operation` for what is no regular file, `too_large`.
    pub fn gather(local: &Located, way: &Way<'_>) -> Result<Self, Failure> {
        let (folder, top) = local.open(false)?;
        let meta = match &top {
            Some(name) => folder.look(name).map_err(|error| local.failure(&error))?,
            None => Some(folder.own().map_err(|error| local.failure(&error))?),
        };
        let meta = meta.ok_or_else(|| local.failure(&nix::errno::Errno::ENOENT.into()))?;
        let mut offered =
            Self { entries: Vec::new(), left_out: Vec::new(), folder, top, shown: local.clone() };
        match meta.kind {
            Kind::File => {}
            Kind::Directory if way.recursive => {}
            Kind::Directory => return Err(local.failure(&nix::errno::Errno::EISDIR.into())),
            Kind::Link => return Err(local.failure(&nix::errno::Errno::ELOOP.into())),
            Kind::Special => {
                return Err(Failure::new(
                    ErrorCode::UnsupportedOperation,
                    format!("{} is a device, a socket or a pipe", local.given),
                    "only regular files and directories are transferred",
                ));
            }
        }
        offered.take(Vec::new(), &meta, way)?;
        if meta.kind == Kind::Directory {
            offered.descend(&[], way)?;
        }
        Ok(offered)
    }

    fn take(&mut self, path: Vec<u8>, meta: &Meta, way: &Way<'_>) -> Result<(), Failure> {
        let kind = if meta.kind == Kind::File { EntryKind::File } else { EntryKind::Directory };
        if self.entries.len() >= MOST_ENTRIES as usize {
            return Err(Failure::new(
                ErrorCode::TooLarge,
                format!("there are more than {MOST_ENTRIES} files and directories"),
                "transfer it in parts, or as one archive (tar)",
            ));
        }
        let text = name::to_text(&path);
        let sha256 = match way.content && kind == EntryKind::File {
            true => Some(self.hash(&path)?),
            false => None,
        };
        let path = match path.is_empty() {
            true => None,
            false => Some(RemotePath::new(text).map_err(|error| {
                Failure::new(
                    ErrorCode::TooLarge,
                    format!("a path is too long: {error}"),
                    "transfer it in parts",
                )
            })?),
        };
        let size = if kind == EntryKind::File { meta.size } else { 0 };
        self.entries.push(Entry { path, kind, size, mode: meta.mode, mtime: meta.mtime, sha256 });
        Ok(())
    }

    fn descend(&mut self, above: &[u8], way: &Way<'_>) -> Result<(), Failure> {
        let shown = self.shown.below(&name::to_text(above));
        let fail = |error: std::io::Error| failure(&error, &shown);
        let folder = self.folder_of(above).map_err(fail)?;
        for inner in folder.names().map_err(fail)? {
            let path = match above {
                [] => inner.as_bytes().to_vec(),
                above => [above, b"/", inner.as_bytes()].concat(),
            };
            let text = name::to_text(&path);
            if way.mirror.is_some_and(|mirror| mirror.excludes(&text)) {
                continue;
            }
            // What went away meanwhile is not there.
            let Some(meta) = folder.look(&inner).map_err(fail)? else { continue };
            match meta.kind {
                Kind::File => self.take(path, &meta, way)?,
                Kind::Directory => {
                    self.take(path.clone(), &meta, way)?;
                    self.descend(&path, way)?;
                }
                Kind::Link => self.left_out.push(Change { path: Text::clip(text), deed: Deed::Link }),
                Kind::Special => self.left_out.push(Change { path: Text::clip(text), deed: Deed::Special }),
            }
        }
        Ok(())
    }

    fn names(&self, path: &[u8]) -> Vec<OsString> {
        let below = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        self.top.iter().cloned().chain(below.map(|name| OsString::from_vec(name.to_vec()))).collect()
    }

    fn folder_of(&self, path: &[u8]) -> std::io::Result<Folder> {
        self.folder.enter(&self.names(path))
    }

    fn open(&self, path: &[u8]) -> Result<(File, Meta), Failure> {
        let shown = self.shown.below(&name::to_text(path));
        let names = self.names(path);
        let opened = match names.split_last() {
            Some((last, above)) => self.folder.enter(above).and_then(|folder| folder.read(last)),
            None => Err(nix::errno::Errno::EISDIR.into()),
        };
        opened.map_err(|error| match error.raw_os_error().map(nix::errno::Errno::from_raw) {
            Some(nix::errno::Errno::ENXIO) => changed(&shown),
            _ => failure(&error, &shown),
        })
    }

    fn hash(&self, path: &[u8]) -> Result<[u8; 32], Failure> {
        let (mut file, _) = self.open(path)?;
        let mut hash = Sha256::new();
        std::io::copy(&mut file, &mut hash)
            .map_err(|error| failure(&error, &self.shown.below(&name::to_text(path))))?;
        Ok(hash.finalize().into())
    }

    /// Reads the wanted files one after the other into a channel: for a thread of its own. Ends early when nobody
    /// listens any more. Returns the SHA-256 when it was a single file.
    ///
    /// # Errors
    /// When a file cannot be read or is no longer what was offered.
    pub fn pour(
        &self,
        wanted: &[(u32, u32)],
        blocks: &mpsc::Sender<Vec<u8>>,
    ) -> Result<Option<[u8; 32]>, Failure> {
        let single = matches!(self.entries.as_slice(), [one] if one.kind == EntryKind::File);
        let mut hash = single.then(Sha256::new);
        let wanted = wanted.iter().flat_map(|(from, count)| *from as usize..*from as usize + *count as usize);
        for entry in wanted.filter_map(|number| self.entries.get(number)) {
            if entry.kind != EntryKind::File {
                continue;
            }
            let path = entry.path.as_ref().map(|path| name::to_bytes(path.as_str())).unwrap_or_default();
            let shown = self.shown.below(&name::to_text(&path));
            let (mut file, meta) = self.open(&path)?;
            if (meta.size, meta.mtime) != (entry.size, entry.mtime) {
                return Err(changed(&shown));
            }
            let mut left = entry.size;
            while left > 0 {
                let mut block = vec![0; BLOCK.min(usize::try_from(left).unwrap_or(BLOCK))];
                file.read_exact(&mut block).map_err(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => changed(&shown),
                    _ => failure(&error, &shown),
                })?;
                left -= block.len() as u64;
                if let Some(hash) = &mut hash {
                    hash.update(&block);
                }
                if blocks.blocking_send(block).is_err() {
                    return Ok(None);
                }
            }
        }
        Ok(hash.map(|hash| hash.finalize().into()))
    }
}

fn changed(path: &str) -> Failure {
    Failure::new(
        ErrorCode::HashMismatch,
        format!("{path} changed while it was being read"),
        "call again when nobody writes to it",
    )
}
