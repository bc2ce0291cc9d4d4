//! Writing and removing record files: never over an existing one, never half.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::VaultError;
use super::record::RecordType;
use super::slug::{ROOT_FOLDER, Slug};
use super::store::{Place, Store, is_inside};

/// Mode of the folders that are created.
const FOLDER_MODE: u32 = 0o700;
/// Mode of the records.
const RECORD_MODE: u32 = 0o600;

/// What was written or removed, for the command line that commits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The record's file.
    pub path: PathBuf,
    /// The git work tree inside the store that the file belongs to.
    pub work_tree: Option<PathBuf>,
}

impl Store {
    /// Whether the store's root is a git work tree.
    pub fn is_git(&self) -> bool {
        self.root.join(".git").exists()
    }

    /// Writes an encrypted record: a temporary file beside it, synced, then given its name at once.
    pub(super) fn write(&self, slug: &Slug, kind: RecordType, bytes: &[u8]) -> Result<Written, VaultError> {
        self.check_exists()?;
        let place = self.place(slug, kind)?;
        let path = place.path();
        let folder = path.parent().unwrap_or(place.root).to_owned();
        let failed = |source| VaultError::Io { action: "writing", path: path.clone(), source };
        if path.symlink_metadata().is_ok() {
            return Err(VaultError::Exists { slug: slug.clone(), kind });
        }
        nearest_existing_is_inside(&folder, place.root)
            .map_err(failed)?
            .then_some(())
            .ok_or_else(|| VaultError::OutsideStore { slug: slug.clone() })?;
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder).map_err(failed)?;
        match land(&folder, &path, bytes) {
            Ok(()) => Ok(Written { work_tree: work_tree(&place), path }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(VaultError::Exists { slug: slug.clone(), kind })
            }
            Err(error) => {
                prune(&folder, place.root);
                Err(failed(error))
            }
        }
    }

    /// Removes a record and the folders of ours that it leaves empty.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::WrongType`], [`VaultError::Io`].
    pub fn remove(&self, slug: &Slug, kind: RecordType) -> Result<Written, VaultError> {
        self.check_exists()?;
        let place = self.place(slug, kind)?;
        let path = place.path();
        fs::remove_file(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                VaultError::Missing { slug: slug.clone(), kind }
            }
            _ => VaultError::Io { action: "removing", path: path.clone(), source },
        })?;
        let work_tree = work_tree(&place);
        prune(path.parent().unwrap_or(place.root), place.root);
        Ok(Written { path, work_tree })
    }
}

/// Writes a temporary file and links it to its final name, which fails when that name is taken.
fn land(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let temporary = folder.join(format!(".sallyport-{:016x}.tmp", u64::from_ne_bytes(random)));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(RECORD_MODE).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        match fs::hard_link(&temporary, path) {
            // Some file systems have no hard links. Then the check and the rename are two steps, and only
            // another writer of the same record in between could lose its file.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
            {
                if path.symlink_metadata().is_ok() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                fs::rename(&temporary, path)
            }
            linked => linked,
        }
    })();
    // Gone already when it was renamed; otherwise the second name, or the remains of a failure.
    let _ = fs::remove_file(&temporary);
    written?;
    File::open(folder)?.sync_all()
}

/// Whether the part of a path that exists lies inside the store, links followed.
fn nearest_existing_is_inside(folder: &Path, root: &Path) -> io::Result<bool> {
    for ancestor in folder.ancestors() {
        if ancestor.symlink_metadata().is_ok() {
            return is_inside(ancestor, root);
        }
    }
    Ok(false)
}

/// Removes empty folders upwards, up to `sallyport` and never the store itself. `remove_dir` refuses a
/// folder that holds anything, which ends the walk.
fn prune(folder: &Path, root: &Path) {
    for ancestor in folder.ancestors() {
        let ours = ancestor.strip_prefix(root).is_ok_and(|inside| inside.starts_with(ROOT_FOLDER));
        if !ours || fs::remove_dir(ancestor).is_err() {
            break;
        }
    }
}

/// The nearest folder upwards, inside the store, that is the top of a git work tree.
fn work_tree(place: &Place<'_>) -> Option<PathBuf> {
    let folders = place.relative.ancestors().skip(1).map(|folder| place.root.join(folder));
    folders.into_iter().find(|folder| folder.join(".git").exists())
}
