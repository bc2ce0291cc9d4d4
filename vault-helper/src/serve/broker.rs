//! What a broker may ask, and who answers it.

use std::sync::Arc;
use std::time::Duration;

use sallyport_policy::{Host, ShellState};
use sallyport_protocol::envelope::{Caller, FromHelper, Stream};
use sallyport_protocol::handshake;
use sallyport_protocol::list::List;
use sallyport_protocol::reply::{
    ActiveEntry, Checked, Event, HostEntry, HostUser, Outcome, Page, Segment, VaultState,
};
use sallyport_protocol::request::{ActiveKind, HostFilter, OutputPage, Request};
use sallyport_protocol::text::TargetName;
use sallyport_protocol::{ErrorCode, Failure, Text};

use super::connection::{Operation, Role, came_true};
use crate::guard::gate::rules;
use crate::guard::target;
use crate::helper::{FAREWELL, Helper};
use crate::person;
use crate::session::exec::stop;
use crate::session::job::{Job, State, Stop};
use crate::session::{attach, exec, open, sudo, terminal};
use crate::transfer;
use crate::vault::{Filter, Purpose};

/// The longest wait for output, in milliseconds.
const MAX_WAIT_MS: u32 = 60_000;
/// The largest page of output, in bytes.
const MAX_PAGE: u32 = 1024 * 1024;

/// The broker's role.
pub struct Broker;

impl Role for Broker {
    const ROLE: handshake::Role = handshake::Role::Broker;
    type Request = Request;

    async fn run(mut op: Operation, caller: Caller, request: Request) {
        // Boxed: the largest of them is many times the others, and hundreds of the others may be under way.
        let outcome = match request {
            Request::ListHosts(filter) => list_hosts(&op, &caller, &filter),
            Request::Check { target, command } => check(&op, &caller, &target, command.as_str()),
            Request::Exec(request) => Box::pin(exec::run(&mut op, &caller, request)).await,
            Request::Output(page) => output(&mut op, &caller, &page).await,
            Request::Stop { job, signal } => match find_job(&op, &caller, job.as_str()) {
                Ok(job) => {
                    Outcome::Stopped { gone: stop(&job, signal.map_or(Stop::Patiently, Stop::With)).await }
                }
                Err(failure) => Outcome::Failed(failure),
            },
            Request::OpenSession(request) => Box::pin(open::run(&mut op, &caller, request)).await,
            Request::CloseSession { session } => close_session(&op, &caller, session.as_str()).await,
            Request::ListActive { kind } => list_active(&op, &caller, kind),
            Request::Declined(declined) => person::watch::declined(&op.helper, &caller, &declined).await,
            Request::Terminal(ask) => Box::pin(terminal::asked::run(&mut op, &caller, ask)).await,
            Request::File(ask) => Box::pin(crate::files::run(&mut op, &caller, ask)).await,
            Request::Forward(ask) => Box::pin(crate::forward::run(&mut op, &caller, ask)).await,
            Request::Secrets(request) => Box::pin(attach::run(&mut op, &caller, request)).await,
            Request::SudoCache(request) => Box::pin(sudo::cache::run(&mut op, &caller, request)).await,
            Request::Transfer(ask) => Box::pin(transfer::run(&mut op, &caller, ask)).await,
        };
        op.out.done(op.id, FromHelper::<Event, Outcome>::Done { op: op.id, outcome });
    }

    fn gone(helper: &Arc<Helper>, callers: &[Caller]) {
        for caller in callers {
            helper.registry.client_gone(caller);
        }
    }
}

fn event(op: &Operation, event: Event) {
    op.out.message(FromHelper::<Event, Outcome>::Event { op: op.id, event });
}

fn list_hosts(op: &Operation, caller: &Caller, filter: &HostFilter) -> Outcome {
    let now = op.helper.live.now();
    let principal = caller.principal.as_str();
    for (alias, host) in now.inventory.iter() {
        if !now.policy.permits_host(principal, alias, &host.tags) || !fits(filter, alias, host) {
            continue;
        }
        let mode = now.policy.effective(&host.subject(alias, principal)).mode;
        let entry = HostEntry {
            alias: alias.into(),
            hostname: host.hostname.as_str().into(),
            port: host.port,
            users: List::clip(users(&op.helper, host)),
            mode: mode.name().into(),
            tags: List::clip(host.tags.iter().map(|tag| Text::clip(tag.clone()))),
            jump: host.jump.clone().unwrap_or_default().into(),
        };
        event(op, Event::Host(entry));
    }
    Outcome::Hosts { vault: vault_state(&op.helper) }
}

