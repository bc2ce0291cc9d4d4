//! Writing and editing a file: the new content is made and checked here, then put into place as a whole.

use std::time::Duration;

use sallyport_protocol::envelope::Stream;
use sallyport_protocol::file::{self, Digest, Edit, Guards, Outcome, Write, WriteMode, Written};
use sallyport_protocol::list::List;
use sallyport_protocol::reply;
use sallyport_protocol::{ErrorCode, Failure};
use similar::TextDiff;

use super::read::{boundary, is_binary};
use super::request::{Desk, Done};
use super::validate::{Format, validate};
use super::{digest, edit};
use crate::redact::{Clean, MASK};
use crate::serve::connection::Operation;
use crate::ssh::sftp::landing::{Plan, file_exists};
use crate::ssh::sftp::{Kind, parent, place};

/// Bytes of a diff that are answered at most.
const DIFF: usize = 64 * 1024;
/// How long a diff may take before it is made coarser.
const DIFF_TIME: Duration = Duration::from_millis(300);

/// What is there before a write.
struct Old {
    /// Its content; none when there is nothing, or nothing that can be read.
    content: Option<Vec<u8>>,
    digest: Option<Digest>,
}

impl Old {
    fn bytes(&self) -> &[u8] {
        self.content.as_deref().unwrap_or_default()
    }
}

/// Writes a file.
pub async fn write(desk: &Desk<'_>, op: &Operation, ask: &Write, content: Vec<u8>) -> Result<Done, Failure> {
    let old = match read_old(desk).await {
        Ok(content) => {
            if ask.mode == WriteMode::Create {
                return Err(exists(desk));
            }
            let digest = digest::of(&content, &desk.helper.redactor);
            Old { content: Some(content), digest: Some(digest) }
        }
        Err(failure) if failure.code == ErrorCode::FileNotFound => Old { content: None, digest: None },
        // What may be written but not read is replaced without a diff.
        Err(failure)
            if failure.code == ErrorCode::PermissionDenied
                && ask.mode == WriteMode::Overwrite
                && ask.guards.expected.is_none() =>
        {
            Old { content: None, digest: None }
        }
        Err(failure) => return Err(failure),
    };
    unmasked(desk, ask.mode, &old, &content)?;
    let new = match ask.mode {
        WriteMode::Create | WriteMode::Overwrite => content,
        WriteMode::Append => [old.bytes(), &content].concat(),
    };
    if new.len() > edit::LARGEST {
        return Err(Failure::new(
            ErrorCode::TooLarge,
            format!("the file would have {} bytes; {} are possible", new.len(), edit::LARGEST),
            "use ssh_upload for files of this size",
        ));
    }
    let plan = Plan {
        overwrite: ask.mode != WriteMode::Create,
        create_parents: ask.create_parents,
        mode: ask.perm,
        lists: true,
        durable: true,
        ..Plan::default()
    };
    put(desk, op, &ask.guards, plan, &old, new, 0).await
}

/// Edits a file.
pub async fn edit(desk: &Desk<'_>, op: &Operation, ask: &Edit, changes: &[u8]) -> Result<Done, Failure> {
    let changes = file::decode(changes).ok_or_else(|| {
        Failure::new(ErrorCode::InvalidArgument, "the edits cannot be read", "send them again")
    })?;
    if changes.is_empty() {
        return Err(Failure::new(ErrorCode::InvalidArgument, "there are no edits", "give at least one"));
    }
    let content = read_old(desk).await?;
    let now = digest::of(&content, &desk.helper.redactor);
    digest::check(Some(&now), ask.guards.expected.as_ref())?;
    let text = match std::str::from_utf8(&content) {
        Ok(text) if !is_binary(&content) => text,
        _ => {
            return Err(Failure::new(
                ErrorCode::UnsupportedOperation,
                format!("{} is no UTF-8 text", desk.shown()),
                "only text is edited; replace the file with ssh_file_write (encoding = base64) or ssh_upload",
            ));
        }
    };
    let (new, made) = edit::apply(text, &changes)?;
    let old = Old { content: Some(content), digest: Some(now) };
    unmasked(desk, WriteMode::Overwrite, &old, new.as_bytes())?;
    let plan = Plan { overwrite: true, lists: true, durable: true, ..Plan::default() };
    put(desk, op, &ask.guards, plan, &old, new.into_bytes(), made).await
}

async fn read_old(desk: &Desk<'_>) -> Result<Vec<u8>, Failure> {
    let (content, _) = desk.sftp.read_file(&desk.path, 0, edit::LARGEST as u64 + 1).await?;
    if content.len() > edit::LARGEST {
        return Err(Failure::new(
            ErrorCode::TooLarge,
            format!("{} has more than {} bytes", desk.shown(), edit::LARGEST),
            "use ssh_exec or ssh_upload for files of this size",
        ));
    }
    Ok(content)
}

