//! Who a record is encrypted to: the nearest `.gpg-id` from its folder upwards.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::VaultError;
use super::record::RecordType;
use super::slug::{ROOT_FOLDER, Slug};
use super::store::{Place, Store};

/// Largest `.gpg-id` that is read, in bytes.
const MAX_GPG_ID_BYTES: u64 = 64 * 1024;

impl Store {
    /// The recipients of a record, as `.gpg-id` names them: fingerprints, key ids or user ids. The search
    /// ends at the root of the store (or mount) that holds the record.
    ///
    /// # Errors
    /// [`VaultError::NoRecipients`] when no `.gpg-id` is found or the nearest is empty;
    /// [`VaultError::WrongType`].
    pub fn recipients(&self, slug: &Slug, kind: RecordType) -> Result<Vec<String>, VaultError> {
        self.check_exists()?;
        nearest(&self.place(slug, kind)?)
    }

    /// The recipients of a record that no folder of its own has any word on.
    pub(super) fn recipients_of_root(&self) -> Result<Vec<String>, VaultError> {
        let (root, relative) = self.resolve(&Path::new(ROOT_FOLDER).join("record"));
        nearest(&Place { root, relative })
    }
}

fn nearest(place: &Place<'_>) -> Result<Vec<String>, VaultError> {
    let folders = place.relative.ancestors().skip(1);
    let nearest = folders.map(|folder| place.root.join(folder)).find_map(|folder| read_gpg_id(&folder));
    match nearest {
        Some(recipients) if !recipients.is_empty() => Ok(recipients),
        _ => Err(VaultError::NoRecipients { path: place.root.to_owned() }),
    }
}

/// None when the folder has no `.gpg-id`. An unreadable one is an empty one: to go on upwards would encrypt
/// to other people than its author meant.
fn read_gpg_id(folder: &Path) -> Option<Vec<String>> {
    let path = folder.join(".gpg-id");
    path.symlink_metadata().ok()?;
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_GPG_ID_BYTES).read_to_string(&mut text));
    if read.is_err() {
        return Some(Vec::new());
    }
    let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(line, _)| line).trim());
    Some(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
