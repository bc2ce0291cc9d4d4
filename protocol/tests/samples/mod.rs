//! One sample of every message, shared by the tests that pin bytes and the ones
//! that check laws. Every text in an outgoing sample is `MARK`, or holds it.

#![allow(dead_code, reason = "each test file uses its own part")]

mod person;
mod terminal;

use sallyport_protocol::admin::*;
use sallyport_protocol::envelope::*;
use sallyport_protocol::handshake::{self, *};
use sallyport_protocol::reply::{self, *};
use sallyport_protocol::request::*;
use sallyport_protocol::secrets::*;
use sallyport_protocol::sudo::*;
use sallyport_protocol::text::*;
use sallyport_protocol::*;

mod file;
mod forward;
#[path = "transfer.rs"]
mod transfer;

pub const MARK: &str = "SCRUB-ME";

pub fn op() -> OpId {
    OpId(7)
}

fn text() -> Text {
    MARK.into()
}

fn texts<const N: usize>() -> List<Text, N> {
    List::clip([text(), text()])
}

fn word(value: &str) -> Word {
    Word::new(value).unwrap()
}

fn env() -> List<EnvVar, 64> {
    List::clip([EnvVar { name: EnvName::new("A").unwrap(), value: EnvValue::new("b c").unwrap() }])
}

fn failure() -> Failure {
    Failure { code: ErrorCode::VaultLocked, message: text(), hint: text(), retryable: true }
}

pub fn handshakes() -> Vec<(&'static str, Result<Hello, handshake::Reply>)> {
    let build = || word("sallyport 0.1.0");
    let welcome = Welcome {
        version: 1,
        limits: Limits { operations: 1024, stream_credit: 262_144, connection_credit: 8_388_608 },
        policy_digest: [0xab; 32],
        profile: Profile::SeparateUser,
        hardening: 3,
        build: build(),
    };
    vec![
        (
            "hello broker",
            Ok(Hello { magic: MAGIC, lowest: 1, highest: 1, role: Role::Broker, build: build() }),
        ),
        (
            "hello admin",
            Ok(Hello { magic: MAGIC, lowest: 1, highest: 300, role: Role::Admin, build: build() }),
        ),
        ("welcome", Err(handshake::Reply::Welcome(welcome))),
        ("refused", Err(handshake::Reply::Refused(Refused { lowest: 1, highest: 2, sentence: "no".into() }))),
    ]
}

