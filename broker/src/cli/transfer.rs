//! `sallyport get` and `sallyport put`: the same road as `ssh_download` and `ssh_upload`.
//!
//! The local path is the person's own: it may be anywhere, and only its last name is not followed as a link.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use sallyport_protocol::request::Consent;
use sallyport_protocol::text::{ConfirmationId, RemotePath, TargetName, TextError, Word};
use sallyport_protocol::transfer::{Mirror, Transfer};
use sallyport_protocol::{ErrorCode, Failure, List, name};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::exec::{BLOCKED, CONNECTION, NEEDS_CONFIRMATION, unconfirmed};
use super::output::{Problem, USAGE, json, line};
use crate::link::Broker;
use crate::mcp::transfer::{fields, summary};
use crate::transfer::{Ending, Meter, Roots, download, upload};

/// How often the bar is drawn.
const DRAWN: Duration = Duration::from_millis(200);

/// What both commands take.
#[derive(Debug, clap::Args)]
struct Options {
    /// A directory and everything in it; links are left out.
    #[arg(short, long)]
    recursive: bool,
    /// Make directories that are missing above the destination.
    #[arg(long)]
    create_parents: bool,
    /// Replace files that are there.
    #[arg(long)]
    overwrite: bool,
    /// Set permissions and times of last change as they are at the source.
    #[arg(short, long)]
    preserve: bool,
    /// Send only what differs in size or time of last change; replaces what differs.
    #[arg(long)]
    mirror: bool,
    /// With --mirror: remove at the destination what is not at the source.
    #[arg(long, requires = "mirror")]
    delete: bool,
    /// With --mirror: leave alone what fits the glob, on both sides.
    #[arg(long, value_name = "GLOB", requires = "mirror")]
    exclude: Vec<String>,
    /// With --mirror: only say what would be done.
    #[arg(long, requires = "mirror")]
    dry_run: bool,
    /// With --mirror: compare files of equal size by content.
    #[arg(long, requires = "mirror")]
    by_content: bool,
    /// The id of a confirmation a person gave for exactly this transfer.
    #[arg(long, value_name = "ID")]
    confirmation_id: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct GetArgs {
    /// An alias, user@alias, or [user@]host[:port] with a vault record.
    target: String,
    /// The file or directory on the host.
    source: String,
    /// Where it goes on this machine; a directory keeps the file's name.
    destination: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// The arguments of `put`.
#[derive(Debug, clap::Args)]
pub struct PutArgs {
    /// An alias, user@alias, or [user@]host[:port] with a vault record.
    target: String,
    /// The file or directory on this machine.
    source: PathBuf,
    /// Where it goes on the host; with a slash at its end it keeps the file's name.
    destination: String,
    #[command(flatten)]
    options: Options,
}

impl GetArgs {
    /// Downloads.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let mut destination = self.destination.clone();
        let whole_tree = self.options.recursive || self.options.mirror;
        if destination.as_os_str() == "." || destination.is_dir() && !whole_tree {
            destination.push(last_name(&self.source)?);
        }
        let local = Roots::around(&destination)?;
        let ask = self.options.request(&self.target, &self.source)?;
        let link = super::link::<Broker>()?;
        let meter = Meter::default();
        let work = download(&link, &local, &ask, &meter);
        let ending = watched(work, &meter, &self.source).await;
        self.options.report(ending, "downloaded")
    }
}

impl PutArgs {
    /// Uploads.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        use std::os::unix::ffi::OsStrExt;
        let mut destination = self.destination.clone();
        if destination.ends_with('/') || destination.is_empty() {
            let name = self.source.file_name().ok_or_else(|| {
                Problem::usage("the source has no name", "say what it is to be called on the host")
            })?;
            destination.push_str(&name::to_text(name.as_bytes()));
        }
        let local = Roots::around(&self.source)?;
        let ask = self.options.request(&self.target, &destination)?;
        let link = super::link::<Broker>()?;
        let meter = Meter::default();
        let work = upload(&link, &local, &ask, &meter);
        let ending = watched(work, &meter, &local.given).await;
        self.options.report(ending, "uploaded")
    }
}

fn last_name(path: &str) -> Result<&Path, Problem> {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match name {
        "" | "." | ".." | "~" => {
            Err(Problem::usage("the source has no name", "say what it is to be called on this machine"))
        }
        name => Ok(Path::new(name)),
    }
}

impl Options {
    fn request(&self, target: &str, path: &str) -> Result<Transfer, Problem> {
        let mirror = self.mirror.then(|| {
            let exclude: Result<Vec<Word>, _> =
                self.exclude.iter().map(|glob| Word::new(glob.as_str())).collect();
            Ok::<_, TextError>(Mirror {
                delete: self.delete,
                exclude: List::new(exclude?)?,
                dry_run: self.dry_run,
                by_content: self.by_content,
            })
        });
        Ok(Transfer {
            target: TargetName::new(target).map_err(usage)?,
            path: RemotePath::new(path).map_err(usage)?,
            recursive: self.recursive || self.mirror,
            create_parents: self.create_parents,
            overwrite: self.overwrite,
            keep_permissions: self.preserve,
            keep_times: self.preserve,
            mirror: mirror.transpose().map_err(usage)?,
            consent: Consent::None,
            confirmation: self.confirmation_id.clone().map(ConfirmationId::new).transpose().map_err(usage)?,
        })
    }

