//! Listing the records by their file names. Decrypts nothing and never leaves the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::error::VaultError;
use super::record::RecordType;
use super::slug::{Purpose, ROOT_FOLDER, Slug, split_port};
use super::store::{Store, is_inside};

/// Most names looked at in one listing; a store with more is listed in part.
const MAX_NAMES: usize = 50_000;

/// Most ignored names that are told.
const MAX_EXAMPLES: usize = 10;

/// What to list. Every given part must be equal.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this purpose.
    pub purpose: Option<Purpose>,
    /// Only this host, spelled as slugs spell it.
    pub host: Option<String>,
    /// Only this user.
    pub user: Option<String>,
}

impl Filter {
    fn admits(&self, slug: &Slug) -> bool {
        let equal = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        self.purpose.is_none_or(|purpose| purpose == slug.purpose())
            && equal(&self.host, slug.host())
            && equal(&self.user, slug.user())
    }

    /// Whether a folder of this name below a purpose with hosts can hold what is wanted.
    fn admits_host(&self, folder: &str) -> bool {
        self.host.as_deref().is_none_or(|wanted| split_port(folder).is_ok_and(|(host, _)| host == wanted))
    }
}

/// One slug with the records it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The slug.
    pub slug: Slug,
    /// Types of its records, in [`RecordType::ALL`]'s order.
    pub types: Vec<RecordType>,
}

/// The outcome of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Sorted by slug.
    pub entries: Vec<Entry>,
    /// Number of names below `sallyport/`, where the filter looks, that are no record of ours: other spellings, other files, types that
    /// do not belong there, links that leave the store.
    pub ignored: usize,
    /// The first of them, at most ten, as paths in the store.
    pub examples: Vec<PathBuf>,
    /// The store has more names than are looked at; the listing is not complete.
    pub truncated: bool,
}

impl Store {
    /// Lists the records. What the filter leaves out is not read: a command's target is looked up this way.
    ///
    /// # Errors
    /// [`VaultError::NoStore`]; a folder that cannot be read counts as ignored.
    pub fn list(&self, filter: &Filter) -> Result<Listing, VaultError> {
        self.check_exists()?;
        let mut walk = Walk { store: self, seen: 0, listing: Listing::default() };
        let mut found: BTreeMap<Slug, Vec<RecordType>> = BTreeMap::new();
        let wanted = |purpose: &Purpose| filter.purpose.is_none_or(|wanted| wanted == *purpose);
        for purpose in Purpose::ALL.into_iter().filter(wanted) {
            let folder = PathBuf::from(ROOT_FOLDER).join(purpose.as_str());
            for first in walk.names(&folder) {
                let inner = folder.join(&first);
                if !purpose.has_host() {
                    walk.slug(purpose, &[&first], &inner, filter, &mut found);
                    continue;
                }
                if !filter.admits_host(&first) {
                    continue;
                }
                for second in walk.names(&inner) {
                    walk.slug(purpose, &[&first, &second], &inner.join(&second), filter, &mut found);
                }
            }
        }
        let mut listing = walk.listing;
        listing.entries = found.into_iter().map(|(slug, types)| Entry { slug, types }).collect();
        Ok(listing)
    }
}

struct Walk<'a> {
    store: &'a Store,
    seen: usize,
    listing: Listing,
}

impl Walk<'_> {
    /// Adds the records in a slug's folder.
    fn slug(
        &mut self,
        purpose: Purpose,
        names: &[&str],
        folder: &Path,
        filter: &Filter,
        found: &mut BTreeMap<Slug, Vec<RecordType>>,
    ) {
        let Some(slug) = Slug::from_folder(purpose, names) else {
            self.ignore(folder.to_owned());
            return;
        };
        let files = self.names(folder);
        let mut types = Vec::new();
        for file in &files {
            let kind = file.strip_suffix(".gpg").and_then(|name| name.parse().ok());
            match kind.filter(|kind| RecordType::of(purpose).contains(kind)) {
                Some(kind) => types.push(kind),
                None => self.ignore(folder.join(file)),
            }
        }
        types.sort();
        if !types.is_empty() && filter.admits(&slug) {
            found.insert(slug, types);
        }
    }

    fn ignore(&mut self, path: PathBuf) {
        self.listing.ignored += 1;
        if self.listing.examples.len() < MAX_EXAMPLES {
            self.listing.examples.push(path);
        }
    }

    /// The visible names in a folder of the whole store: those on disk and those of mounts.
    fn names(&mut self, folder: &Path) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for mount in &self.store.mounts {
            if let Ok(rest) = mount.prefix.strip_prefix(folder)
                && let Some(name) = rest.iter().next().and_then(|name| name.to_str())
            {
                names.insert(name.to_owned());
            }
        }
        let (root, relative) = self.store.resolve(folder);
        let Ok(entries) = fs::read_dir(root.join(relative)) else { return names };
        for entry in entries {
            self.seen += 1;
            if self.seen > MAX_NAMES {
                self.listing.truncated = true;
                break;
            }
            let name = entry.as_ref().ok().and_then(|entry| entry.file_name().into_string().ok());
            match (entry, name) {
                // Hidden names are the tools' own: .gpg-id, .git, .gitattributes.
                (_, Some(name)) if name.starts_with('.') => {}
                (Ok(entry), Some(name)) if !leaves(&entry, root) => {
                    names.insert(name);
                }
                (Ok(entry), _) => self.ignore(folder.join(entry.file_name())),
                (Err(_), _) => self.ignore(folder.to_owned()),
            }
        }
        names
    }
}

/// Whether an entry is a link to somewhere outside the store, or to nothing.
fn leaves(entry: &fs::DirEntry, root: &Path) -> bool {
    let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
    is_link && !is_inside(&entry.path(), root).unwrap_or(false)
}
