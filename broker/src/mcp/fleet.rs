//! `ssh_fleet_exec`: one command on many hosts at once, each judged, confirmed and audited as its own.

use std::collections::{BTreeSet, VecDeque};

use sallyport_protocol::Failure;
use sallyport_protocol::reply::{Detach, Event, Outcome};
use sallyport_protocol::request::{Consent, Exec, HostFilter, Place, Request};
use sallyport_protocol::text::{CommandText, TargetName, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::answer::{Answer, Confirmation, Status, misplaced};
use super::call::{Call, Handled, bounds, invalid};
use super::confirm;
use super::exec::{PATIENCE_MS, Written, run, timeout_ms};
use super::progress::Progress;
use crate::format::render_pair;

/// Hosts of one call at most.
const MOST_TARGETS: usize = 256;
const PARALLEL: usize = 10;
const MOST_PARALLEL: usize = 50;
/// Every group of equal outputs shows at least this many characters, however many groups there are.
const LEAST_CHARS: usize = 200;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where to run it: aliases from ssh_list_hosts, or user@alias. Either this or tag.
    #[serde(default)]
    targets: Vec<String>,
    /// Run it on every host with this tag.
    tag: Option<String>,
    /// The command line, for the remote POSIX shell.
    command: String,
    /// Hosts at once. Default 10.
    #[schemars(range(min = 1, max = 50))]
    #[schemars(extend("default" = 10))]
    parallel: Option<usize>,
    /// After the first host where it does not succeed, begin on no further one.
    #[serde(default)]
    fail_fast: bool,
    /// Seconds until a host's command goes on as a job. Default 60.
    #[schemars(range(min = 1, max = 604_800))]
    timeout_s: Option<u32>,
    /// Characters of output in the answer, shared by the groups. Default 20000.
    #[schemars(range(min = 1, max = 200_000))]
    max_chars: Option<u32>,
    /// You are sure, where a host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
}

/// The answer's own fields.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// How it went, in the order of the targets.
    results: Vec<OnHost>,
    /// Outputs, each once, with the hosts that gave it; the largest group first.
    groups: Vec<Group>,
    /// Hosts where it ran and exited with 0.
    succeeded: usize,
    /// Hosts where it did not, or was not begun.
    failed: usize,
}

/// How it went on one host.
#[derive(Debug, Serialize, JsonSchema)]
struct OnHost {
    target: String,
    /// ok, running, timeout, needs_confirmation, blocked, error, or skipped after another's failure.
    status: &'static str,
    exit_code: Option<i32>,
    signal: Option<String>,
    /// The place of its output in `groups`.
    group: Option<usize>,
    /// On error and blocked: the stable code.
    code: Option<&'static str>,
    message: Option<String>,
    hint: Option<String>,
    /// On needs_confirmation: give its id with ssh_exec on this host.
    confirmation: Option<Confirmation>,
    /// All of its output is read with ssh_output under this id.
    output_id: Option<String>,
    duration_ms: u64,
    redactions: u64,
}

/// One output.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Group {
    targets: Vec<String>,
    exit_code: Option<i32>,
    stdout: String,
    stderr: String,
    truncated: bool,
}

/// What came back from one host.
struct Back {
    place: usize,
    ended: Result<Outcome, Failure>,
    written: Written,
}

/// Runs a command on many hosts.
pub async fn exec(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let parallel = args.parallel.unwrap_or(PARALLEL);
    if !(1..=MOST_PARALLEL).contains(&parallel) {
        return Err(invalid(format!("parallel is from 1 to {MOST_PARALLEL}")));
    }
    let timeout_ms = timeout_ms(args.timeout_s)?;
    let targets = targets(call, &args).await?;
    let requests: Result<VecDeque<_>, Failure> = targets
        .iter()
        .enumerate()
        .map(|(place, target)| Ok((place, request(&args, target, timeout_ms)?)))
        .collect();
    let chars = call.answer_chars(args.max_chars) as usize;
    let backs = call.unless_cancelled(all(call, requests?, parallel, args.fail_fast, chars)).await?;
    let fields = fields(&targets, backs, chars);
    let text = text(&fields);
    Ok(Answer::new(Status::Ok, &fields, text).into())
}