fn fits(filter: &HostFilter, alias: &str, host: &Host) -> bool {
    let is = |wanted: &str| alias == wanted || host.hostname.eq_ignore_ascii_case(wanted);
    let holds = |wanted: &str| {
        let wanted = wanted.to_lowercase();
        let texts = [alias, host.hostname.as_str()].into_iter().chain(host.tags.iter().map(String::as_str));
        texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    filter.host.as_ref().is_none_or(|host| is(host.as_str()))
        && filter.tag.as_ref().is_none_or(|tag| host.tags.iter().any(|t| t == tag.as_str()))
        && filter.query.as_ref().is_none_or(|query| holds(query.as_str()))
}

/// The accounts with records on a host, and the one its entry names.
fn users(helper: &Helper, host: &Host) -> Vec<HostUser> {
    let filter = Filter { purpose: None, host: Some(host.hostname.to_ascii_lowercase()), user: None };
    let entries = helper.vault.store().list(&filter).unwrap_or_default().entries;
    let mut users: Vec<HostUser> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.slug.port().unwrap_or(22) == host.port) {
        let Some(user) = entry.slug.user() else { continue };
        let known = match users.iter().position(|known| known.user.as_str() == user) {
            Some(known) => known,
            None => {
                users.push(HostUser { user: user.into(), ssh: false, sudo: false });
                users.len() - 1
            }
        };
        match entry.slug.purpose() {
            Purpose::Ssh => users[known].ssh = true,
            Purpose::Sudo => users[known].sudo = true,
            _ => {}
        }
    }
    if let Some(user) =
        host.user.as_ref().filter(|user| !users.iter().any(|known| known.user.as_str() == *user))
    {
        users.push(HostUser { user: user.as_str().into(), ssh: false, sudo: false });
    }
    users
}

/// The vault's state as brokers and people see it.
pub fn vault_state(helper: &Helper) -> VaultState {
    let window = helper.vault.window();
    let expires_in_s = window.expires_in.map(|left| u32::try_from(left.as_secs()).unwrap_or(u32::MAX));
    VaultState { locked: window.locked, expires_in_s }
}

fn check(op: &Operation, caller: &Caller, name: &TargetName, command: &str) -> Outcome {
    let now = op.helper.live.now();
    let target = match target::resolve(&op.helper, &now, caller.principal.as_str(), name) {
        Ok(target) => target,
        Err(failure) => return Outcome::Failed(failure),
    };
    let subject = target.subject(caller.principal.as_str());
    let judgement = now.policy.judge(&subject, &ShellState::default(), command);
    for segment in &judgement.segments {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let segment = Segment {
            text: segment.text.as_str().into(),
            argv: List::clip(segment.argv.iter().map(|word| Text::clip(word.clone()))),
            verdict: segment.verdict.name().into(),
            rule: segment.rule.clone().unwrap_or_default().into(),
            from: offset(segment.span.0),
            to: offset(segment.span.1),
        };
        event(op, Event::Segment(segment));
    }
    Outcome::Checked(Checked {
        verdict: judgement.verdict.name().into(),
        reason: judgement.reason.as_str().into(),
        rules: rules(&judgement),
        mode: judgement.mode.name().into(),
        host: target.alias.as_str().into(),
        policy_digest: op.helper.policy_digest(&now).into(),
    })
}

fn find_job(op: &Operation, caller: &Caller, id: &str) -> Result<Arc<Job>, Failure> {
    op.helper.registry.jobs.find(caller.principal.as_str(), id).ok_or_else(|| {
        Failure::new(
            ErrorCode::JobNotFound,
            format!("there is no job or output {id}"),
            "output is kept for 15 minutes after a command ends; ssh_list_active shows what is there",
        )
    })
}

