//! Listing a directory.

use sallyport_protocol::Failure;
use sallyport_protocol::file::{Entry, EntryKind, Event, ListDir, Outcome};
use sallyport_protocol::list::List;
use sallyport_protocol::{Text, reply};

use super::request::{Desk, Done};
use crate::serve::connection::Operation;
use crate::ssh::sftp::{Attrs, Kind, Sftp, place};

/// Entries of one answer at most.
pub const MOST: u32 = 10_000;
/// The deepest listing.
const DEPTH: u32 = 32;

/// One thing in a tree.
pub struct Found {
    /// Its path in bytes, to be asked for.
    pub path: Vec<u8>,
    /// Its path below the beginning; empty for that itself.
    pub below: Vec<u8>,
    /// How deep it is; 1 for the beginning's own entries.
    pub depth: u32,
    /// What it is.
    pub attrs: Attrs,
}

impl Found {
    /// As the answer tells it.
    pub async fn entry(&self, sftp: &Sftp) -> Entry {
        let kind = match self.attrs.kind() {
            Kind::File => EntryKind::File,
            Kind::Directory => EntryKind::Directory,
            Kind::Link => EntryKind::Link,
            Kind::Special => EntryKind::Other,
        };
        let target = match kind {
            // A link that went away meanwhile points nowhere.
            EntryKind::Link => sftp.readlink(&self.path).await.map(|t| place::shown(&t)).unwrap_or_default(),
            _ => String::new(),
        };
        Entry {
            name: place::shown(&self.below).into(),
            kind,
            size: self.attrs.size.unwrap_or(0),
            mode: self.attrs.permissions().unwrap_or(0),
            mtime: self.attrs.mtime().unwrap_or(0),
            target: target.into(),
        }
    }
}

/// A walk through a tree: names in order, a directory before what is in it, links not followed.
pub struct Walk {
    sftp: Sftp,
    /// What comes next is last.
    ahead: Vec<Found>,
    /// Directories that could not be listed.
    pub unread: Vec<String>,
}

impl Walk {
    /// Begins below a directory.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub async fn below(sftp: &Sftp, path: &[u8]) -> Result<Self, Failure> {
        let mut walk = Self { sftp: sftp.clone(), ahead: Vec::new(), unread: Vec::new() };
        let beginning = Found { path: path.to_vec(), below: Vec::new(), depth: 0, attrs: Attrs::default() };
        let names = sftp.list(path).await.map_err(|error| error.failure("list", &place::shown(path)))?;
        walk.push(&beginning, names);
        Ok(walk)
    }

    fn push(&mut self, directory: &Found, mut names: Vec<crate::ssh::sftp::Name>) {
        names.sort_by(|a, b| b.name.cmp(&a.name));
        self.ahead.extend(names.into_iter().filter(|name| place::is_plain(&name.name)).map(|name| Found {
            path: place::join(&directory.path, &name.name),
            below: match directory.below.is_empty() {
                true => name.name.to_vec(),
                false => place::join(&directory.below, &name.name),
            },
            depth: directory.depth + 1,
            attrs: name.attrs,
        }));
    }

    /// The next one; `enter` says whether to go into a directory.
    pub async fn next(&mut self, enter: impl Fn(&Found) -> bool) -> Option<Found> {
        let found = self.ahead.pop()?;
        if found.attrs.kind() == Kind::Directory && enter(&found) {
            match self.sftp.list(&found.path).await {
                Ok(names) => self.push(&found, names),
                Err(_) => self.unread.push(place::shown(&found.path)),
            }
        }
        Some(found)
    }
}

/// What is to be told of directories that could not be listed.
pub fn unlisted(directories: &[String]) -> Vec<Text> {
    match directories {
        [] => Vec::new(),
        [one] => vec![format!("{one} could not be listed").into()],
        [one, rest @ ..] => {
            vec![format!("{one} and {} more directories could not be listed", rest.len()).into()]
        }
    }
}

/// Whether a name is hidden.
pub fn is_hidden(found: &Found) -> bool {
    found.below.rsplit(|byte| *byte == b'/').next().is_some_and(|name| name.starts_with(b"."))
}

/// Lists a directory; of a file its own entry.
pub async fn run(desk: &Desk<'_>, op: &Operation, ask: &ListDir) -> Result<Done, Failure> {
    let depth = ask.depth.clamp(1, DEPTH);
    let limit = ask.limit.clamp(1, MOST);
    let attrs = desk.sftp.stat(&desk.path).await.map_err(|error| error.failure("list", &desk.shown()))?;
    if attrs.kind() != Kind::Directory {
        let attrs = desk.sftp.lstat(&desk.path).await.unwrap_or(attrs);
        let found = Found { path: desk.path.clone(), below: desk.path.clone(), depth: 1, attrs };
        desk.tell(op, Event::Entry(found.entry(&desk.sftp).await));
        return Ok(done(false, Vec::new()));
    }
    let mut walk = Walk::below(&desk.sftp, &desk.path).await?;
    let mut told = 0;
    let enter = |found: &Found| found.depth < depth && (ask.hidden || !is_hidden(found));
    while let Some(found) = walk.next(enter).await {
        if !ask.hidden && is_hidden(&found) {
            continue;
        }
        if told == limit {
            return Ok(done(true, unlisted(&walk.unread)));
        }
        told += 1;
        desk.tell(op, Event::Entry(found.entry(&desk.sftp).await));
    }
    Ok(done(false, unlisted(&walk.unread)))
}

/// The end of a listing.
pub fn done(truncated: bool, notes: Vec<Text>) -> Done {
    let outcome = Outcome::Listed { truncated, notes: List::clip(notes) };
    Done { outcome: reply::Outcome::File(outcome), sent: 0, redactions: 0 }
}
