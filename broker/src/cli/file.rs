//! `sallyport cat` and `sallyport ls`: the same road as `ssh_file_read` and `ssh_list_dir`.

use std::io::Write;
use std::process::ExitCode;

use sallyport_protocol::envelope::Stream;
use sallyport_protocol::file::{Act, Ask, Event, ListDir, Outcome, Part, Read, ReadEnd};
use sallyport_protocol::reply;
use sallyport_protocol::request::{Consent, Request};
use sallyport_protocol::text::{ConfirmationId, RemotePath, TargetName, TextError};
use sallyport_protocol::{ErrorCode, Failure};
use serde::Serialize;

use super::exec::{outcome_json, verdict};
use super::output::{Problem, json, unwritable};
use crate::link::{Broker, Item, Link};
use crate::mcp::file::{read, tree};

/// The most that is shown of a file.
const MOST: u32 = 4 * 1024 * 1024;
/// A failure that has to do with the file, as `cat` and `ls` exit.
const FILE: u8 = 1;

/// Show a file of a host; secrets in it are masked.
#[derive(Debug, clap::Args)]
pub struct CatArgs {
    /// An alias, user@alias, or [user@]host[:port] with a vault record.
    target: String,
    /// The file; a relative path begins in the account's home.
    path: String,
    /// The id of a confirmation a person gave for exactly this.
    #[arg(long, value_name = "ID")]
    confirmation_id: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// List a directory of a host.
#[derive(Debug, clap::Args)]
pub struct LsArgs {
    /// An alias, user@alias, or [user@]host[:port] with a vault record.
    target: String,
    /// The directory; a relative path begins in the account's home.
    #[arg(default_value = ".")]
    path: String,
    /// Also names that begin with a dot.
    #[arg(short, long)]
    all: bool,
    /// How deep.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=32))]
    depth: u32,
    /// The id of a confirmation a person gave for exactly this.
    #[arg(long, value_name = "ID")]
    confirmation_id: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// How asking ended.
struct Answer {
    events: Vec<Event>,
    content: Vec<u8>,
    outcome: reply::Outcome,
}

impl CatArgs {
    /// Shows the file.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let link = super::link::<Broker>()?;
        let read = |exact| Act::Read(Read { part: Part::All, max_bytes: MOST, exact });
        let ask = |act| request(&self.target, &self.path, act, self.confirmation_id.as_deref());
        let mut answer = run(&link, ask(read(false))?).await?;
        // What is no text is shown as it is, unless there is a secret in it.
        let binary = |answer: &Answer| match &answer.outcome {
            reply::Outcome::File(Outcome::Read(end)) => end.binary,
            _ => false,
        };
        if binary(&answer) && !self.json {
            answer = run(&link, ask(read(true))?).await?;
        }
        let reply::Outcome::File(Outcome::Read(end)) = answer.outcome else {
            return failed(&answer.outcome, self.json);
        };
        if self.json {
            done(&read::report(&answer.content, end))?;
            return Ok(ExitCode::SUCCESS);
        }
        print(&answer.content)?;
        whole(&end)
    }
}

fn whole(end: &ReadEnd) -> Result<ExitCode, Problem> {
    if !end.truncated {
        return Ok(ExitCode::SUCCESS);
    }
    let failure = Failure::new(
        ErrorCode::TooLarge,
        format!("the file has {} bytes; this is its beginning", end.size),
        "copy it with `sallyport get`",
    );
    Err(Problem { failure, code: FILE })
}

impl LsArgs {
    /// Lists the directory.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let link = super::link::<Broker>()?;
        let act = Act::List(ListDir { depth: self.depth, hidden: self.all, limit: 10_000 });
        let ask = request(&self.target, &self.path, act, self.confirmation_id.as_deref())?;
        let answer = run(&link, ask).await?;
        let reply::Outcome::File(Outcome::Listed { truncated, notes }) = answer.outcome else {
            return failed(&answer.outcome, self.json);
        };
        let fields = tree::listing(answer.events, truncated, &notes);
        if self.json {
            done(&fields)?;
            return Ok(ExitCode::SUCCESS);
        }
        print(fields.lines().as_bytes())?;
        for note in fields.remarks() {
            eprintln!("sallyport: {note}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn request(target: &str, path: &str, act: Act, confirmation: Option<&str>) -> Result<Ask, Problem> {
    let usage = |error: TextError| Problem::usage(error.to_string(), "see --help");
    Ok(Ask {
        target: TargetName::new(target).map_err(usage)?,
        path: RemotePath::new(path).map_err(usage)?,
        act,
        consent: Consent::None,
        confirmation: confirmation.map(ConfirmationId::new).transpose().map_err(usage)?,
    })
}

async fn run(link: &Link<Broker>, ask: Ask) -> Result<Answer, Problem> {
    let lost = |failure| Problem { failure, code: super::exec::CONNECTION };
    let mut operation = link.start(Request::File(ask)).await.map_err(lost)?;
    let (mut events, mut content) = (Vec::new(), Vec::new());
    loop {
        match operation.next().await.map_err(lost)? {
            Item::Data(Stream::Output, bytes) => content.extend(bytes),
            Item::Event(reply::Event::File(event)) => events.push(event),
            Item::Data(Stream::ErrorOutput, _) | Item::Event(_) => {}
            Item::Done(outcome) => return Ok(Answer { events, content, outcome }),
        }
    }
}

/// Prints an answer's fields as the MCP tool gives them, with its status.
fn done(fields: &impl Serialize) -> Result<(), Problem> {
    json(&With { status: "ok", fields })
}

#[derive(Serialize)]
struct With<'a, T> {
    status: &'static str,
    #[serde(flatten)]
    fields: &'a T,
}

/// What did not go well: as `exec` exits, but 1 for what the file is to blame for.
fn failed(outcome: &reply::Outcome, as_json: bool) -> Result<ExitCode, Problem> {
    let (code, failure) = verdict(outcome);
    let code = match outcome {
        reply::Outcome::Failed(failure) if is_about_the_file(failure.code) => FILE,
        _ => code,
    };
    if as_json {
        json(&outcome_json(outcome))?;
        return Ok(ExitCode::from(code));
    }
    match failure {
        Some(failure) => Err(Problem { failure, code }),
        None => Ok(ExitCode::from(code)),
    }
}

fn is_about_the_file(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FileNotFound
            | ErrorCode::PermissionDenied
            | ErrorCode::UnsupportedOperation
            | ErrorCode::SecretInFile
            | ErrorCode::TooLarge
    )
}

fn print(bytes: &[u8]) -> Result<(), Problem> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| unwritable(&error))
}
