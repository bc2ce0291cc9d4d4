//! Directories by descriptor. Every name is opened from the directory it is in, and no link is followed, so that a
//! link put in the way at the last moment leads nowhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, RenameFlags, ResolveFlag, openat, openat2, renameat, renameat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

/// An open directory.
#[derive(Debug)]
pub struct Folder(OwnedFd);

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// Its time of last change, in seconds since 1970, as far as SFTP can tell it.
    pub mtime: u32,
}

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Link,
    Special,
}

impl From<FileStat> for Meta {
    fn from(stat: FileStat) -> Self {
        let kind = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFDIR => Kind::Directory,
            SFlag::S_IFLNK => Kind::Link,
            _ => Kind::Special,
        };
        Self {
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mode: stat.st_mode & 0o7777,
            mtime: u32::try_from(stat.st_mtime).unwrap_or(0),
        }
    }
}

/// Directories are opened like this.
const DIRECTORY: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Folder {
    /// A transfer root. Its own path is the operator's, links and all.
    pub fn root(path: &Path) -> io::Result<Self> {
        Ok(Self(nix::fcntl::open(path, DIRECTORY, Mode::empty())?))
    }

    /// The folder that `names` lead to, no link on the way.
    pub fn enter(&self, names: &[OsString]) -> io::Result<Self> {
        if names.is_empty() {
            return Ok(Self(self.0.try_clone()?));
        }
        let path: PathBuf = names.iter().collect();
        let resolve = ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        match openat2(&self.0, &path, OpenHow::new().flags(DIRECTORY).resolve(resolve)) {
            Ok(fd) => Ok(Self(fd)),
            // Kernels before 5.6, and sandboxes that do not know it: the same, name by name.
            Err(Errno::ENOSYS | Errno::EPERM) => {
                let mut folder = Self(self.0.try_clone()?);
                for name in names {
                    folder = folder.step(name)?;
                }
                Ok(folder)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn step(&self, name: &OsStr) -> io::Result<Self> {
        match openat(&self.0, name, DIRECTORY | OFlag::O_NOFOLLOW, Mode::empty()) {
            Ok(fd) => Ok(Self(fd)),
            // A link is "not a directory" here; tell it as what it is.
            Err(Errno::ENOTDIR) if self.look(name)?.is_some_and(|meta| meta.kind == Kind::Link) => {
                Err(Errno::ELOOP.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Folder::enter`], making what is missing.
    pub fn make_all(&self, names: &[OsString]) -> io::Result<Self> {
        let mut folder = Self(self.0.try_clone()?);
        for name in names {
            match folder.make(name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => folder = folder.step(name)?,
            }
        }
        Ok(folder)
    }

    /// Makes a directory, with the permissions the umask leaves.
    pub fn make(&self, name: &OsStr) -> io::Result<()> {
        Ok(mkdirat(&self.0, name, Mode::from_bits_truncate(0o777))?)
    }

    /// What a name stands for, a link for itself; none when nothing is there.
    pub fn look(&self, name: &OsStr) -> io::Result<Option<Meta>> {
        match fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat.into())),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Which thing a name stands for, a link for itself: device and inode.
    pub fn identity(&self, name: &OsStr) -> io::Result<(u64, u64)> {
        let stat = fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// What the folder itself is.
    pub fn own(&self) -> io::Result<Meta> {
        Ok(fstat(&self.0)?.into())
    }

    /// Opens a regular file for reading; anything else is an error, found out without waiting for it.
    pub fn read(&self, name: &OsStr) -> io::Result<(File, Meta)> {
        let flags =
            OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
        let file = File::from(openat(&self.0, name, flags, Mode::empty())?);
        let meta = Meta::from(fstat(&file)?);
        match meta.kind {
            Kind::File => Ok((file, meta)),
            Kind::Directory => Err(Errno::EISDIR.into()),
            Kind::Link | Kind::Special => Err(Errno::ENXIO.into()),
        }
    }

    /// Makes a file that is not there yet.
    pub fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(openat(&self.0, name, flags, Mode::from_bits_truncate(0o666))?.into())
    }

    /// The names in the folder.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        // A descriptor of its own: reading moves its place.
        let mut dir = Dir::openat(&self.0, ".", DIRECTORY, Mode::empty())?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        Ok(names)
    }

    /// Moves a name into another folder; without `replace` only where nothing is.
    pub fn rename(&self, name: &OsStr, to: &Folder, new: &OsStr, replace: bool) -> io::Result<()> {
        if replace {
            return Ok(renameat(&self.0, name, &to.0, new)?);
        }
        match renameat2(&self.0, name, &to.0, new, RenameFlags::RENAME_NOREPLACE) {
            // A file system that does not know the flag; a link never replaces anything either.
            Err(Errno::EINVAL | Errno::ENOSYS) => {
                linkat(&self.0, name, &to.0, new, AtFlags::empty())?;
                Ok(unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir)?)
            }
            result => Ok(result?),
        }
    }

    /// Removes a file or a link.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir)?)
    }

    /// Removes an empty directory.
    pub fn remove_empty(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, UnlinkatFlags::RemoveDir)?)
    }

    /// Removes whatever a name stands for, with everything below it.
    pub fn remove_all(&self, name: &OsStr) -> io::Result<()> {
        match self.look(name)? {
            None => Ok(()),
            Some(meta) if meta.kind == Kind::Directory => {
                let folder = self.step(name)?;
                for inner in folder.names()? {
                    folder.remove_all(&inner)?;
                }
                self.remove_empty(name)
            }
            Some(_) => self.remove(name),
        }
    }

    /// The descriptor, for what concerns the folder itself.
    pub fn fd(&self) -> &OwnedFd {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(path: &str) -> Vec<OsString> {
        path.split('/').map(OsString::from).collect()
    }

    fn errno<T>(result: io::Result<T>) -> Option<Errno> {
        result.err().and_then(|error| error.raw_os_error()).map(Errno::from_raw)
    }

    #[test]
    fn no_link_is_followed_on_the_way_or_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("in/deep")).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        symlink("..", dir.path().join("in/out")).unwrap();
        symlink("../secret", dir.path().join("in/file")).unwrap();
        let root = Folder::root(&dir.path().join("in")).unwrap();
        assert!(root.enter(&names("deep")).is_ok());
        assert_eq!(errno(root.enter(&names("out"))), Some(Errno::ELOOP));
        assert_eq!(errno(root.enter(&names("out/in"))), Some(Errno::ELOOP));
        assert_eq!(errno(root.step(OsStr::new("out"))), Some(Errno::ELOOP));
        assert_eq!(errno(root.make_all(&names("out/new"))), Some(Errno::ELOOP));
        assert_eq!(errno(root.read(OsStr::new("file"))), Some(Errno::ELOOP));
        assert_eq!(errno(root.create(OsStr::new("file"))), Some(Errno::EEXIST));
    }

    #[test]
    fn a_pipe_is_refused_without_waiting_for_its_writer() {
        let dir = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&dir.path().join("pipe"), Mode::from_bits_truncate(0o600)).unwrap();
        let root = Folder::root(dir.path()).unwrap();
        assert_eq!(errno(root.read(OsStr::new("pipe"))), Some(Errno::ENXIO));
    }

    #[test]
    fn a_rename_replaces_only_when_it_may() {
        let dir = tempfile::tempdir().unwrap();
        let root = Folder::root(dir.path()).unwrap();
        for name in ["old", "new"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let (old, new) = (OsStr::new("old"), OsStr::new("new"));
        assert_eq!(errno(root.rename(new, &root, old, false)), Some(Errno::EEXIST));
        root.rename(new, &root, old, true).unwrap();
        assert_eq!(std::fs::read(dir.path().join("old")).unwrap(), b"new");
    }

    #[test]
    fn removing_a_tree_does_not_leave_it_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("tree/sub")).unwrap();
        std::fs::create_dir(dir.path().join("kept")).unwrap();
        std::fs::write(dir.path().join("kept/file"), "x").unwrap();
        symlink("../../kept", dir.path().join("tree/sub/link")).unwrap();
        Folder::root(dir.path()).unwrap().remove_all(OsStr::new("tree")).unwrap();
        assert!(!dir.path().join("tree").exists());
        assert!(dir.path().join("kept/file").exists());
    }
}
