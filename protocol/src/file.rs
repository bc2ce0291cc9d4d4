//! Looking at and changing single files and directories of a host.
//!
//! What is written, and the edits to be made, come as the operation's input, announced so that a confirmation covers
//! them. A file's content and diffs come back as [`Stream::Output`], redacted.
//!
//! [`Stream::Output`]: crate::Stream::Output

use serde::{Deserialize, Serialize};

use crate::list::List;
use crate::request::{Consent, InputPlan};
use crate::scrub::Scrub;
use crate::text::{ConfirmationId, RemotePath, TargetName, Text, TextError, Word};

/// Changes of one edit request at most.
pub const MOST_CHANGES: usize = 256;
/// Bytes of a request's changes, encoded, at most.
pub const MOST_CHANGES_BYTES: usize = 2 * 1024 * 1024;

/// Do something to one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Where.
    pub target: TargetName,
    /// Which file or directory.
    pub path: RemotePath,
    /// What.
    pub act: Act,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// What is done to a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Read a file.
    Read(Read),
    /// Write a file; its content is the input.
    Write(Write),
    /// Change a file; [`Changes`] are the input.
    Edit(Edit),
    /// List a directory.
    List(ListDir),
    /// Look for names or lines.
    Search(Search),
}

/// Read a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Which lines.
    pub part: Part,
    /// Bytes of the answer at most.
    pub max_bytes: u32,
    /// The bytes as they are, of any file: refused when there is a secret among them. Otherwise text, masked.
    pub exact: bool,
}

/// Which lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// From the first on.
    All,
    /// From one to another, both included, counted from 1.
    Lines(u64, u64),
    /// The last so many.
    Tail(u32),
}

/// Write a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The content that comes as input.
    pub content: InputPlan,
    /// What may be there already.
    pub mode: WriteMode,
    /// Make directories that are missing.
    pub create_parents: bool,
    /// Permission bits to set.
    pub perm: Option<u32>,
    /// How it is checked before it is written.
    pub guards: Guards,
}

/// What may be there before a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteMode {
    /// Nothing.
    Create,
    /// A file, which is replaced, or nothing.
    Overwrite,
    /// A file, whose end it becomes, or nothing.
    Append,
}

/// Change a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The encoded [`Changes`] that come as input.
    pub changes: InputPlan,
    /// How it is checked before it is written.
    pub guards: Guards,
}

/// What has to hold before a file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guards {
    /// The digest the file must have now.
    pub expected: Option<[u8; 32]>,
    /// The format it must be valid in: `auto`, `none` or a name.
    pub validate: Word,
    /// Write nothing.
    pub dry_run: bool,
}

/// List a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDir {
    /// How deep; 1 is the directory's own entries.
    pub depth: u32,
    /// Also names that begin with a dot.
    pub hidden: bool,
    /// Entries at most.
    pub limit: u32,
}

/// Look for names or lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// What is looked for.
    pub kind: SearchKind,
    /// Lines: a regular expression. Names: a glob.
    pub pattern: Pattern,
    /// Only in files whose name or path fits this glob.
    pub glob: Option<Word>,
    /// Small and capital letters are the same.
    pub ignore_case: bool,
    /// Lines around a match, each way.
    pub context: u32,
    /// Matches at most.
    pub limit: u32,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SearchKind {
    /// Lines of files.
    Lines,
    /// Names of files and directories.
    Names,
}

/// Defines a bounded string type that may be empty and hold any character.
macro_rules! passage {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest value, in bytes.
            pub const MAX: usize = $max;

            /// Checks and takes a string.
            ///
            /// # Errors
            /// When it is longer than [`Self::MAX`].
            pub fn new(value: impl Into<String>) -> Result<Self, TextError> {
                Self::try_from(value.into())
            }

            /// The value.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(value: String) -> Result<Self, TextError> {
                if value.len() > Self::MAX { Err(TextError::TooLong($what, Self::MAX)) } else { Ok(Self(value)) }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

passage!(
    /// What is looked for.
    Pattern, "a pattern", 4 * 1024
);
passage!(
    /// A part of a file's text.
    Passage, "a passage of text", 1024 * 1024
);

/// One change of a file's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Replace a text that stands there exactly `count` times.
    Replace {
        /// The text.
        old: Passage,
        /// What stands there afterwards.
        new: Passage,
        /// How often it stands there.
        count: u32,
    },
    /// Replace every match of a regular expression.
    Pattern {
        /// The expression, matched in linear time.
        regex: Passage,
        /// The replacement; `$1` and `${name}` are groups.
        new: Passage,
    },
    /// Insert lines.
    Insert {
        /// Before this line, counted from 1; one more than there are is the end.
        line: u32,
        /// The lines.
        text: Passage,
    },
    /// Replace lines, both included, counted from 1.
    Lines {
        /// The first.
        from: u32,
        /// The last.
        to: u32,
        /// What stands there afterwards; empty removes them.
        text: Passage,
    },
}