pub fn requests() -> Vec<(&'static str, Request)> {
    let exec = Exec {
        place: Place::Target(TargetName::new("deploy@web1").unwrap()),
        command: CommandText::new("uptime").unwrap(),
        cwd: Some(RemotePath::new("/srv").unwrap()),
        env: env(),
        secrets: List::clip([SecretName::new("app").unwrap()]),
        input: Some(InputPlan { length: 300, sha256: [1; 32] }),
        run_as: Some(UserName::new("root").unwrap()),
        timeout_ms: 60_000,
        detach_ms: 45_000,
        background: true,
        consent: Consent::Client,
        confirmation: Some(ConfirmationId::new("c-1").unwrap()),
    };
    let in_session = Exec {
        place: Place::Session(SessionName::new("s-1").unwrap()),
        cwd: None,
        env: List::default(),
        secrets: List::default(),
        input: None,
        run_as: None,
        timeout_ms: 0,
        detach_ms: 0,
        background: false,
        consent: Consent::None,
        confirmation: None,
        ..exec.clone()
    };
    let filter = HostFilter {
        host: Some(HostAlias::new("web1").unwrap()),
        tag: Some(word("prod")),
        query: Some(word("eu")),
    };
    let open = OpenSession {
        target: TargetName::new("web1").unwrap(),
        name: Some(SessionName::new("deploy").unwrap()),
        kind: SessionKind::Terminal,
        cwd: Some(RemotePath::new("/srv").unwrap()),
        env: env(),
        secrets: List::default(),
        cols: 120,
        rows: 40,
        record: true,
        idle_timeout_s: 3600,
        consent: Consent::Model,
        confirmation: None,
    };
    let job = || JobId::new("j-1").unwrap();
    let page = OutputPage { job: job(), cursor: Some(300), wait_ms: 1000, max_bytes: 20_000 };
    let mut all = vec![
        ("list hosts", Request::ListHosts(filter)),
        ("list all hosts", Request::ListHosts(HostFilter::default())),
        (
            "check",
            Request::Check {
                target: TargetName::new("web1").unwrap(),
                command: CommandText::new("ls").unwrap(),
            },
        ),
        ("exec on a target", Request::Exec(exec)),
        ("exec in a session", Request::Exec(in_session)),
        ("output", Request::Output(page)),
        ("stop", Request::Stop { job: job(), signal: None }),
        ("stop with a signal", Request::Stop { job: job(), signal: Some(Signal::Kill) }),
        ("open session", Request::OpenSession(open)),
        ("close session", Request::CloseSession { session: SessionName::new("deploy").unwrap() }),
        ("list active", Request::ListActive { kind: None }),
        ("list connections", Request::ListActive { kind: Some(ActiveKind::Connection) }),
        ("declined", person::declined()),
        ("sudo cache", Request::SudoCache(sudo_cache())),
        ("attach secrets", Request::Secrets(secrets(SecretsAction::Attach { name: app() }))),
        ("detach secrets", Request::Secrets(secrets(SecretsAction::Detach { name: app() }))),
        ("list secrets", Request::Secrets(Secrets { session: None, ..secrets(SecretsAction::List) })),
    ];
    all.extend(terminal::requests());
    all.extend(forward::requests());
    all.extend(file::requests());
    all.extend(transfer::requests());
    all
}

fn sudo_cache() -> SudoCache {
    SudoCache {
        session: SessionName::new("deploy").unwrap(),
        action: CacheAction::Warm,
        consent: Consent::None,
        confirmation: None,
    }
}

fn app() -> SecretName {
    SecretName::new("app").unwrap()
}

fn secrets(action: SecretsAction) -> Secrets {
    Secrets {
        action,
        session: Some(SessionName::new("deploy").unwrap()),
        consent: Consent::None,
        confirmation: None,
    }
}

