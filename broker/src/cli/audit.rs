//! `sallyport audit`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use sallyport_protocol::admin::{AdminOutcome, AdminRequest};
use sallyport_protocol::{ErrorCode, Failure};
use serde_json::{Value, json};

use super::admin::ask;
use super::output::{Problem, json, line, unwritable};
use crate::audit::record::{Fields, Wish, select, table};
use crate::audit::verify::{Anchor, Verdict, Verifier, hash};
use crate::audit::{files, when};
use crate::config::state_directory;
use crate::format::one_line;
use crate::link::Admin;

/// Look at the audit log: what was done, by whom, on which host, and whether the log is whole.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what was done.
    Show {
        /// Not before this: 2026-01-02, 2026-01-02T03:04:05Z, today, yesterday, or a span such as 2h.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// On this host only: an alias, an address, or user@alias.
        #[arg(long)]
        host: Option<String>,
        /// Print the records as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that the log is whole: no record missing, changed, moved or cut off, every intent with its outcome.
    Verify {
        /// Check these files instead, oldest first (an export, say).
        files: Vec<PathBuf>,
        /// The number of the first record, when earlier files were put into an archive.
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        from: u64,
        /// A record known from an earlier check, as `audit verify` printed it.
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Vec<String>,
        /// A copy of the log or of a part of it; every record in it must still be there.
        #[arg(long, value_name = "FILE")]
        against: Vec<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the log's lines as they are, oldest first, for keeping elsewhere.
    Export {
        /// Not before this, as for `show`.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        match self.command {
            Command::Show { since, host, json } => show(since, host, json),
            Command::Export { since } => export(since),
            Command::Verify { files, from, head, against, json } => {
                verify(files, from, &head, &against, json).await
            }
        }
    }
}

fn folder() -> PathBuf {
    state_directory().join("audit")
}

fn read_since(since: Option<String>) -> Result<Option<String>, Problem> {
    let read = |text: String| {
        when::since(&text, SystemTime::now()).map_err(|error| {
            Problem::usage(error, "write 2026-01-02, 2026-01-02T03:04:05Z, today, or a span such as 2h")
        })
    };
    since.map(read).transpose()
}

