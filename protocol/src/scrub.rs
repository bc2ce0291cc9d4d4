//! Visiting every free text of an outgoing message, so that one place in the
//! helper can redact them all whatever code made them.
//!
//! A field that is forgotten here would leave the helper unredacted, so
//! `tests/pinned.rs` fills every text of every message with a marker and fails
//! when one survives.

use crate::admin::{AdminEvent, AdminOutcome, ApprovalEntry, HostKeyEntry, RecordEntry, Status};
use crate::envelope::FromHelper;
use crate::error::Failure;
use crate::list::List;
use crate::person::{
    AskedEntry, CheckEntry, GrantEntry, PlannedEntry, PromptEntry, QuestionEntry, StepEntry, Tell,
};
use crate::reply::{
    ActiveEntry, Checked, Event, Exited, HostEntry, HostUser, NeedsConfirmation, Outcome, Page, Segment,
    Session,
};
use crate::secrets::SecretNames;
use crate::text::Text;
use crate::transfer::{Change, Done, Ended, Found, Note};

/// A message whose free texts can be visited.
pub trait Scrub {
    /// Calls `f` on every free text within.
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text));
}

/// For frames that carry neither event nor outcome.
impl Scrub for () {
    fn scrub(&mut self, _: &mut dyn FnMut(&mut Text)) {}
}

impl Scrub for Text {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        f(self);
    }
}

impl<T: Scrub> Scrub for Option<T> {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        if let Some(inner) = self {
            inner.scrub(f);
        }
    }
}

impl<T: Scrub, const N: usize> Scrub for List<T, N> {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        for item in self.iter_mut() {
            item.scrub(f);
        }
    }
}

/// Visits the named fields of a struct; the destructuring makes a new field a compile error.
macro_rules! scrub {
    ($($name:ident { $($text:ident),* ; $($plain:ident),* })*) => {
        $(impl Scrub for $name {
            fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
                let $name { $($text,)* $($plain: _,)* } = self;
                $($text.scrub(f);)*
            }
        })*
    };
}

scrub! {
    Failure { message, hint; code, retryable }
    HostEntry { alias, hostname, users, mode, tags, jump; port }
    HostUser { user; ssh, sudo }
    Checked { verdict, reason, rules, mode, host, policy_digest; }
    Segment { text, argv, verdict, rule; from, to }
    Exited { signal, cwd, session_ended, job; exit_code, duration_ms, redactions }
    NeedsConfirmation { id, reason, rules; expires_in_s, who }
    Page { signal; from, next_cursor, running, exit_code, dropped }
    Session { session, user, host; created, kind }
    SecretNames { names, variables; }
    ActiveEntry { id, target, detail; kind, uptime_s, idle_s }
    Status { policy_digest, store, audit, problems; locked, expires_in_s, sessions, jobs, connections, approvals, hardening, pid }
    RecordEntry { slug; kinds }
    HostKeyEntry { host, algorithm, fingerprint, randomart, key, known_in; changed }
    Found { path; kind, size, mode, mtime, sha256 }
    Change { path; deed }
    Done { remarks; files, bytes, skipped, removed, sha256 }
    ApprovalEntry { id, principal, host, user, command, reason; expires_in_s }
    CheckEntry { name, text, fix; level }
    StepEntry { name, text; done }
    PlannedEntry { name, slug, kind, action, reason, file; }
    AskedEntry { approval, news; }
    QuestionEntry { id, host, user, instructions, prompts; expires_in_s }
    PromptEntry { text; echo }
    GrantEntry { id, principal, host, user, command; expires_in_s }
}

impl Scrub for Event {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Event::Started { job } => job.scrub(f),
            Event::Host(host) => host.scrub(f),
            Event::Segment(segment) => segment.scrub(f),
            Event::Active(active) => active.scrub(f),
            Event::Forward(event) => event.scrub(f),
            Event::File(event) => event.scrub(f),
            Event::Transfer(Note::Found(found)) => found.scrub(f),
            Event::Transfer(Note::Change(change)) => change.scrub(f),
            Event::Transfer(
                Note::Send { from: _, count: _ }
                | Note::Go
                | Note::Complete
                | Note::Sent { entry: _, bytes: _ }
                | Note::Progress { bytes: _ },
            ) => {}
        }
    }
}

impl Scrub for Outcome {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Outcome::Checked(checked) => checked.scrub(f),
            Outcome::Exited(exited) => exited.scrub(f),
            Outcome::Detached { job, reason: _, duration_ms: _, redactions: _ } => job.scrub(f),
            Outcome::NeedsConfirmation(needs) => needs.scrub(f),
            Outcome::Blocked { failure, rules } => {
                failure.scrub(f);
                rules.scrub(f);
            }
            Outcome::Page(page) => page.scrub(f),
            Outcome::Session(session) => session.scrub(f),
            Outcome::Failed(failure) => failure.scrub(f),
            Outcome::Terminal(answer) => answer.scrub(f),
            Outcome::Forward(outcome) => outcome.scrub(f),
            Outcome::File(outcome) => outcome.scrub(f),
            Outcome::Secrets(names) => names.scrub(f),
            Outcome::Transferred(Ended::Done(done)) => done.scrub(f),
            Outcome::Transferred(Ended::TellContent) => {}
            Outcome::Hosts { vault: _ }
            | Outcome::Stopped { gone: _ }
            | Outcome::Closed { was_running: _ }
            | Outcome::Listed
            | Outcome::SudoCache(_)
            | Outcome::Cancelled { gone: _ }
            | Outcome::Noted => {}
        }
    }
}

impl Scrub for AdminEvent {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            AdminEvent::Record(record) => record.scrub(f),
            AdminEvent::HostKey(key) => key.scrub(f),
            AdminEvent::Approval(approval) => approval.scrub(f),
            AdminEvent::Terminal(notice) => notice.scrub(f),
            AdminEvent::InDoubt { time, target, command } => {
                time.scrub(f);
                target.scrub(f);
                command.scrub(f);
            }
            AdminEvent::Person(tell) => tell.scrub(f),
        }
    }
}

impl Scrub for Tell {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Tell::Check(check) => check.scrub(f),
            Tell::Step(step) => step.scrub(f),
            Tell::Planned(planned) => planned.scrub(f),
            Tell::Asked(asked) => asked.scrub(f),
            Tell::Question(question) => question.scrub(f),
            Tell::Settled { id } => id.scrub(f),
            Tell::Grant(grant) => grant.scrub(f),
            Tell::Paused { principal, left_s: _ } => principal.scrub(f),
        }
    }
}

impl Scrub for AdminOutcome {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            AdminOutcome::Status(status) => status.scrub(f),
            AdminOutcome::Unlocked { slug, expires_in_s: _ } => slug.scrub(f),
            AdminOutcome::Added { slug, file, git, notes } => {
                slug.scrub(f);
                file.scrub(f);
                git.scrub(f);
                notes.scrub(f);
            }
            AdminOutcome::Removed { file, git } => {
                file.scrub(f);
                git.scrub(f);
            }
            AdminOutcome::Failed(failure) => failure.scrub(f),
            AdminOutcome::AuditHead { hash, sequence: _ } => hash.scrub(f),
            AdminOutcome::Done | AdminOutcome::Listed => {}
        }
    }
}

impl<E: Scrub, O: Scrub> Scrub for FromHelper<E, O> {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            FromHelper::Event { op: _, event } => event.scrub(f),
            FromHelper::Done { op: _, outcome } => outcome.scrub(f),
            FromHelper::Data { .. } | FromHelper::Credit { .. } | FromHelper::Pong { .. } => {}
        }
    }
}