/// All changes of one request, made one after the other, or none.
pub type Changes = List<Change, MOST_CHANGES>;

/// Encodes changes for the input of an edit.
///
/// # Errors
/// When they are too many bytes.
pub fn encode(changes: &Changes) -> Result<Vec<u8>, TextError> {
    match postcard::to_allocvec(changes) {
        Ok(bytes) if bytes.len() <= MOST_CHANGES_BYTES => Ok(bytes),
        _ => Err(TextError::TooLong("the edits together", MOST_CHANGES_BYTES)),
    }
}

/// Decodes them; none for what is no whole encoding.
pub fn decode(bytes: &[u8]) -> Option<Changes> {
    let (changes, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(changes)
}

/// Something found on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// One entry of a listing, or a name that was looked for.
    Entry(Entry),
    /// A line that was looked for.
    Match(Match),
}

/// What is in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path below the one that was asked about. See [`crate::name`].
    pub name: Text,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// Its time of last change, in seconds since 1970.
    pub mtime: u32,
    /// What it points to; empty when it is no link.
    pub target: Text,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; not followed.
    Link,
    /// A device, socket or pipe.
    Other,
}

/// A line that fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Its file's path below the one that was asked about.
    pub path: Text,
    /// Its number, from 1.
    pub line: u64,
    /// The line.
    pub text: Text,
    /// Lines before it.
    pub before: List<Text, 20>,
    /// Lines after it.
    pub after: List<Text, 20>,
}

/// What tells one content of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// SHA-256, or a keyed one.
    pub sha256: [u8; 32],
    /// The file holds a secret: this is no plain SHA-256, which could be used to test guesses, but a digest under a
    /// key of the helper's. It serves as [`Guards::expected`] as long as the helper runs.
    pub keyed: bool,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A file was read.
    Read(ReadEnd),
    /// A file was written, or would be.
    Written(Written),
    /// A directory was listed, or looked through.
    Listed {
        /// There is more.
        truncated: bool,
        /// What could not be looked at, in words.
        notes: List<Text, 8>,
    },
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadEnd {
    /// Its size in bytes.
    pub size: u64,
    /// Lines it has; none when it is too large to be read to its end.
    pub total_lines: Option<u64>,
    /// The number of the first line of the answer.
    pub first_line: u64,
    /// What tells its content from another; none when it is too large.
    pub digest: Option<Digest>,
    /// The answer does not hold all that was asked for.
    pub truncated: bool,
    /// It is no text, and was not read as such.
    pub binary: bool,
    /// Masks in the answer.
    pub redactions: u64,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its size now.
    pub bytes: u64,
    /// What tells its content from another.
    pub digest: Digest,
    /// Replacements and line operations made.
    pub edits: u32,
    /// The format it was found valid in; empty when none was looked at.
    pub validation: Text,
    /// What could not be kept as it was.
    pub notes: List<Text, 8>,
    /// The diff was cut.
    pub diff_truncated: bool,
}

impl Scrub for Event {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Event::Entry(Entry { name, kind: _, size: _, mode: _, mtime: _, target }) => {
                name.scrub(f);
                target.scrub(f);
            }
            Event::Match(Match { path, line: _, text, before, after }) => {
                path.scrub(f);
                text.scrub(f);
                before.scrub(f);
                after.scrub(f);
            }
        }
    }
}

impl Scrub for Outcome {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Outcome::Written(written) => {
                let Written { bytes: _, digest: _, edits: _, validation, notes, diff_truncated: _ } = written;
                validation.scrub(f);
                notes.scrub(f);
            }
            Outcome::Listed { truncated: _, notes } => notes.scrub(f),
            Outcome::Read(_) => {}
        }
    }
}
