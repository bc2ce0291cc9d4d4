//! Files on their way: what a broker asks for, what it tells while they travel, and how it ends.
//!
//! Every transfer has three steps, one file or many:
//!
//! 1. The side that has the files says what there is: one [`Entry`] each, parents before what is in them.
//! 2. The other side says which of the files it wants: ranges of entries ([`Want`]).
//! 3. The wanted files' bytes follow, one after the other, in the order of the entries.
//!
//! For an upload the broker has them: entries are [`Offer`] frames in the operation's input, up to
//! [`Offer::Complete`], and after the helper's [`Note::Send`]s and [`Note::Go`] the bare bytes follow there, as many
//! for each file as its entry says. For a download the helper has them: entries are [`Note::Found`] events, and
//! [`Want`] frames come back in the input; the bytes come as [`crate::Stream::Output`], exactly as they are in the
//! file, and each file ends with a [`Note::Sent`], which overtakes no later file's bytes. Bytes are held back until
//! it is sure that they are no part of an enrolled secret; a file that holds one ends the operation with
//! `secret_in_file`, before a byte of the secret has left.

use serde::{Deserialize, Serialize};

use crate::list::List;
use crate::request::Consent;
use crate::text::{ConfirmationId, RemotePath, TargetName, Text, Word};

/// Entries of one transfer at most.
pub const MOST_ENTRIES: u32 = 200_000;

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// From the broker's machine to the host.
    Upload(Transfer),
    /// From the host to the broker's machine.
    Download(Transfer),
    /// From one host to another.
    Copy(Copy),
}

/// What an upload or a download is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Where.
    pub target: TargetName,
    /// The file or directory there.
    pub path: RemotePath,
    /// A directory and all that is in it.
    pub recursive: bool,
    /// Make directories that are missing above it.
    pub create_parents: bool,
    /// Replace files that are there.
    pub overwrite: bool,
    /// Set permissions as they are at the source.
    pub keep_permissions: bool,
    /// Set the times of last change as they are at the source.
    pub keep_times: bool,
    /// Leave alone what is the same on both sides.
    pub mirror: Option<Mirror>,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// How two trees are made equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Remove at the destination what is not at the source.
    pub delete: bool,
    /// Names and paths that are left alone on both sides: globs, `*` and `?` within a name, `**` across.
    pub exclude: List<Word, 64>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Files of equal size are the same when their content is; otherwise when their times of last change are.
    pub by_content: bool,
}

impl Mirror {
    /// Whether a path below the transfer's path is left alone.
    pub fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|pattern| excluded(pattern.as_str(), path))
    }
}

/// Whether a path, or a directory it is in, fits a pattern. A pattern without `/` fits names anywhere.
fn excluded(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let rooted = pattern.contains('/');
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| {
        let part = &path[..end];
        let whole = if rooted { part } else { part.rsplit('/').next().unwrap_or(part) };
        fits(pattern.as_bytes(), whole.as_bytes())
    })
}

/// Glob matching in linear memory and at most quadratic time: `?` one character, `*` any within a name, `**` any.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // reach[i]: the pattern up to here fits the text's first i bytes.
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        let double = rest.starts_with(b"**");
        if *first == b'*' {
            for at in 1..reach.len() {
                reach[at] |= reach[at - 1] && (double || text[at - 1] != b'/');
            }
            rest = if double { &rest[2..] } else { after };
            continue;
        }
        for at in (1..reach.len()).rev() {
            reach[at] = reach[at - 1]
                && match first {
                    b'?' => text[at - 1] != b'/',
                    byte => text[at - 1] == *byte,
                };
        }
        reach[0] = false;
        rest = after;
    }
    reach[text.len()]
}

/// A copy from host to host, through the helper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// From where.
    pub from_target: TargetName,
    /// Which file.
    pub from_path: RemotePath,
    /// To where.
    pub to_target: TargetName,
    /// Under which path.
    pub to_path: RemotePath,
    /// Replace a file that is there.
    pub overwrite: bool,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// What a broker's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// One file or directory that an upload offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path below the transfer's path, `/` between names; none for the transfer's path itself.
    pub path: Option<RemotePath>,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes; 0 for a directory.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// Its time of last change, in seconds since 1970.
    pub mtime: u32,
    /// Its SHA-256, when it was asked for. What arrives must have it.
    pub sha256: Option<[u8; 32]>,
}

/// A frame at the beginning of an upload's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Offer {
    /// One entry.
    Entry(Entry),
    /// There are no more; bare bytes follow.
    Complete,
}

/// A frame of a download's input, after [`Note::Complete`]; the input's end ends the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The first entry, counted from 0.
    pub from: u32,
    /// How many; directories among them are no matter.
    pub count: u32,
}

/// What the helper tells while a transfer is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// Upload: send these entries' bytes.
    Send {
        /// The first entry.
        from: u32,
        /// How many.
        count: u32,
    },
    /// Upload: everything wanted was said; begin.
    Go,
    /// Download: one thing there is.
    Found(Found),
    /// Download: everything was said; say what is wanted.
    Complete,
    /// Download: a wanted file's bytes were all sent, and hold no secret.
    Sent {
        /// Which entry.
        entry: u32,
        /// How many bytes it had.
        bytes: u64,
    },
    /// Something was left out, or would be done.
    Change(Change),
    /// Bytes on their way so far, for people.
    Progress {
        /// How many.
        bytes: u64,
    },
}

/// One thing at the source of a download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its path below the transfer's path; empty for that itself. See [`crate::name`].
    pub path: Text,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// Its time of last change, in seconds since 1970.
    pub mtime: u32,
    /// Its SHA-256, in a mirror that compares by content.
    pub sha256: Option<[u8; 32]>,
}

/// What was done, or would be, other than sending a file as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Would be sent.
    Send,
    /// Was, or would be, removed.
    Remove,
    /// A symbolic link: not followed.
    Link,
    /// A device, socket or pipe: not read.
    Special,
    /// Its name cannot stand on the other side.
    Name,
}

/// One thing that is reported by its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The path below the transfer's path.
    pub path: Text,
    /// What about it.
    pub deed: Deed,
}

/// How a transfer ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// Everything is in place (download: may be put into place).
    Done(Done),
    /// A person has to agree to this upload, and needs to know the content: make the same offer again with
    /// every file's SHA-256.
    TellContent,
}

/// What was transferred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Files transferred.
    pub files: u32,
    /// Their bytes.
    pub bytes: u64,
    /// Files and links left alone.
    pub skipped: u32,
    /// Files and directories removed by a mirror.
    pub removed: u32,
    /// Of a single file, its SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// What could not be kept, or differs from what was asked: sentences.
    pub remarks: List<Text, 16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names_anywhere_and_paths_from_the_top() {
        for (pattern, path) in [
            ("*.log", "a/b.log"),
            ("*.log", "b.log"),
            ("node_modules", "x/node_modules/y/z.js"),
            ("node_modules/", "node_modules/y"),
            ("/build", "build/x"),
            ("src/*.o", "src/a.o"),
            ("src/**/*.o", "src/a/b/c.o"),
            ("a?c", "x/abc"),
            ("*", "anything"),
        ] {
            assert!(excluded(pattern, path), "{pattern} fits {path}");
        }
        for (pattern, path) in [
            ("*.log", "b.logs"),
            ("/build", "x/build"),
            ("src/*.o", "src/a/b.o"),
            ("a?c", "ac"),
            ("src/*.o", "x/src/a.o"),
        ] {
            assert!(!excluded(pattern, path), "{pattern} does not fit {path}");
        }
    }
}
