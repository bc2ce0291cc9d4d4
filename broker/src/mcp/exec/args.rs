//! What a command's call asks for: its arguments, the request they make, and the text a person agrees to.

use std::collections::BTreeMap;

use sallyport_protocol::request::{EnvValue, EnvVar, Exec, InputPlan, Place};
use sallyport_protocol::text::{
    CommandText, EnvName, RemotePath, SecretName, SessionName, TargetName, UserName,
};
use sallyport_protocol::{Failure, List};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::mcp::call::{bounds, invalid, optional};
use crate::mcp::confirm::{Covered, Grant};

/// Without a progress token, a call that takes longer is answered with a job:
/// many clients give up after a minute.
pub const PATIENCE_MS: u32 = 45_000;
/// The longest timeout, in seconds: a week.
const LONGEST_TIMEOUT_S: u32 = 7 * 24 * 3600;

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where to run it: an alias from ssh_list_hosts, user@alias, or [user@]host[:port]. Either this or session.
    pub(super) target: Option<String>,
    /// The open shell session to run it in; its directory, variables and functions persist.
    pub(super) session: Option<String>,
    /// The command line, for the remote POSIX shell.
    command: String,
    /// Set by `ssh_sudo_exec` alone.
    #[serde(skip)]
    run_as: Option<String>,
    /// Directory to run it in.
    cwd: Option<String>,
    /// Environment variables to set for it.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Names of env:// records whose variables are set for it; their values stay hidden.
    #[serde(default)]
    secrets: Vec<String>,
    /// Text for its standard input; without it the command reads end of file.
    pub(super) stdin: Option<String>,
    /// Seconds until the call is answered with status timeout while the command goes on as a job. Default 60.
    #[schemars(range(min = 1, max = 604_800))]
    timeout_s: Option<u32>,
    /// Answer at once and let it run as a job, to be read with ssh_output and stopped with ssh_stop.
    #[serde(default)]
    background: bool,
    /// Characters of output in the answer; head and tail are kept, the rest is readable through ssh_output. Default 20000.
    #[schemars(range(min = 1, max = 200_000))]
    pub(super) max_chars: Option<u32>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    pub(super) confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    pub(super) confirmation_id: Option<String>,
}

/// The arguments of `ssh_sudo_exec`. What both tools have is written out: a flattened field would let unknown ones in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SudoArgs {
    /// Where to run it: an alias from ssh_list_hosts, user@alias, or [user@]host[:port]. Either this or session.
    target: Option<String>,
    /// The open shell session in whose directory to run it; sudo itself is started apart from its shell.
    session: Option<String>,
    /// The command line, for /bin/sh.
    command: String,
    /// The user to run it as. Default root.
    #[schemars(extend("default" = "root"))]
    run_as: Option<String>,
    /// Directory to run it in.
    cwd: Option<String>,
    /// Environment variables to set for it.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Names of env:// records whose variables are set for it; their values stay hidden.
    #[serde(default)]
    secrets: Vec<String>,
    /// Text for its standard input; without it the command reads end of file.
    stdin: Option<String>,
    /// Seconds until the call is answered with status timeout while the command goes on as a job. Default 60.
    #[schemars(range(min = 1, max = 604_800))]
    timeout_s: Option<u32>,
    /// Answer at once and let it run as a job, to be read with ssh_output and stopped with ssh_stop.
    #[serde(default)]
    background: bool,
    /// Characters of output in the answer; head and tail are kept, the rest is readable through ssh_output. Default 20000.
    #[schemars(range(min = 1, max = 200_000))]
    max_chars: Option<u32>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

/// Where and how a tool's own command runs.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The host.
    pub target: String,
    /// Through sudo, as this user.
    pub run_as: Option<String>,
    /// With the variables of these `env://` records.
    pub secrets: Vec<String>,
    /// Seconds; the host's default without.
    pub timeout_s: Option<u32>,
    /// What the call says of who agreed.
    pub confirm: bool,
    /// A confirmation it names.
    pub confirmation_id: Option<String>,
}

