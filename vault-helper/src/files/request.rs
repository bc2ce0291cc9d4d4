//! One request about a file: judge, connect, judge what the path really is, audit, act.

use std::sync::Arc;
use std::time::Instant;

use sallyport_protocol::envelope::Caller;
use sallyport_protocol::file::{self, Act, Ask, WriteMode};
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::{ErrorCode, Failure, FromHelper};

use super::validate::Format;
use super::{edit, list, read, search, write};
use crate::audit::{Ending, Intent};
use crate::config::Snapshot;
use crate::guard::files::{Deed, FileGate};
use crate::guard::gate;
use crate::guard::target::{self, Target};
use crate::helper::Helper;
use crate::serve::connection::{Operation, came_true};
use crate::session::exec::{Early, gather, millis, no_audit};
use crate::ssh::sftp::{Sftp, place};

/// An open way to one path of a host.
pub struct Desk<'a> {
    /// The helper's state.
    pub helper: &'a Arc<Helper>,
    /// Policy and inventory in force.
    pub now: &'a Snapshot,
    /// Who asks.
    pub principal: &'a str,
    /// Where.
    pub target: &'a Target,
    /// The way to its files.
    pub sftp: Sftp,
    /// The path in bytes, as it was asked for.
    pub path: Vec<u8>,
    /// The operation's id, in names and the log.
    pub id: String,
}

impl Desk<'_> {
    /// The path as text.
    pub fn shown(&self) -> String {
        place::shown(&self.path)
    }

    /// Tells the client something on the way.
    pub fn tell(&self, op: &Operation, event: file::Event) {
        op.out.message(FromHelper::<Event, Outcome>::Event { op: op.id, event: Event::File(event) });
    }
}

/// Does what is asked.
pub async fn run(op: &mut Operation, caller: &Caller, ask: Ask) -> Outcome {
    try_run(op, caller, ask).await.unwrap_or_else(|early| *early.0)
}

async fn try_run(op: &mut Operation, caller: &Caller, ask: Ask) -> Result<Outcome, Early> {
    let helper = op.helper.clone();
    let principal = caller.principal.as_str();
    let input = input(op, &ask.act).await?;
    let now = helper.live.now();
    let target = target::resolve(&helper, &now, principal, &ask.target)?;
    let plan = Plan::of(&ask)?;
    let fixed = plan.binding();
    let binding: Vec<&[u8]> = fixed.iter().map(Vec::as_slice).collect();
    let gate = |deeds| FileGate {
        helper: &helper,
        now: &now,
        principal,
        target: &target,
        deeds,
        what: &plan.what,
        binding: &binding,
        consent: ask.consent,
        confirmation: ask.confirmation.as_ref(),
    };
    // What is blocked by its name alone opens no connection.
    let asked = plan.deeds(ask.path.as_str());
    let first = gate(&asked);
    if first.judge().0.verdict == sallyport_policy::Verdict::Block || first.is_closed() {
        return match first.grant() {
            Err(outcome) => Err(Early(outcome)),
            Ok(_) => Err(Failure::new(ErrorCode::InternalError, "the policy contradicts itself", "").into()),
        };
    }
    let sftp = op.unless_cancelled(Sftp::open(&helper, principal, &target)).await??;
    let path = place::wire(&ask.path);
    // Links on the way and relative names may lead elsewhere: what is judged is also where the path really is.
    let mut deeds = asked.clone();
    if let Some(real) = really(&sftp, &path).await.filter(|real| *real != ask.path.as_str()) {
        deeds.extend(plan.deeds(&real));
    }
    let (text, granted) = gate(&deeds).grant().map_err(Early)?;
    let id = helper.new_id("w");
    let intent = Intent {
        id: id.clone(),
        action: plan.action,
        host_key: Some(sftp.lease().transport().fingerprint.clone()),
        ..gate::intent(&helper, &now, principal, &target, &helper.redactor.text(&text), &granted)?
    };
    helper.audit.intent(&intent).await.map_err(|error| no_audit(&error))?;
    let began = Instant::now();
    let desk = Desk { helper: &helper, now: &now, principal, target: &target, sftp, path, id: id.clone() };
    let done = act(&desk, op, &ask.act, input).await;
    let ending = Ending {
        id,
        result: if done.is_ok() { "done" } else { "failed" },
        code: done.as_ref().err().map(|failure| failure.code.as_str()),
        output_bytes: done.as_ref().map_or(0, |done| done.sent),
        redactions: done.as_ref().map_or(0, |done| done.redactions),
        duration_ms: millis(began.elapsed()),
        ..Ending::default()
    };
    if let Err(error) = helper.audit.ending(&ending).await {
        tracing::error!(%error, "an outcome was not written");
    }
    Ok(done?.outcome)
}