/// The hosts that are meant, each once, in the order given.
async fn targets(call: &Call, args: &Args) -> Result<Vec<String>, Failure> {
    let named = match (&args.targets[..], &args.tag) {
        ([], Some(tag)) => tagged(call, tag).await?,
        ([_, ..], None) => args.targets.clone(),
        _ => return Err(invalid("give either targets or tag")),
    };
    if named.len() > MOST_TARGETS {
        return Err(invalid(format!("{} hosts are meant; {MOST_TARGETS} are allowed", named.len())));
    }
    let mut seen = BTreeSet::new();
    Ok(named.into_iter().filter(|target| seen.insert(target.clone())).collect())
}

async fn tagged(call: &Call, tag: &str) -> Result<Vec<String>, Failure> {
    let filter = HostFilter { host: None, tag: Some(Word::new(tag).map_err(bounds)?), query: None };
    let (events, _) = call.ask(Request::ListHosts(filter)).await?;
    let hosts: Vec<String> = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Host(host) => Some(host.alias.into_string()),
            _ => None,
        })
        .collect();
    match hosts.is_empty() {
        true => Err(invalid(format!("no host has the tag {}", crate::format::one_line(tag)))),
        false => Ok(hosts),
    }
}

fn request(args: &Args, target: &str, timeout_ms: u32) -> Result<Exec, Failure> {
    Ok(Exec {
        place: Place::Target(TargetName::new(target).map_err(bounds)?),
        command: CommandText::new(args.command.as_str()).map_err(bounds)?,
        cwd: None,
        env: Default::default(),
        secrets: Default::default(),
        input: None,
        run_as: None,
        timeout_ms,
        detach_ms: PATIENCE_MS,
        background: false,
        consent: if args.confirm { Consent::Model } else { Consent::None },
        confirmation: None,
    })
}

/// Runs all of them, `parallel` at once. Dropped, it stops those under way.
async fn all(
    call: &Call,
    mut waiting: VecDeque<(usize, Exec)>,
    parallel: usize,
    fail_fast: bool,
    chars: usize,
) -> Result<Vec<Back>, Failure> {
    let mut running = JoinSet::new();
    let mut backs = Vec::new();
    loop {
        while running.len() < parallel
            && let Some((place, request)) = waiting.pop_front()
        {
            let link = call.link.clone();
            let mut progress = Progress::none();
            running.spawn(async move {
                let mut written = Written::for_chars(chars);
                let ended = run(&link, request, None, &mut written, &mut progress).await;
                Back { place, ended, written }
            });
        }
        match running.join_next().await {
            Some(Ok(back)) => {
                if fail_fast
                    && !matches!(&back.ended, Ok(Outcome::Exited(exited)) if exited.exit_code == Some(0))
                {
                    waiting.clear();
                }
                backs.push(back);
            }
            Some(Err(_)) => return Err(misplaced("ssh_fleet_exec")),
            None => return Ok(backs),
        }
    }
}