/// A model that read a masked file must not write the mask in the secret's place.
fn unmasked(desk: &Desk<'_>, mode: WriteMode, old: &Old, new: &[u8]) -> Result<(), Failure> {
    let masks = |bytes: &[u8]| memchr::memmem::find_iter(bytes, MASK).count();
    let there = match (mode, old.digest) {
        // The text itself may stand in a file without secrets.
        (WriteMode::Overwrite, Some(Digest { keyed: false, .. })) => masks(old.bytes()),
        (WriteMode::Overwrite, Some(_))
            if masks(new) <= masks(old.bytes()) && masked_alike(desk, old, new) =>
        {
            return Ok(());
        }
        _ => 0,
    };
    if masks(new) <= there {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::InvalidArgument,
        format!("this would write {MASK} into {}: it stands for a secret that you cannot see", desk.shown()),
        "change only the other parts, with ssh_file_edit and text around what is masked: the secret stays as it is",
    ))
}

/// Whether as many secrets are in the new content as in the old: none was written over.
fn masked_alike(desk: &Desk<'_>, old: &Old, new: &[u8]) -> bool {
    let secrets = |bytes: &[u8]| {
        let mut sieve = desk.helper.redactor.with_shapes(false).stream();
        let _ = sieve.push(std::time::Instant::now(), bytes);
        let _ = sieve.finish();
        sieve.redactions()
    };
    secrets(new) >= secrets(old.bytes())
}

/// Checks the new content, tells the difference, and puts it into place.
async fn put(
    desk: &Desk<'_>,
    op: &Operation,
    guards: &Guards,
    plan: Plan,
    old: &Old,
    new: Vec<u8>,
    edits: u32,
) -> Result<Done, Failure> {
    digest::check(old.digest.as_ref(), guards.expected.as_ref())?;
    let shown = desk.shown();
    let text = std::str::from_utf8(&new).ok();
    let validation = match (Format::of(guards.validate.as_str(), &shown)?, text) {
        (None, _) => "",
        (format, Some(text)) => validate(format, text)?,
        (Some(format), None) => {
            return Err(Failure::new(
                ErrorCode::ValidationFailed,
                format!("this would be no valid {}: line 1, column 1: it is no UTF-8 text", format.name()),
                "nothing was written: set validate = \"none\" if the file is of another kind",
            ));
        }
    };
    if old.content.is_none() {
        parent(desk, plan.create_parents).await?;
    }
    let digest = digest::of(&new, &desk.helper.redactor);
    let (diff, cut) = difference(desk, old, &new);
    let mut notes = Vec::new();
    if !guards.dry_run {
        if *op.cancelled.borrow() {
            return Ok(Done { outcome: reply::Outcome::Cancelled { gone: true }, sent: 0, redactions: 0 });
        }
        let unchanged = old.content.as_ref() == Some(&new) && plan.mode.is_none();
        if !unchanged {
            let landed =
                desk.sftp.write_file(&desk.path, &new, plan, &desk.id).await.map_err(
                    |failure| match failure.code {
                        ErrorCode::FileExists => exists(desk),
                        _ => failure,
                    },
                )?;
            notes.extend(landed.lost.iter().map(|what| format!("{what} could not be kept").into()));
        }
    }
    let sent = diff.len() as u64;
    op.out.data(op.id, Stream::Output, diff).await;
    let written = Written {
        bytes: new.len() as u64,
        digest,
        edits,
        validation: validation.into(),
        notes: List::clip(notes),
        diff_truncated: cut,
    };
    Ok(Done { outcome: reply::Outcome::File(Outcome::Written(written)), sent, redactions: 0 })
}

/// That the directory a new file goes to is there or can be made; a dry run must say so, too.
async fn parent(desk: &Desk<'_>, make: bool) -> Result<(), Failure> {
    let Some((directory, _)) = place::split(&desk.path) else { return Ok(()) };
    let absent = match desk.sftp.stat(&directory).await {
        Ok(there) if there.kind() == Kind::Directory => return Ok(()),
        there => there.is_err_and(|error| error.is_absent()),
    };
    match parent::obstacle(&desk.sftp, &directory).await {
        Some(failure) => Err(failure),
        None if absent && !make => Err(parent::missing(&desk.sftp, &directory).await),
        // Writing tells everything else.
        None => Ok(()),
    }
}

fn exists(desk: &Desk<'_>) -> Failure {
    Failure::new(
        ErrorCode::FileExists,
        file_exists(&desk.path).message,
        "use mode = overwrite or append, or ssh_file_edit to change a part of it",
    )
}

/// The unified diff, masked; nothing for what is no text.
fn difference(desk: &Desk<'_>, old: &Old, new: &[u8]) -> (Clean, bool) {
    let (Ok(before), Ok(after)) = (std::str::from_utf8(old.bytes()), std::str::from_utf8(new)) else {
        return (Clean::default(), false);
    };
    if is_binary(old.bytes()) || is_binary(new) || before == after {
        return (Clean::default(), false);
    }
    let shown = desk.shown();
    let from = if old.content.is_some() { shown.as_str() } else { "/dev/null" };
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_lines(before, after);
    let text = diff.unified_diff().context_radius(3).header(from, &shown).to_string();
    let mut clean = desk.sftp.lease().redactor().bytes(text.as_bytes());
    let cut = clean.len() > DIFF;
    if cut {
        let _ = clean.split_off(boundary(clean.as_bytes(), DIFF));
    }
    (clean, cut)
}