async fn output(op: &mut Operation, caller: &Caller, page: &OutputPage) -> Outcome {
    let job = match find_job(op, caller, page.job.as_str()) {
        Ok(job) => job,
        Err(failure) => return Outcome::Failed(failure),
    };
    let cursor = page.cursor.unwrap_or(0);
    let wait = Duration::from_millis(u64::from(page.wait_ms.min(MAX_WAIT_MS)));
    tokio::select! {
        _ = tokio::time::timeout(wait, job.grown_beyond(cursor)) => {}
        () = came_true(&mut op.cancelled) => return Outcome::Cancelled { gone: false },
    }
    // The state is read first: output that comes between the two belongs to the next page.
    let state = job.state();
    let piece = job.read(cursor, page.max_bytes.clamp(1, MAX_PAGE) as usize);
    let next_cursor = piece.from + piece.bytes.len() as u64;
    // Masked once more: secrets enrolled since then are in force for old output too.
    op.out.data(op.id, Stream::Output, op.helper.redactor.bytes(&piece.bytes)).await;
    let (exit_code, signal) = match &state {
        State::Running => (None, Text::default()),
        State::Ended(exit) => {
            (exit.code, exit.signal.as_ref().map_or_else(Text::default, |s| Text::clip(s.as_str())))
        }
    };
    Outcome::Page(Page {
        from: piece.from,
        next_cursor,
        running: state == State::Running,
        exit_code,
        signal,
        dropped: piece.dropped,
    })
}

async fn close_session(op: &Operation, caller: &Caller, name: &str) -> Outcome {
    let terminals = &op.helper.registry.terminals;
    if let Some(terminal) = terminals.find(caller.principal.as_str(), name).filter(|t| t.is_open()) {
        terminal.close();
        terminal.closed().await;
        terminals.remove(&terminal.id);
        return Outcome::Closed { was_running: true };
    }
    let shell = match op.helper.registry.shell(caller.principal.as_str(), name) {
        Ok(shell) => shell,
        Err(failure) => return Outcome::Failed(failure),
    };
    let was_running = shell.is_busy();
    shell.close();
    // A host that does not answer is told in its own time.
    let _ = op.unless_cancelled(tokio::time::timeout(FAREWELL, shell.closed())).await;
    op.helper.registry.shells.remove(&shell.id);
    Outcome::Closed { was_running }
}

fn list_active(op: &Operation, caller: &Caller, kind: Option<ActiveKind>) -> Outcome {
    let principal = caller.principal.as_str();
    let wanted = |k: ActiveKind| kind.is_none_or(|kind| kind == k);
    let send = |entry: ActiveEntry| event(op, Event::Active(entry));
    let registry = &op.helper.registry;
    for shell in registry.shells.open(Some(principal)).into_iter().filter(|_| wanted(ActiveKind::Session)) {
        send(ActiveEntry {
            kind: ActiveKind::Session,
            id: shell.id.as_str().into(),
            target: shell.target.label().into(),
            uptime_s: shell.since.elapsed().as_secs(),
            idle_s: if shell.is_busy() { 0 } else { shell.idle_s() },
            detail: shell.name.clone().unwrap_or_default().into(),
        });
    }
    for terminal in
        registry.terminals.open(Some(principal)).into_iter().filter(|_| wanted(ActiveKind::Session))
    {
        send(ActiveEntry {
            kind: ActiveKind::Session,
            id: terminal.id.as_str().into(),
            target: terminal.target.label().into(),
            uptime_s: terminal.since.elapsed().as_secs(),
            idle_s: terminal.idle_s(),
            detail: terminal.name.clone().unwrap_or_default().into(),
        });
    }
    for job in registry.jobs.open(Some(principal)).into_iter().filter(|_| wanted(ActiveKind::Job)) {
        send(ActiveEntry {
            kind: ActiveKind::Job,
            id: job.id.as_str().into(),
            target: job.target.as_str().into(),
            uptime_s: job.started.elapsed().as_secs(),
            idle_s: 0,
            detail: job.command.as_str().into(),
        });
    }
    for forward in op.helper.forwards.of(principal).into_iter().filter(|_| wanted(ActiveKind::Forward)) {
        send(forward.entry());
    }
    for (number, (label, transport)) in op.helper.pool.list(principal).into_iter().enumerate() {
        if wanted(ActiveKind::Connection) {
            send(ActiveEntry {
                kind: ActiveKind::Connection,
                id: format!("t-{}", number + 1).into(),
                target: label.into(),
                uptime_s: transport.since.elapsed().as_secs(),
                idle_s: transport.idle().as_secs(),
                detail: format!("{} channels, host key {}", transport.channels(), transport.fingerprint)
                    .into(),
            });
        }
    }
    Outcome::Listed
}