fn fields(targets: &[String], backs: Vec<Back>, chars: usize) -> Fields {
    let mut results: Vec<OnHost> = targets.iter().map(|target| OnHost::skipped(target)).collect();
    let share = (chars / backs.len().max(1)).max(LEAST_CHARS);
    let mut groups: Vec<Group> = Vec::new();
    for Back { place, ended, written } in backs {
        let result = &mut results[place];
        result.take(ended);
        if !matches!(result.status, "ok" | "timeout" | "running") {
            continue;
        }
        let (stdout, stderr, truncated) = render_pair(&written.out, &written.err, share);
        let same = |group: &Group| {
            group.exit_code == result.exit_code && group.stdout == stdout && group.stderr == stderr
        };
        match groups.iter_mut().find(|group| same(group)) {
            Some(group) => group.targets.push(result.target.clone()),
            None => {
                let targets = vec![result.target.clone()];
                groups.push(Group { targets, exit_code: result.exit_code, stdout, stderr, truncated });
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.targets.len()));
    for result in &mut results {
        result.group = groups.iter().position(|group| group.targets.contains(&result.target));
    }
    let succeeded =
        results.iter().filter(|result| result.status == "ok" && result.exit_code == Some(0)).count();
    Fields { failed: results.len() - succeeded, results, groups, succeeded }
}

impl OnHost {
    /// Nothing was begun there.
    fn skipped(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            status: "skipped",
            exit_code: None,
            signal: None,
            group: None,
            code: None,
            message: None,
            hint: None,
            confirmation: None,
            output_id: None,
            duration_ms: 0,
            redactions: 0,
        }
    }

    fn take(&mut self, ended: Result<Outcome, Failure>) {
        let failure = match ended {
            Ok(Outcome::Exited(exited)) => {
                self.status = "ok";
                self.exit_code = exited.exit_code;
                self.signal = Some(exited.signal.into_string()).filter(|signal| !signal.is_empty());
                self.output_id = Some(exited.job.into_string());
                self.duration_ms = exited.duration_ms;
                self.redactions = exited.redactions;
                return;
            }
            Ok(Outcome::Detached { job, reason, duration_ms, redactions }) => {
                self.status = if reason == Detach::Timeout { "timeout" } else { "running" };
                self.output_id = Some(job.into_string());
                self.duration_ms = duration_ms;
                self.redactions = redactions;
                return;
            }
            Ok(Outcome::NeedsConfirmation(needs)) => {
                self.status = "needs_confirmation";
                let how = format!(
                    "Ask the operator to run `sallyport approve {id}`, then run the command on this host with \
                     ssh_exec and confirmation_id \"{id}\".",
                    id = needs.id
                );
                self.confirmation = Some(Confirmation { how, ..confirm::confirmation(&needs) });
                return;
            }
            Ok(Outcome::Blocked { failure, .. }) => {
                self.status = "blocked";
                failure
            }
            Ok(Outcome::Failed(failure)) | Err(failure) => {
                self.status = "error";
                failure
            }
            Ok(_) => {
                self.status = "error";
                misplaced("ssh_fleet_exec")
            }
        };
        self.code = Some(failure.code.as_str());
        self.message = Some(failure.message.into_string());
        self.hint = Some(failure.hint.into_string());
    }
}

/// The rendering for clients that show only text.
fn text(fields: &Fields) -> String {
    let mut text = String::new();
    for group in &fields.groups {
        let code = group.exit_code.map_or("no exit code yet".to_owned(), |code| format!("exit {code}"));
        text.push_str(&format!("== {} [{code}]\n{}", group.targets.join(", "), group.stdout));
        if !group.stderr.is_empty() {
            text.push_str(&format!("[stderr]\n{}", group.stderr));
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    for result in &fields.results {
        let why = match (&result.confirmation, &result.message) {
            (Some(confirmation), _) => format!("{}: {}", confirmation.id, confirmation.reason),
            (None, Some(message)) => message.clone(),
            (None, None) if result.status == "skipped" => "not begun, after a failure elsewhere".to_owned(),
            (None, None) => continue,
        };
        text.push_str(&format!("== {} [{}] {why}\n", result.target, result.status));
    }
    format!("{text}[{} of {} hosts succeeded]", fields.succeeded, fields.results.len())
}

#[cfg(test)]
mod tests {
    use sallyport_protocol::ErrorCode;
    use sallyport_protocol::reply::Exited;

    use super::*;

    fn back(place: usize, code: i32, out: &str) -> Back {
        let mut written = Written::for_chars(1000);
        written.out.push(out.as_bytes());
        let exited = Exited {
            exit_code: Some(code),
            signal: "".into(),
            duration_ms: 5,
            cwd: "".into(),
            session_ended: "".into(),
            job: "j1".into(),
            redactions: 0,
        };
        Back { place, ended: Ok(Outcome::Exited(exited)), written }
    }

    #[test]
    fn equal_outputs_are_shown_once_and_failures_by_host() {
        let targets = ["web1", "web2", "web3", "db1", "db2"].map(str::to_owned);
        let refused = Failure::new(ErrorCode::SshConnectionFailed, "db1 does not answer", "try again");
        let gone = Back { place: 3, ended: Err(refused), written: Written::for_chars(10) };
        let backs = vec![back(1, 1, "odd\n"), back(2, 0, "6.1"), gone, back(0, 0, "6.1")];
        let fields = fields(&targets, backs, 1000);
        assert_eq!((fields.succeeded, fields.failed), (2, 3));
        insta::assert_snapshot!(text(&fields), @r"
        == web3, web1 [exit 0]
        6.1
        == web2 [exit 1]
        odd
        == db1 [error] db1 does not answer
        == db2 [skipped] not begun, after a failure elsewhere
        [2 of 5 hosts succeeded]
        ");
        let places: Vec<_> = fields.results.iter().map(|result| result.group).collect();
        assert_eq!(places, [Some(0), Some(1), Some(0), None, None]);
    }
}
