//! `ssh_session_open`, `ssh_session_close` and `ssh_list_active`.

use std::collections::BTreeMap;

use sallyport_protocol::Failure;
use sallyport_protocol::reply::{Event, Outcome, Session};
use sallyport_protocol::request::{ActiveKind, OpenSession, Request, SessionKind};
use sallyport_protocol::text::{RemotePath, SessionName, TargetName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status, misplaced};
use super::call::{Call, Handled, bounds, optional};
use super::confirm::{self, Asked, Covered, Grant};
use super::exec::{secrets, variables};
use crate::format::span;

/// The arguments of `ssh_session_open`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenArgs {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// A name of your choice: a named session outlives this client, and opening it again finds it.
    name: Option<String>,
    /// shell (default): one judged command at a time, stdout and stderr apart, real exit codes. terminal: a raw terminal.
    #[serde(default)]
    kind: Kind,
    /// Directory it begins in.
    cwd: Option<String>,
    /// Environment variables it begins with.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Names of env:// records whose variables it begins with.
    #[serde(default)]
    secrets: Vec<String>,
    /// Terminal width. Default 120.
    #[schemars(extend("default" = 120))]
    #[schemars(range(min = 16, max = 500))]
    cols: Option<u16>,
    /// Terminal height. Default 40.
    #[schemars(extend("default" = 40))]
    #[schemars(range(min = 2, max = 200))]
    rows: Option<u16>,
    /// Keep a redacted transcript.
    #[serde(default)]
    record: bool,
    /// Close it after this many idle seconds. Default 3600.
    idle_timeout_s: Option<u32>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Shell,
    Terminal,
}

/// The answer of `ssh_session_open`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OpenFields {
    /// The session's id, for ssh_exec and ssh_session_close.
    session: String,
    /// False when a session of that name was open already.
    created: bool,
    kind: Kind,
    /// The account.
    user: String,
    /// The host's alias.
    host: String,
}

/// Opens a session.
pub async fn open(call: &Call) -> Handled {
    let args: OpenArgs = call.arguments()?;
    let mut grant = confirm::grant(call, args.confirm, args.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let (_, outcome) = call.ask(Request::OpenSession(request(&args, grant.clone())?)).await?;
        match outcome {
            Outcome::Session(session) => return Ok(opened(session).into()),
            Outcome::NeedsConfirmation(needs) if !asked => {
                match confirm::ask(call, &args.target, &whole_request(&args), &needs).await? {
                    Asked::Agreed(given) => grant = given,
                    Asked::Reply(reply) => return Ok(reply),
                }
                asked = true;
            }
            Outcome::Blocked { failure, rules: _ } => return Ok(Answer::blocked(failure, &()).into()),
            Outcome::NeedsConfirmation(_) => return Err(confirm::does_not_count()),
            _ => return Err(misplaced("ssh_session_open")),
        }
    }
}

/// Everything the confirmation covers, as a person must see it.
fn whole_request(args: &OpenArgs) -> String {
    let what = match args.kind {
        Kind::Shell => "# a shell session",
        Kind::Terminal => "# an interactive terminal: what is typed into it is not judged",
    };
    Covered::of(what)
        .and("named", args.name.as_deref())
        .around(args.cwd.as_deref(), &args.env, &args.secrets)
        .text()
}

fn request(args: &OpenArgs, grant: Grant) -> Result<OpenSession, Failure> {
    Ok(OpenSession {
        target: TargetName::new(args.target.as_str()).map_err(bounds)?,
        name: optional(args.name.clone(), SessionName::new)?,
        kind: match args.kind {
            Kind::Shell => SessionKind::Shell,
            Kind::Terminal => SessionKind::Terminal,
        },
        cwd: optional(args.cwd.clone(), RemotePath::new)?,
        env: variables(&args.env)?,
        secrets: secrets(&args.secrets)?,
        cols: args.cols.unwrap_or(120),
        rows: args.rows.unwrap_or(40),
        record: args.record,
        idle_timeout_s: args.idle_timeout_s.unwrap_or(0),
        consent: grant.consent,
        confirmation: grant.confirmation,
    })
}

fn opened(session: Session) -> Answer {
    let fields = OpenFields {
        session: session.session.into_string(),
        created: session.created,
        kind: match session.kind {
            SessionKind::Shell => Kind::Shell,
            SessionKind::Terminal => Kind::Terminal,
        },
        user: session.user.into_string(),
        host: session.host.into_string(),
    };
    let state = if fields.created { "opened" } else { "was open already" };
    let text = format!("session {} {state}: {}@{}", fields.session, fields.user, fields.host);
    Answer::new(Status::Ok, &fields, text)
}