pub fn to_helper() -> Vec<(&'static str, BrokerToHelper)> {
    let caller = || Caller { principal: PrincipalName::new("local").unwrap(), client: 9 };
    let mut all: Vec<(&'static str, BrokerToHelper)> = requests()
        .into_iter()
        .map(|(name, request)| (name, ToHelper::Start { op: op(), caller: caller(), request }))
        .collect();
    all.extend([
        ("data", ToHelper::Data { op: op(), bytes: Chunk::new(b"input".to_vec()).unwrap() }),
        ("end", ToHelper::End { op: op() }),
        ("credit", ToHelper::Credit { op: op(), stream: Stream::ErrorOutput, bytes: 65_536 }),
        ("cancel", ToHelper::Cancel { op: op() }),
        ("ping", ToHelper::Ping { token: 1 << 40 }),
    ]);
    all
}

pub fn events() -> Vec<(&'static str, Event)> {
    let host = HostEntry {
        alias: text(),
        hostname: text(),
        port: 2222,
        users: List::clip([HostUser { user: text(), ssh: true, sudo: false }]),
        mode: text(),
        tags: texts(),
        jump: text(),
    };
    let segment = Segment { text: text(), argv: texts(), verdict: text(), rule: text(), from: 0, to: 6 };
    let active = ActiveEntry {
        kind: ActiveKind::Session,
        id: text(),
        target: text(),
        uptime_s: 60,
        idle_s: 5,
        detail: text(),
    };
    let mut all = vec![
        ("started", Event::Started { job: text() }),
        ("host", Event::Host(host)),
        ("segment", Event::Segment(segment)),
        ("active", Event::Active(active)),
    ];
    all.extend(forward::events());
    all.extend(file::events());
    all.extend(transfer::events());
    all
}

pub fn outcomes() -> Vec<(&'static str, Outcome)> {
    let checked = Checked {
        verdict: text(),
        reason: text(),
        rules: texts(),
        mode: text(),
        host: text(),
        policy_digest: text(),
    };
    let exited = Exited {
        exit_code: Some(-1),
        signal: text(),
        duration_ms: 1234,
        cwd: text(),
        session_ended: text(),
        job: text(),
        redactions: 2,
    };
    let needs = NeedsConfirmation {
        id: text(),
        reason: text(),
        rules: texts(),
        expires_in_s: 120,
        who: Confirmer::Model,
    };
    let page = Page { from: 10, next_cursor: 20, running: true, exit_code: None, signal: text(), dropped: 3 };
    let session = reply::Session {
        session: text(),
        created: true,
        kind: SessionKind::Shell,
        user: text(),
        host: text(),
    };
    let mut all = vec![
        ("hosts", Outcome::Hosts { vault: VaultState { locked: false, expires_in_s: Some(1800) } }),
        ("checked", Outcome::Checked(checked)),
        ("exited", Outcome::Exited(exited)),
        (
            "detached",
            Outcome::Detached { job: text(), reason: Detach::Timeout, duration_ms: 60_000, redactions: 0 },
        ),
        ("needs confirmation", Outcome::NeedsConfirmation(needs)),
        ("blocked", Outcome::Blocked { failure: failure(), rules: texts() }),
        ("page", Outcome::Page(page)),
        ("stopped", Outcome::Stopped { gone: true }),
        ("session", Outcome::Session(session)),
        ("closed", Outcome::Closed { was_running: false }),
        ("listed", Outcome::Listed),
        ("cancelled", Outcome::Cancelled { gone: false }),
        ("failed", Outcome::Failed(failure())),
        ("noted", Outcome::Noted),
        ("sudo cache state", Outcome::SudoCache(CacheState::BadPassword)),
        ("secret names", Outcome::Secrets(SecretNames { names: texts(), variables: texts() })),
    ];
    all.extend(terminal::outcomes());
    all.extend(forward::outcomes());
    all.extend(file::outcomes());
    all.extend(transfer::outcomes());
    all
}

pub fn to_broker() -> Vec<(&'static str, ToBroker)> {
    let mut all = vec![
        (
            "data out",
            FromHelper::Data {
                op: op(),
                stream: Stream::Output,
                bytes: Chunk::new(b"out".to_vec()).unwrap(),
            },
        ),
        ("credit in", FromHelper::Credit { op: op(), bytes: 5 }),
        ("pong", FromHelper::Pong { token: 3 }),
    ];
    all.extend(events().into_iter().map(|(name, event)| (name, FromHelper::Event { op: op(), event })));
    all.extend(outcomes().into_iter().map(|(name, outcome)| (name, FromHelper::Done { op: op(), outcome })));
    all
}

pub fn admin_requests() -> Vec<(&'static str, AdminToHelper)> {
    let slug = || SlugText::new("ssh://deploy@web1").unwrap();
    let filter = || RecordFilter {
        slug: Some(slug()),
        host: Some(word("web1")),
        user: Some(word("deploy")),
        purpose: Some(word("ssh")),
    };
    let id = || ConfirmationId::new("c-1").unwrap();
    let key = || KeyLine::try_from("ssh-ed25519 AAAA".to_owned()).unwrap();
    let secret = || SecretBytes::new(b"hunter2".to_vec()).unwrap();
    let surroundings = List::clip([EnvVar {
        name: EnvName::new("GPG_TTY").unwrap(),
        value: EnvValue::new("/dev/pts/1").unwrap(),
    }]);
    let caller = Caller { principal: PrincipalName::new("local").unwrap(), client: 9 };
    let mut requests = vec![
        ("status?", AdminRequest::Status),
        ("unlock", AdminRequest::Unlock { filter: filter(), surroundings }),
        ("lock", AdminRequest::Lock),
        (
            "add record",
            AdminRequest::AddRecord {
                slug: slug(),
                kind: RecordKind::Password,
                secret: secret(),
                allow_weak: true,
            },
        ),
        ("list records", AdminRequest::ListRecords { filter: RecordFilter::default() }),
        ("remove record", AdminRequest::RemoveRecord { slug: slug(), kind: RecordKind::Key }),
        (
            "scan host key",
            AdminRequest::ScanHostKey { hostname: word("web1"), port: 22, jump: Some(word("bastion")) },
        ),
        ("pin host key", AdminRequest::PinHostKey { hostname: word("web1"), port: 2222, key: key() }),
        ("list host keys", AdminRequest::ListHostKeys { host: Some((word("web1"), 22)) }),
        ("remove host key", AdminRequest::RemoveHostKey { hostname: word("web1"), port: 22 }),
        ("list approvals", AdminRequest::ListApprovals),
        ("approve", AdminRequest::Approve { id: id() }),
        ("deny", AdminRequest::Deny { id: id() }),
        ("audit head?", AdminRequest::AuditHead),
    ];
    requests.extend(person::asks().into_iter().map(|(name, ask)| (name, AdminRequest::Person(ask))));
    requests.extend(terminal::admin_requests());
    requests
        .into_iter()
        .map(|(name, request)| (name, ToHelper::Start { op: op(), caller: caller.clone(), request }))
        .collect()
}

pub fn to_admin() -> Vec<(&'static str, ToAdmin)> {
    let record = RecordEntry { slug: text(), kinds: List::clip([RecordKind::Key, RecordKind::Dotenv]) };
    let key = HostKeyEntry {
        host: text(),
        algorithm: text(),
        fingerprint: text(),
        randomart: text(),
        key: text(),
        known_in: text(),
        changed: true,
    };
    let approval = ApprovalEntry {
        id: text(),
        principal: text(),
        host: text(),
        user: text(),
        command: texts(),
        reason: text(),
        expires_in_s: 99,
    };
    let status = Status {
        locked: true,
        expires_in_s: None,
        sessions: 1,
        jobs: 2,
        connections: 3,
        approvals: 4,
        hardening: 5,
        policy_digest: text(),
        store: text(),
        audit: text(),
        pid: 6,
        problems: texts(),
    };
    let event = |event| FromHelper::Event { op: op(), event };
    let done = |outcome| FromHelper::Done { op: op(), outcome };
    let told = person::tells().into_iter().map(|(name, tell)| (name, event(AdminEvent::Person(tell))));
    let mut all = vec![
        ("record", event(AdminEvent::Record(record))),
        ("host key", event(AdminEvent::HostKey(key))),
        ("approval", event(AdminEvent::Approval(approval))),
        ("in doubt", event(AdminEvent::InDoubt { time: text(), target: text(), command: text() })),
        ("status", done(AdminOutcome::Status(status))),
        ("unlocked", done(AdminOutcome::Unlocked { slug: text(), expires_in_s: Some(1800) })),
        ("admin done", done(AdminOutcome::Done)),
        (
            "added",
            done(AdminOutcome::Added { slug: text(), file: text(), git: Some(text()), notes: texts() }),
        ),
        ("removed", done(AdminOutcome::Removed { file: text(), git: Some(text()) })),
        ("admin listed", done(AdminOutcome::Listed)),
        ("admin failed", done(AdminOutcome::Failed(failure()))),
        ("audit head", done(AdminOutcome::AuditHead { sequence: 7, hash: text() })),
    ];
    all.extend(told);
    all.extend(terminal::notices().into_iter().map(|(name, notice)| (name, event(notice))));
    all
}