/// What was done, for the answer and the log.
pub struct Done {
    /// The answer.
    pub outcome: Outcome,
    /// Bytes of content that were sent, after redaction.
    pub sent: u64,
    /// Masks among them.
    pub redactions: u64,
}

async fn act(desk: &Desk<'_>, op: &mut Operation, act: &Act, input: Vec<u8>) -> Result<Done, Failure> {
    let mut cancelled = op.cancelled.clone();
    let op = &*op;
    let looking = async {
        match act {
            Act::Read(ask) => read::run(desk, op, ask).await,
            Act::List(ask) => list::run(desk, op, ask).await,
            Act::Search(ask) => search::run(desk, op, ask).await,
            // What changes something is not left half done: it looks at the switch itself.
            Act::Write(ask) => write::write(desk, op, ask, input).await,
            Act::Edit(ask) => write::edit(desk, op, ask, &input).await,
        }
    };
    match act {
        Act::Write(_) | Act::Edit(_) => looking.await,
        Act::Read(_) | Act::List(_) | Act::Search(_) => tokio::select! {
            done = looking => done,
            () = came_true(&mut cancelled) => {
                op.out.abandon(op.id);
                Ok(Done { outcome: Outcome::Cancelled { gone: true }, sent: 0, redactions: 0 })
            }
        },
    }
}

async fn input(op: &mut Operation, act: &Act) -> Result<Vec<u8>, Early> {
    match act {
        Act::Write(write) => gather(op, &write.content, edit::LARGEST as u64).await,
        Act::Edit(edit) => gather(op, &edit.changes, file::MOST_CHANGES_BYTES as u64).await,
        Act::Read(_) | Act::List(_) | Act::Search(_) => Ok(Vec::new()),
    }
}

/// Where a path really is, as far as the host tells: its directory's real name when there is nothing yet.
async fn really(sftp: &Sftp, path: &[u8]) -> Option<String> {
    if let Ok(real) = sftp.realpath(path).await
        && sftp.lstat(&real).await.is_ok()
    {
        return Some(place::shown(&real));
    }
    let (directory, name) = place::split(path)?;
    let directory = sftp.realpath(&directory).await.ok()?;
    Some(place::shown(&place::join(&directory, &name)))
}

/// A request as the gate and the log see it.
struct Plan<'a> {
    ask: &'a Ask,
    action: &'static str,
    what: String,
    writes: bool,
    permits: bool,
}

impl<'a> Plan<'a> {
    fn of(ask: &'a Ask) -> Result<Self, Failure> {
        let path = ask.path.as_str();
        let (action, what, writes, permits) = match &ask.act {
            Act::Read(_) => ("file_read", "read a file".to_owned(), false, false),
            Act::List(_) => ("dir_list", "list a directory".to_owned(), false, false),
            Act::Search(search) => {
                let kind = match search.kind {
                    file::SearchKind::Lines => "lines",
                    file::SearchKind::Names => "names",
                };
                ("search", format!("search for {kind}: {}", search.pattern.as_str()), false, false)
            }
            Act::Write(write) => {
                Format::of(write.guards.validate.as_str(), path)?;
                if write.perm.is_some_and(|perm| perm > 0o777) {
                    return Err(Failure::new(
                        ErrorCode::InvalidArgument,
                        "perm is three octal digits: set-user-ID, set-group-ID and sticky bits are not set this way",
                        "give something like 0644, or use ssh_exec with chmod, which is judged as such",
                    ));
                }
                let how = match write.mode {
                    WriteMode::Create => "create",
                    WriteMode::Overwrite => "overwrite",
                    WriteMode::Append => "append to",
                };
                let what = format!("{how} a file, {} bytes", write.content.length);
                ("file_write", what, !write.guards.dry_run, write.perm.is_some())
            }
            Act::Edit(edit) => {
                Format::of(edit.guards.validate.as_str(), path)?;
                ("file_edit", "edit a file".to_owned(), !edit.guards.dry_run, false)
            }
        };
        let what = if writes || action.starts_with("file_r") || action.ends_with("list") || action == "search"
        {
            what
        } else {
            format!("{what} (dry run)")
        };
        Ok(Self { ask, action, what, writes, permits })
    }

    /// What would be done to a path. A dry run reads.
    fn deeds(&self, path: &str) -> Vec<Deed> {
        if !self.writes {
            return vec![Deed::read(path)];
        }
        let mut deeds = vec![Deed::write(path)];
        if self.permits {
            deeds.push(Deed::permit(path));
        }
        deeds
    }

    /// All of the request but its path and who agrees: the content by its digest.
    fn binding(&self) -> Vec<Vec<u8>> {
        let act = sallyport_protocol::frame::encode(&self.ask.act).unwrap_or_default();
        vec![b"file".to_vec(), act]
    }
}