    fn report(&self, ending: Result<Ending, Failure>, verb: &str) -> Result<ExitCode, Problem> {
        let (status, code, failure) = match ending {
            Ok(Ending::Done(report)) => {
                let fields = fields(&report);
                if self.json {
                    let mut report = serde_json::to_value(&fields).unwrap_or_default();
                    report["status"] = "ok".into();
                    json(&report)?;
                } else {
                    let verb = if self.dry_run { format!("would have {verb}") } else { verb.to_owned() };
                    line(&summary(&fields, &verb))?;
                }
                return Ok(ExitCode::SUCCESS);
            }
            Ok(Ending::Needs(needs)) if self.json => {
                json(&json!({
                    "status": "needs_confirmation",
                    "confirmation": {
                        "id": needs.id.as_str(),
                        "reason": needs.reason.as_str(),
                        "rules": needs.rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(),
                        "expires_in_s": needs.expires_in_s,
                        "how": unconfirmed(&needs).hint.as_str(),
                    },
                }))?;
                return Ok(ExitCode::from(NEEDS_CONFIRMATION));
            }
            Ok(Ending::Needs(needs)) => ("needs_confirmation", NEEDS_CONFIRMATION, unconfirmed(&needs)),
            Ok(Ending::Blocked { failure, rules: _ }) => ("blocked", BLOCKED, failure),
            Err(failure) => ("error", exit_code(failure.code), failure),
        };
        if self.json {
            json(&json!({
                "status": status,
                "code": failure.code.as_str(),
                "message": failure.message.as_str(),
                "hint": failure.hint.as_str(),
                "retryable": failure.retryable,
            }))?;
            return Ok(ExitCode::from(code));
        }
        Err(Problem { failure, code })
    }
}

/// 255 is the connection's and the vault's, 2 is usage, 1 whatever is about the files.
fn exit_code(code: ErrorCode) -> u8 {
    use ErrorCode::*;
    match code {
        InvalidArgument => USAGE,
        MissingCredential
        | VaultLocked
        | CredentialBackendUnavailable
        | AmbiguousUser
        | UnknownHost
        | SshConnectionFailed
        | AuthFailed
        | MfaRequired
        | HostKeyUnknown
        | HostKeyChanged
        | HelperUnavailable
        | InternalError => CONNECTION,
        _ => 1,
    }
}

fn usage(error: TextError) -> Problem {
    Problem::usage(error.to_string(), "see `sallyport get --help` and `sallyport put --help`")
}

/// Draws a bar on a terminal while the transfer runs, and stops it when it is interrupted.
async fn watched(
    work: impl Future<Output = Result<Ending, Failure>>,
    meter: &Meter,
    what: &str,
) -> Result<Ending, Failure> {
    let stop = |error: std::io::Error| {
        Failure::new(ErrorCode::InternalError, format!("signals cannot be received: {error}"), "")
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(stop)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(stop)?;
    let shown = std::io::stderr().is_terminal();
    let began = Instant::now();
    let mut ticks = tokio::time::interval_at(began + DRAWN, DRAWN);
    let mut work = std::pin::pin!(work);
    let ending = loop {
        tokio::select! {
            ending = &mut work => break ending,
            _ = ticks.tick(), if shown => draw(&bar(meter.bytes(), meter.total(), began.elapsed(), what)),
            _ = interrupt.recv() => break Err(interrupted()),
            _ = terminate.recv() => break Err(interrupted()),
        }
    };
    if shown {
        draw("");
    }
    ending
}

fn interrupted() -> Failure {
    Failure::new(
        ErrorCode::InternalError,
        "interrupted; no file has changed but those that were whole",
        "run it again; a .part file beside the target is swept by the next transfer into that directory",
    )
}

fn draw(text: &str) {
    // A bar that cannot be drawn is no reason to stop.
    let _ = write!(std::io::stderr().lock(), "\r\x1b[K{text}");
    let _ = std::io::stderr().flush();
}

fn bar(bytes: u64, total: u64, took: Duration, what: &str) -> String {
    const WIDTH: u64 = 24;
    let rate = bytes as f64 / took.as_secs_f64().max(0.001);
    let what: String = crate::format::one_line(what).chars().take(30).collect();
    if total == 0 {
        return format!("{what}  {}  {}/s", size(bytes as f64), size(rate));
    }
    let filled = usize::try_from(bytes.min(total) * WIDTH / total).unwrap_or(0);
    let empty = WIDTH as usize - filled;
    format!(
        "{what} [{}{}] {:3}%  {}  {}/s",
        "=".repeat(filled),
        " ".repeat(empty),
        bytes.min(total) * 100 / total,
        size(bytes as f64),
        size(rate)
    )
}

fn size(bytes: f64) -> String {
    let (mut value, mut unit) = (bytes, "B");
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" { format!("{value:.0} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_tells_how_far_it_is_and_how_fast() {
        let second = Duration::from_secs(1);
        insta::assert_snapshot!(bar(64_000_000, 128_000_000, second, "a file"),
            @"a file [============            ]  50%  64.0 MB  64.0 MB/s");
        insta::assert_snapshot!(bar(900, 0, second, "x"), @"x  900 B  900 B/s");
    }

    #[test]
    fn errors_about_files_are_1_and_about_the_way_there_255() {
        assert_eq!(exit_code(ErrorCode::FileExists), 1);
        assert_eq!(exit_code(ErrorCode::VaultLocked), 255);
        assert_eq!(exit_code(ErrorCode::InvalidArgument), 2);
    }
}
