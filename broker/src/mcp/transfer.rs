//! `ssh_upload`, `ssh_download` and `ssh_copy`.

use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::Request;
use sallyport_protocol::text::{RemotePath, TargetName, Word};
use sallyport_protocol::transfer::{self, Ask, Change, Deed, Done, Ended, Note, Transfer};
use sallyport_protocol::{Failure, List, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status};
use super::call::{Call, Handled, bounds};
use super::confirm::{self, Asked, Grant};
use super::progress::Progress;
use crate::format::{hex, one_line};
use crate::link::Item;
use crate::transfer::{Ending, Located, Meter, Report, Roots, ended};

/// Changes told in an answer at most.
const MOST_CHANGES: usize = 200;

/// The arguments of an upload and a download.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The host: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// The file or directory on this machine: relative to the transfer root, or absolute below it.
    local_path: String,
    /// The file or directory on the host; relative paths begin in the account's home.
    remote_path: String,
    /// Transfer a directory and everything in it. Symbolic links are left out and reported.
    #[serde(default)]
    recursive: bool,
    /// Make directories that are missing above the destination.
    #[serde(default)]
    create_parents: bool,
    /// Replace files that are there.
    #[serde(default)]
    overwrite: bool,
    /// Set permissions as they are at the source.
    #[serde(default)]
    keep_permissions: bool,
    /// Set times of last change as they are at the source.
    #[serde(default)]
    keep_times: bool,
    /// Make the destination equal to the source, sending only what differs.
    mirror: Option<MirrorArgs>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MirrorArgs {
    /// Remove at the destination what is not at the source.
    #[serde(default)]
    delete: bool,
    /// Globs of names and paths to leave alone on both sides, as `*.log`, `/build` or `src/**/*.o`.
    #[serde(default)]
    exclude: Vec<String>,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Compare files of equal size by content instead of by time of last change.
    #[serde(default)]
    by_content: bool,
}

/// The answer of an upload and a download.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// Files transferred.
    files: u32,
    /// Their bytes.
    bytes: u64,
    /// SHA-256 of a single file; null for a directory.
    sha256: Option<String>,
    /// Files that were the same on both sides, and links and special files left out.
    skipped: u32,
    /// Files and directories a mirror removed.
    removed: u32,
    /// What was left out, removed, or with dry_run would be done.
    changes: Vec<ChangeField>,
    /// Whether there were more changes than are told here.
    changes_truncated: bool,
    /// What could not be kept as it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChangeField {
    /// The path below the transferred directory.
    path: String,
    /// send, remove, link, special or name.
    what: &'static str,
}

/// The arguments of `ssh_copy`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyArgs {
    /// The host to copy from.
    from_target: String,
    /// The file there.
    from_path: String,
    /// The host to copy to.
    to_target: String,
    /// The file's path there.
    to_path: String,
    /// Replace a file that is there.
    #[serde(default)]
    overwrite: bool,
    /// You are sure, where the hosts let the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

/// The answer of `ssh_copy`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CopyFields {
    /// The file's bytes.
    bytes: u64,
    /// Their SHA-256.
    sha256: Option<String>,
    /// What could not be kept as it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<String>,
}

/// The fields of a refusal.
#[derive(Debug, Serialize)]
struct Refusal {
    rules: Vec<String>,
}