impl Asked {
    /// On a host, as root where the call says sudo, with what the call says of who agreed.
    pub fn on(target: &str, sudo: bool, confirm: bool, confirmation_id: Option<&String>) -> Self {
        Self {
            target: target.to_owned(),
            run_as: sudo.then(|| "root".to_owned()),
            confirm,
            confirmation_id: confirmation_id.cloned(),
            ..Self::default()
        }
    }
}

impl Args {
    /// A command that a tool composed, with nothing beside it.
    pub fn composed(command: String, asked: Asked) -> Self {
        Self {
            target: Some(asked.target),
            session: None,
            command,
            run_as: asked.run_as,
            cwd: None,
            env: BTreeMap::new(),
            secrets: asked.secrets,
            stdin: None,
            timeout_s: asked.timeout_s,
            background: false,
            max_chars: None,
            confirm: asked.confirm,
            confirmation_id: asked.confirmation_id,
        }
    }
}

impl From<SudoArgs> for Args {
    fn from(args: SudoArgs) -> Self {
        Self {
            target: args.target,
            session: args.session,
            command: args.command,
            run_as: Some(args.run_as.unwrap_or_else(|| "root".into())),
            cwd: args.cwd,
            env: args.env,
            secrets: args.secrets,
            stdin: args.stdin,
            timeout_s: args.timeout_s,
            background: args.background,
            max_chars: args.max_chars,
            confirm: args.confirm,
            confirmation_id: args.confirmation_id,
        }
    }
}

/// Everything the confirmation covers, as a person must see it.
pub(super) fn whole_request(args: &Args) -> String {
    let stdin = args.stdin.as_ref().map(|stdin| format!("{} bytes", stdin.len()));
    Covered::of(&args.command)
        .and("through sudo as", args.run_as.as_deref())
        .around(args.cwd.as_deref(), &args.env, &args.secrets)
        .and("standard input", stdin.as_deref())
        .text()
}

/// A call's time in milliseconds; zero if it sets none.
///
/// # Errors
/// `invalid_argument` when it is none that the schema allows.
pub fn timeout_ms(seconds: Option<u32>) -> Result<u32, Failure> {
    if seconds.is_some_and(|s| s == 0 || s > LONGEST_TIMEOUT_S) {
        return Err(invalid(format!("timeout_s is from 1 to {LONGEST_TIMEOUT_S}")));
    }
    Ok(seconds.unwrap_or(0) * 1000)
}

pub(super) fn request(args: &Args, grant: &Grant, patient: bool) -> Result<Exec, Failure> {
    let place = match (&args.target, &args.session) {
        (Some(target), None) => Place::Target(TargetName::new(target.as_str()).map_err(bounds)?),
        (None, Some(session)) => Place::Session(SessionName::new(session.as_str()).map_err(bounds)?),
        _ => return Err(invalid("give either target or session")),
    };
    Ok(Exec {
        place,
        command: CommandText::new(args.command.as_str()).map_err(bounds)?,
        cwd: optional(args.cwd.clone(), RemotePath::new)?,
        env: variables(&args.env)?,
        secrets: secrets(&args.secrets)?,
        input: args.stdin.as_deref().map(input_plan),
        run_as: optional(args.run_as.clone(), UserName::new)?,
        timeout_ms: timeout_ms(args.timeout_s)?,
        detach_ms: if patient { 0 } else { PATIENCE_MS },
        background: args.background,
        consent: grant.consent,
        confirmation: grant.confirmation.clone(),
    })
}

/// Environment variables as the protocol carries them.
///
/// # Errors
/// `invalid_argument` or `too_large`.
pub fn variables(env: &BTreeMap<String, String>) -> Result<List<EnvVar, 64>, Failure> {
    let variables: Result<Vec<_>, _> = env
        .iter()
        .map(|(name, value)| {
            Ok(EnvVar { name: EnvName::new(name.as_str())?, value: EnvValue::new(value.as_str())? })
        })
        .collect();
    variables.and_then(List::new).map_err(bounds)
}