/// The arguments of `ssh_session_close`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseArgs {
    /// The session's id or name.
    session: String,
}

/// The answer of `ssh_session_close`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CloseFields {
    /// Whether a command was running in it.
    was_running: bool,
}

/// Closes a session.
pub async fn close(call: &Call) -> Handled {
    let args: CloseArgs = call.arguments()?;
    let session = SessionName::new(args.session).map_err(bounds)?;
    let (_, outcome) = call.ask(Request::CloseSession { session }).await?;
    let Outcome::Closed { was_running } = outcome else { return Err(misplaced("ssh_session_close")) };
    let text = if was_running { "closed; a command was running in it" } else { "closed" };
    Ok(Answer::new(Status::Ok, &CloseFields { was_running }, text).into())
}

/// The arguments of `ssh_list_active`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActiveArgs {
    /// Only these.
    kind: Option<ActiveName>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ActiveName {
    Session,
    Job,
    Forward,
    Connection,
}

impl From<ActiveName> for ActiveKind {
    fn from(name: ActiveName) -> Self {
        match name {
            ActiveName::Session => Self::Session,
            ActiveName::Job => Self::Job,
            ActiveName::Forward => Self::Forward,
            ActiveName::Connection => Self::Connection,
        }
    }
}

impl From<ActiveKind> for ActiveName {
    fn from(kind: ActiveKind) -> Self {
        match kind {
            ActiveKind::Session => Self::Session,
            ActiveKind::Job => Self::Job,
            ActiveKind::Forward => Self::Forward,
            ActiveKind::Connection => Self::Connection,
        }
    }
}

/// The answer of `ssh_list_active`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActiveFields {
    /// What is open.
    items: Vec<ActiveItem>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ActiveItem {
    kind: ActiveName,
    id: String,
    /// Where: user@alias.
    target: String,
    uptime_s: u64,
    idle_s: u64,
    /// A session's name, a job's command.
    detail: String,
}

/// Lists what is open.
pub async fn list_active(call: &Call) -> Handled {
    let args: ActiveArgs = call.arguments()?;
    let (events, outcome) = call.ask(Request::ListActive { kind: args.kind.map(Into::into) }).await?;
    let Outcome::Listed = outcome else { return Err(misplaced("ssh_list_active")) };
    let items: Vec<ActiveItem> = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Active(entry) => Some(ActiveItem {
                kind: entry.kind.into(),
                id: entry.id.into_string(),
                target: entry.target.into_string(),
                uptime_s: entry.uptime_s,
                idle_s: entry.idle_s,
                detail: entry.detail.into_string(),
            }),
            _ => None,
        })
        .collect();
    let fields = ActiveFields { items };
    let text = active_text(&fields);
    Ok(Answer::new(Status::Ok, &fields, text).into())
}

fn active_text(fields: &ActiveFields) -> String {
    if fields.items.is_empty() {
        return "nothing is open".into();
    }
    let line = |item: &ActiveItem| {
        let kind = format!("{:?}", item.kind).to_lowercase();
        let detail = if item.detail.is_empty() { String::new() } else { format!(": {}", item.detail) };
        format!(
            "{kind} {} on {}, up {}, idle {}{detail}",
            item.id,
            item.target,
            span(item.uptime_s),
            span(item.idle_s)
        )
    };
    fields.items.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_told_a_line_each() {
        let item = |kind, id: &str, detail: &str| ActiveItem {
            kind,
            id: id.into(),
            target: "deploy@web1".into(),
            uptime_s: 200,
            idle_s: 3,
            detail: detail.into(),
        };
        let items = vec![item(ActiveName::Session, "s1", "build"), item(ActiveName::Connection, "c1", "")];
        insta::assert_snapshot!(active_text(&ActiveFields { items }), @r"
        session s1 on deploy@web1, up 3 min, idle 3 s: build
        connection c1 on deploy@web1, up 3 min, idle 3 s
        ");
        assert_eq!(active_text(&ActiveFields { items: vec![] }), "nothing is open");
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        assert!(
            serde_json::from_value::<OpenArgs>(serde_json::json!({"target": "a", "kind": "raw"})).is_err()
        );
    }
}