impl Refusal {
    fn of(rules: &[Text]) -> Self {
        Self { rules: rules.iter().map(|rule| rule.as_str().to_owned()).collect() }
    }
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// Uploads.
pub async fn upload(call: &Call) -> Handled {
    run(call, Way::Up).await
}

/// Downloads.
pub async fn download(call: &Call) -> Handled {
    run(call, Way::Down).await
}

async fn run(call: &Call, way: Way) -> Handled {
    let args: Args = call.arguments()?;
    let local = Roots::load()?.locate(&args.local_path)?;
    let mut grant = confirm::grant(call, args.confirm, args.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let ask = request(&args, &grant)?;
        match transfer(call, way, &local, &ask).await? {
            Ending::Done(report) => return Ok(answer(&report, way, &args).into()),
            Ending::Blocked { failure, rules } => {
                return Ok(Answer::blocked(failure, &Refusal::of(&rules)).into());
            }
            Ending::Needs(needs) if !asked => {
                match confirm::ask(call, &args.target, &question(&args, way), &needs).await? {
                    Asked::Agreed(given) => grant = given,
                    Asked::Reply(reply) => return Ok(reply),
                }
                asked = true;
            }
            Ending::Needs(_) => return Err(unheard()),
        }
    }
}

async fn transfer(call: &Call, way: Way, local: &Located, ask: &Transfer) -> Result<Ending, Failure> {
    let meter = Meter::default();
    let mut progress = Progress::of(&call.context);
    call.unless_cancelled(async {
        let mut work = std::pin::pin!(async {
            match way {
                Way::Up => crate::transfer::upload(&call.link, local, ask, &meter).await,
                Way::Down => crate::transfer::download(&call.link, local, ask, &meter).await,
            }
        });
        loop {
            tokio::select! {
                ending = &mut work => return ending,
                () = progress.due() => progress.tell_transfer(meter.bytes(), meter.total()).await,
            }
        }
    })
    .await
}

fn request(args: &Args, grant: &Grant) -> Result<Transfer, Failure> {
    let mirror = args.mirror.as_ref().map(|mirror| {
        let exclude: Result<Vec<Word>, _> =
            mirror.exclude.iter().map(|glob| Word::new(glob.as_str())).collect();
        Ok::<_, sallyport_protocol::text::TextError>(transfer::Mirror {
            delete: mirror.delete,
            exclude: List::new(exclude?)?,
            dry_run: mirror.dry_run,
            by_content: mirror.by_content,
        })
    });
    Ok(Transfer {
        target: TargetName::new(args.target.as_str()).map_err(bounds)?,
        path: RemotePath::new(args.remote_path.as_str()).map_err(bounds)?,
        // A mirror is of a directory.
        recursive: args.recursive || args.mirror.is_some(),
        create_parents: args.create_parents,
        overwrite: args.overwrite,
        keep_permissions: args.keep_permissions,
        keep_times: args.keep_times,
        mirror: mirror.transpose().map_err(bounds)?,
        consent: grant.consent,
        confirmation: grant.confirmation.clone(),
    })
}

/// What the client's user is asked about.
fn question(args: &Args, way: Way) -> String {
    let (local, remote) = (one_line(&args.local_path), one_line(&args.remote_path));
    let mut text = match way {
        Way::Up => format!("upload {local} to {remote}"),
        Way::Down => format!("download {remote} to {local}"),
    };
    let delete = args.mirror.as_ref().is_some_and(|mirror| mirror.delete);
    let options = [
        (args.recursive || args.mirror.is_some(), "with everything in it"),
        (args.overwrite || args.mirror.is_some(), "replacing what is there"),
        (delete, "removing what is not at the source"),
    ];
    for (on, what) in options {
        if on {
            text.push_str("\n# ");
            text.push_str(what);
        }
    }
    text
}

fn remarks(done: &Done) -> Vec<String> {
    done.remarks.iter().map(|remark| format!("could not be kept: {remark}")).collect()
}

/// The fields of a report, for both the tool and the command line.
pub fn fields(report: &Report) -> Fields {
    let done = &report.done;
    let what = |change: &Change| ChangeField {
        path: change.path.as_str().to_owned(),
        what: match change.deed {
            Deed::Send => "send",
            Deed::Remove => "remove",
            Deed::Link => "link",
            Deed::Special => "special",
            Deed::Name => "name",
        },
    };
    Fields {
        files: done.files,
        bytes: done.bytes,
        sha256: done.sha256.as_ref().map(|hash| hex(hash)),
        skipped: done.skipped,
        removed: done.removed,
        changes: report.changes.iter().take(MOST_CHANGES).map(what).collect(),
        changes_truncated: report.changes.len() > MOST_CHANGES,
        remarks: remarks(done),
    }
}

fn answer(report: &Report, way: Way, args: &Args) -> Answer {
    let fields = fields(report);
    let dry = args.mirror.as_ref().is_some_and(|mirror| mirror.dry_run);
    let verb = match (way, dry) {
        (Way::Up, false) => "uploaded",
        (Way::Down, false) => "downloaded",
        (Way::Up, true) => "would upload",
        (Way::Down, true) => "would download",
    };
    Answer::new(Status::Ok, &fields, summary(&fields, verb))
}

/// One line about what was done, and a line for each thing that is told by name.
pub fn summary(fields: &Fields, verb: &str) -> String {
    let files = if fields.files == 1 { "file" } else { "files" };
    let mut text = format!("{verb} {} {files}, {} bytes", fields.files, fields.bytes);
    if let Some(hash) = &fields.sha256 {
        text.push_str(&format!(", sha256 {hash}"));
    }
    for (count, what) in [(fields.skipped, "skipped"), (fields.removed, "removed")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    for change in &fields.changes {
        text.push_str(&format!("\n{} {}", change.what, one_line(&change.path)));
    }
    for remark in &fields.remarks {
        text.push_str(&format!("\n{remark}"));
    }
    text
}

fn unheard() -> Failure {
    Failure::new(
        sallyport_protocol::ErrorCode::ConfirmationUnavailable,
        "the confirmation was given but does not count on this host",
        "ask the operator: the host's `confirmation` setting says who may confirm",
    )
}

/// Copies from host to host.
pub async fn copy(call: &Call) -> Handled {
    let args: CopyArgs = call.arguments()?;
    let mut grant = confirm::grant(call, args.confirm, args.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let ask = transfer::Copy {
            from_target: TargetName::new(args.from_target.as_str()).map_err(bounds)?,
            from_path: RemotePath::new(args.from_path.as_str()).map_err(bounds)?,
            to_target: TargetName::new(args.to_target.as_str()).map_err(bounds)?,
            to_path: RemotePath::new(args.to_path.as_str()).map_err(bounds)?,
            overwrite: args.overwrite,
            consent: grant.consent,
            confirmation: grant.confirmation.clone(),
        };
        match copied(call, ask).await? {
            Ending::Done(Report { done, changes: _ }) => {
                let fields = CopyFields {
                    bytes: done.bytes,
                    sha256: done.sha256.as_ref().map(|hash| hex(hash)),
                    remarks: remarks(&done),
                };
                let hash = fields.sha256.as_deref().unwrap_or_default();
                let text = format!("copied {} bytes, sha256 {hash}", fields.bytes);
                return Ok(Answer::new(Status::Ok, &fields, text).into());
            }
            Ending::Blocked { failure, rules } => {
                return Ok(Answer::blocked(failure, &Refusal::of(&rules)).into());
            }
            Ending::Needs(needs) if !asked => {
                let what = format!(
                    "copy {}:{} to {}{}",
                    args.from_target,
                    one_line(&args.from_path),
                    one_line(&args.to_path),
                    if args.overwrite { "\n# replacing what is there" } else { "" }
                );
                match confirm::ask(call, &args.to_target, &what, &needs).await? {
                    Asked::Agreed(given) => grant = given,
                    Asked::Reply(reply) => return Ok(reply),
                }
                asked = true;
            }
            Ending::Needs(_) => return Err(unheard()),
        }
    }
}

async fn copied(call: &Call, ask: transfer::Copy) -> Result<Ending, Failure> {
    let mut progress = Progress::of(&call.context);
    call.unless_cancelled(async {
        let mut operation = call.link.start(Request::Transfer(Ask::Copy(ask))).await?;
        let mut so_far = 0;
        loop {
            tokio::select! {
                item = operation.next() => match item? {
                    Item::Event(Event::Transfer(Note::Progress { bytes })) => so_far = bytes,
                    Item::Event(_) | Item::Data(..) => {}
                    Item::Done(Outcome::Transferred(Ended::Done(done))) => {
                        return Ok(Ending::Done(Report { done, changes: Vec::new() }));
                    }
                    Item::Done(outcome) => return ended(outcome),
                },
                () = progress.due() => progress.tell_transfer(so_far, 0).await,
            }
        }
    })
    .await
}
