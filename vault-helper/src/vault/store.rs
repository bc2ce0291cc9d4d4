//! The store on disk: which file a record is, and reading it without leaving the store.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::VaultError;
use super::locate::{self, Locations, Mount, Origin};
use super::record::{MAX_SECRET_BYTES, RecordType};
use super::slug::Slug;

/// Largest encrypted record that is read: room for many recipients and armour.
const MAX_RECORD_BYTES: u64 = 4 * MAX_SECRET_BYTES as u64;

/// A password store in the layout of `pass`, with gopass's mounts. Holds paths only; every operation looks
/// at the disk anew, so the store may be edited, mounted or removed while we run.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) root: PathBuf,
    pub(super) mounts: Vec<Mount>,
    origin: Origin,
}

impl Store {
    /// Finds the store; see [`Locations`]. Whether it exists shows when it is used.
    pub fn locate(setting: Option<&Path>, places: &Locations) -> Self {
        let locate::Located { root, mounts, origin } = locate::locate(setting, places);
        Self { root, mounts, origin }
    }

    /// The root directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every folder records lie in: the root, and gopass's mounts.
    pub fn roots(&self) -> Vec<PathBuf> {
        std::iter::once(&self.root).chain(self.mounts.iter().map(|mount| &mount.path)).cloned().collect()
    }

    /// What decided where the store is.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Checks that the root is a directory.
    ///
    /// # Errors
    /// [`VaultError::NoStore`].
    pub fn check_exists(&self) -> Result<(), VaultError> {
        if self.root.is_dir() { Ok(()) } else { Err(VaultError::NoStore { path: self.root.clone() }) }
    }

    /// The file of a record, whether it exists or not.
    ///
    /// # Errors
    /// [`VaultError::WrongType`].
    pub fn record_path(&self, slug: &Slug, kind: RecordType) -> Result<PathBuf, VaultError> {
        Ok(self.place(slug, kind)?.path())
    }

    /// Whether a record's file exists. Decrypts nothing.
    ///
    /// # Errors
    /// [`VaultError::WrongType`].
    pub fn has(&self, slug: &Slug, kind: RecordType) -> Result<bool, VaultError> {
        Ok(self.place(slug, kind)?.path().is_file())
    }

    pub(super) fn place(&self, slug: &Slug, kind: RecordType) -> Result<Place<'_>, VaultError> {
        if !RecordType::of(slug.purpose()).contains(&kind) {
            return Err(VaultError::WrongType { slug: slug.clone(), kind });
        }
        let (root, relative) = self.resolve(&slug.folder());
        Ok(Place { root, relative: relative.join(format!("{kind}.gpg")) })
    }

    /// The store (root or mount) that holds a path of the whole store, and the path inside it.
    pub(super) fn resolve(&self, path: &Path) -> (&Path, PathBuf) {
        for mount in &self.mounts {
            if let Ok(inside) = path.strip_prefix(&mount.prefix) {
                return (&mount.path, inside.to_owned());
            }
        }
        (&self.root, path.to_owned())
    }

    /// Reads a record's encrypted bytes.
    pub(super) fn read(&self, slug: &Slug, kind: RecordType) -> Result<Vec<u8>, VaultError> {
        self.read_place(&self.place(slug, kind)?, slug, kind)
    }

    /// Reads any file of the store; errors speak of the slug and type that it holds or is to become.
    pub(super) fn read_place(
        &self,
        place: &Place<'_>,
        slug: &Slug,
        kind: RecordType,
    ) -> Result<Vec<u8>, VaultError> {
        self.check_exists()?;
        let path = place.path();
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                VaultError::Missing { slug: slug.clone(), kind }
            }
            _ => VaultError::Io { action: "reading", path: path.clone(), source },
        };
        if !is_inside(&path, place.root).map_err(failed)? {
            return Err(VaultError::OutsideStore { slug: slug.clone() });
        }
        // A pipe or a device put there must not block us; a directory is no record.
        if !fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(VaultError::NotGpg { slug: slug.clone(), kind });
        }
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(failed)?;
        let read = file.take(MAX_RECORD_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if read as u64 > MAX_RECORD_BYTES {
            return Err(VaultError::TooLarge { slug: slug.clone(), kind });
        }
        Ok(bytes)
    }
}

/// A path inside one store directory.
pub(super) struct Place<'a> {
    pub(super) root: &'a Path,
    pub(super) relative: PathBuf,
}

impl Place<'_> {
    pub(super) fn path(&self) -> PathBuf {
        self.root.join(&self.relative)
    }
}

/// Whether an existing path, all links followed, lies inside a directory.
pub(super) fn is_inside(path: &Path, root: &Path) -> io::Result<bool> {
    Ok(path.canonicalize()?.starts_with(root.canonicalize()?))
}