/// Names of `env://` records as the protocol carries them.
///
/// # Errors
/// `invalid_argument` or `too_large`.
pub fn secrets(names: &[String]) -> Result<List<SecretName, 16>, Failure> {
    let names: Result<Vec<_>, _> =
        names.iter().map(|name| SecretName::new(name.strip_prefix("env://").unwrap_or(name))).collect();
    names.and_then(List::new).map_err(bounds)
}

fn input_plan(text: &str) -> InputPlan {
    InputPlan { length: text.len() as u64, sha256: Sha256::digest(text).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: serde_json::Value) -> Args {
        serde_json::from_value(json).unwrap()
    }

    fn plain(json: serde_json::Value) -> Result<Exec, Failure> {
        request(
            &args(json),
            &Grant { consent: sallyport_protocol::request::Consent::None, confirmation: None },
            false,
        )
    }

    fn code(json: serde_json::Value) -> &'static str {
        plain(json).unwrap_err().code.as_str()
    }

    #[test]
    fn target_and_session_exclude_each_other_and_one_is_needed() {
        assert_eq!(code(serde_json::json!({"command": "true"})), "invalid_argument");
        let both = serde_json::json!({"command": "true", "target": "a", "session": "b"});
        assert_eq!(code(both), "invalid_argument");
    }

    #[test]
    fn commands_outside_their_bounds_are_refused_with_the_documented_codes() {
        let with = |command: String| code(serde_json::json!({"target": "web1", "command": command}));
        assert_eq!(with("x".repeat(1 << 20)), "too_large");
        assert_eq!(with("echo \0".into()), "invalid_argument");
        assert_eq!(with(String::new()), "invalid_argument");
    }

    #[test]
    fn a_bad_variable_name_a_bad_target_and_a_silly_timeout_are_refused() {
        let with = |extra: serde_json::Value| {
            let mut base = serde_json::json!({"target": "web1", "command": "true"});
            base.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            code(base)
        };
        assert_eq!(with(serde_json::json!({"env": {"A=B": "c"}})), "invalid_argument");
        assert_eq!(with(serde_json::json!({"target": "-oProxyCommand=x"})), "invalid_argument");
        assert_eq!(with(serde_json::json!({"timeout_s": 0})), "invalid_argument");
        assert_eq!(with(serde_json::json!({"secrets": ["a/b"]})), "invalid_argument");
    }

    #[test]
    fn input_is_announced_with_its_length_and_digest() {
        let exec = plain(serde_json::json!({"target": "web1", "command": "cat", "stdin": "hi"})).unwrap();
        let plan = exec.input.unwrap();
        assert_eq!((plan.length, plan.sha256[0]), (2, 0x8f));
        assert_eq!((exec.timeout_ms, exec.detach_ms), (0, 45_000));
    }

    #[test]
    fn only_the_sudo_tool_names_another_user_and_root_is_its_default() {
        let sudo = |json| Args::from(serde_json::from_value::<SudoArgs>(json).unwrap());
        let with = sudo(serde_json::json!({"target": "web1", "command": "id"}));
        assert_eq!(with.run_as.as_deref(), Some("root"));
        assert!(whole_request(&with).contains("# through sudo as: root"));
        assert!(
            serde_json::from_value::<Args>(
                serde_json::json!({"target": "a", "command": "id", "run_as": "root"})
            )
            .is_err()
        );
    }

    #[test]
    fn a_person_sees_everything_a_confirmation_covers() {
        let args = args(serde_json::json!({
            "target": "web1", "command": "make install", "cwd": "/src", "env": {"PREFIX": "/usr\n# fake"},
            "secrets": ["deploy"], "stdin": "yes"
        }));
        insta::assert_snapshot!(whole_request(&args), @r"
        make install
        # in directory: /src
        # with: PREFIX=/usr\n# fake
        # with the variables of: env://deploy
        # standard input: 3 bytes
        ");
    }
}