fn show(since: Option<String>, host: Option<String>, as_json: bool) -> Result<ExitCode, Problem> {
    let wish = Wish { since: read_since(since)?, host };
    let mut records: Vec<Fields> = Vec::new();
    for file in files::of(&folder())? {
        files::lines(&file, |_, bytes, _| {
            // What is no record is `verify`'s business.
            if let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) {
                records.push(fields);
            }
            Ok(())
        })?;
    }
    let records = select(records, &wish);
    if as_json {
        json(&records)?;
    } else {
        table(&records).iter().try_for_each(|text| line(text))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn export(since: Option<String>) -> Result<ExitCode, Problem> {
    let wish = Wish { since: read_since(since)?, host: None };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut broken = None;
    for file in files::of(&folder())? {
        files::lines(&file, |_, bytes, _| {
            let wanted = wish.since.is_none()
                || serde_json::from_slice::<Fields>(bytes).is_ok_and(|fields| wish.fits_time(&fields));
            if wanted && broken.is_none() {
                broken = out.write_all(bytes).and_then(|()| out.write_all(b"\n")).err();
            }
            Ok(())
        })?;
    }
    match broken.or(out.flush().err()) {
        Some(error) => Err(unwritable(&error)),
        None => Ok(ExitCode::SUCCESS),
    }
}

async fn verify(
    given: Vec<PathBuf>,
    from: u64,
    heads: &[String],
    copies: &[PathBuf],
    as_json: bool,
) -> Result<ExitCode, Problem> {
    let mut anchors = heads.iter().map(|text| head(text)).collect::<Result<Vec<_>, _>>()?;
    for copy in copies {
        anchors.extend(known_by(copy)?);
    }
    // Asked before the files are read: what is written meanwhile does no harm.
    let running = if given.is_empty() { helpers_head().await? } else { None };
    let helper_runs = running.is_some();
    anchors.extend(running.flatten());
    let files = if given.is_empty() { files::of(&folder())? } else { given };
    let mut verifier = Verifier::new(from, anchors);
    for file in &files {
        let name =
            file.file_name().map_or_else(|| file.display().to_string(), |n| n.to_string_lossy().into());
        let current = name == "audit.jsonl" && helper_runs;
        files::lines(file, |number, bytes, whole| {
            // A helper that writes right now is not a torn line.
            if whole || !current {
                verifier.take(&name, number, bytes, whole);
            }
            Ok(())
        })?;
    }
    let verdict = verifier.end(helper_runs);
    if as_json {
        json(&report(&verdict, &files))?;
    } else {
        line(&text(&verdict, &files))?;
    }
    Ok(if verdict.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where the running helper says that its log ends: `None` when no helper runs, an inner `None` when its log is empty
/// or another one than ours.
async fn helpers_head() -> Result<Option<Option<Anchor>>, Problem> {
    let link = super::link_if_running::<Admin>()?;
    let Ok((_, AdminOutcome::Status(status))) = ask(&link, AdminRequest::Status).await else {
        return Ok(None);
    };
    if Path::new(status.audit.as_str()) != folder().join("audit.jsonl") {
        return Ok(None);
    }
    match ask(&link, AdminRequest::AuditHead).await {
        Ok((_, AdminOutcome::AuditHead { sequence, hash })) => Ok(Some((sequence > 0).then(|| Anchor {
            sequence,
            hash: hash.into_string(),
            source: "the running helper".into(),
        }))),
        // A helper of another release, or one that is just ending, knows nothing.
        _ => Ok(Some(None)),
    }
}

fn head(text: &str) -> Result<Anchor, Problem> {
    let read = || {
        let (sequence, hash) = text.split_once(':')?;
        Some(Anchor { sequence: sequence.parse().ok()?, hash: hash.to_lowercase(), source: "--head".into() })
    };
    read().ok_or_else(|| {
        Problem::usage(format!("{text:?} is no head"), "give it as `audit verify` printed it: NUMBER:HASH")
    })
}

/// The records of a copy, be it the log's own lines or the journal's (`journalctl -o cat`).
fn known_by(copy: &Path) -> Result<Vec<Anchor>, Failure> {
    let mut anchors = Vec::new();
    files::lines(copy, |_, bytes, whole| {
        let fields = serde_json::from_slice::<Fields>(bytes).unwrap_or_default();
        if let Some(sequence) = fields.get("seq").and_then(Value::as_u64).filter(|_| whole) {
            anchors.push(Anchor { sequence, hash: hash(bytes), source: copy.display().to_string() });
        }
        Ok(())
    })?;
    match anchors.is_empty() {
        true => Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("{} holds no record", copy.display()),
            "give a copy made with `sallyport audit export` or `journalctl -t sallyport-audit -o cat`",
        )),
        false => Ok(anchors),
    }
}

fn report(verdict: &Verdict, files: &[PathBuf]) -> Value {
    let findings: Vec<Value> = verdict
        .findings
        .iter()
        .map(|f| json!({ "file": f.file, "line": f.line, "kind": f.kind.name(), "message": f.message, "hint": f.kind.hint() }))
        .collect();
    json!({
        "ok": verdict.findings.is_empty(),
        "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        "records": verdict.records,
        "first": verdict.first.as_ref().map(|(seq, time)| json!({ "seq": seq, "time": time })),
        "last": verdict.last.as_ref().map(|(seq, hash, time)| json!({ "seq": seq, "hash": hash, "time": time })),
        "under_way": verdict.under_way,
        "findings": findings,
    })
}

fn text(verdict: &Verdict, files: &[PathBuf]) -> String {
    let mut lines = Vec::new();
    for finding in &verdict.findings {
        let place = match finding.line {
            0 => one_line(&finding.file),
            line => format!("{} line {line}", one_line(&finding.file)),
        };
        lines.push(format!("{place}: {}", finding.message));
        lines.push(format!("  hint: {}", finding.kind.hint()));
    }
    let count = match files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    lines.push(match (&verdict.first, &verdict.last) {
        (Some((first, since)), Some((last, hash, until))) => format!(
            "records    {first} to {last} in {count}, {} to {}\nhead       {last}:{hash}",
            one_line(since),
            one_line(until)
        ),
        _ => format!("records    none in {count}"),
    });
    if verdict.under_way > 0 {
        lines.push(format!("under way  {}", verdict.under_way));
    }
    lines.push(match verdict.findings.len() {
        0 => {
            "the log is whole; keep the head elsewhere, and `audit verify --head` will tell if its end is cut"
                .into()
        }
        1 => "1 finding".into(),
        count => format!("{count} findings"),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify::{Finding, Kind};

    #[test]
    fn a_finding_says_where_it_is_and_what_to_do() {
        let verdict = Verdict {
            findings: vec![Finding {
                file: "audit.jsonl".into(),
                line: 7,
                kind: Kind::Torn,
                message: "no record".into(),
            }],
            records: 9,
            first: Some((1, "2026-01-01T00:00:00.000Z".into())),
            last: Some((9, "abcd".into(), "2026-01-02T00:00:00.000Z".into())),
            under_way: 2,
        };
        insta::assert_snapshot!(text(&verdict, &["audit.jsonl".into()]), @r"
        audit.jsonl line 7: no record
          hint: a crash or a full disk can cut the last line of a run; anywhere else it was tampered with
        records    1 to 9 in 1 file, 2026-01-01T00:00:00.000Z to 2026-01-02T00:00:00.000Z
        head       9:abcd
        under way  2
        1 finding
        ");
        assert_eq!(report(&verdict, &[])["findings"][0]["kind"], "torn");
    }

    #[test]
    fn a_head_is_a_number_and_a_hash() {
        assert_eq!(head("7:ABcd").unwrap().hash, "abcd");
        assert!(head("7").is_err() && head(":x").is_err());
    }
}
