//! `ssh_output` and `ssh_stop`: what a job wrote, and its end.

use sallyport_protocol::Failure;
use sallyport_protocol::reply::{Outcome, Page};
use sallyport_protocol::request::{OutputPage, Request, Signal};
use sallyport_protocol::text::JobId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status, misplaced};
use super::call::{Call, Handled, bounds, invalid};
use crate::format::{readable, unfinished};
use crate::link::Item;

const LONGEST_WAIT_S: u32 = 60;

/// The arguments of `ssh_output`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputArgs {
    /// The job_id or output_id of an ssh_exec.
    id: String,
    /// Where to go on: the next_cursor of the last page. Without it from the beginning.
    cursor: Option<u64>,
    /// Seconds to wait for the first new output. Default 0.
    #[serde(default)]
    #[schemars(range(max = 60))]
    wait_s: u32,
    /// Characters in the answer. Default 20000.
    #[schemars(range(min = 1, max = 200_000))]
    max_chars: Option<u32>,
}

/// The answer of `ssh_output`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct OutputFields {
    /// The output, redacted.
    text: String,
    /// Where the next page begins.
    next_cursor: u64,
    /// Whether the command still runs.
    running: bool,
    /// Its exit code, once it has one.
    exit_code: Option<i32>,
    /// The signal that ended it, without SIG.
    signal: Option<String>,
    /// Bytes before this page that are no longer kept.
    dropped: u64,
}

/// Reads a page of a job's output.
pub async fn output(call: &Call) -> Handled {
    let args: OutputArgs = call.arguments()?;
    if args.wait_s > LONGEST_WAIT_S {
        return Err(invalid(format!("wait_s is at most {LONGEST_WAIT_S}")));
    }
    let request = OutputPage {
        job: JobId::new(args.id).map_err(bounds)?,
        cursor: args.cursor,
        wait_ms: args.wait_s * 1000,
        max_bytes: call.answer_chars(args.max_chars),
    };
    let (bytes, page) = call.unless_cancelled(read(call, request)).await?;
    let fields = fields(&bytes, page);
    let text = text(&fields);
    Ok(Answer::new(Status::Ok, &fields, text).into())
}

async fn read(call: &Call, request: OutputPage) -> Result<(Vec<u8>, Page), Failure> {
    let mut operation = call.link.start(Request::Output(request)).await?;
    let mut bytes = Vec::new();
    loop {
        match operation.next().await? {
            Item::Data(_, piece) => bytes.extend(piece),
            Item::Event(_) => {}
            Item::Done(Outcome::Page(page)) => return Ok((bytes, page)),
            Item::Done(Outcome::Failed(failure)) => return Err(failure),
            Item::Done(_) => return Err(misplaced("ssh_output")),
        }
    }
}

fn fields(bytes: &[u8], page: Page) -> OutputFields {
    // A character cut by the page's end begins the next page, unless that would
    // give an empty page for ever.
    let cut = match unfinished(bytes) {
        n if n < bytes.len() => n,
        _ => 0,
    };
    OutputFields {
        text: readable(&bytes[..bytes.len() - cut]),
        next_cursor: page.next_cursor - cut as u64,
        running: page.running,
        exit_code: page.exit_code,
        signal: Some(page.signal.into_string()).filter(|signal| !signal.is_empty()),
        dropped: page.dropped,
    }
}

fn text(fields: &OutputFields) -> String {
    let mut text = String::new();
    if fields.dropped > 0 {
        text.push_str(&format!("[{} bytes before this are no longer kept]\n", fields.dropped));
    }
    text.push_str(&fields.text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let state = match (fields.running, fields.exit_code, &fields.signal) {
        (true, ..) => "still running".to_owned(),
        (false, Some(code), _) => format!("exit {code}"),
        (false, None, Some(signal)) => format!("ended by SIG{signal}"),
        (false, None, None) => "ended".to_owned(),
    };
    format!("{text}[{state}, next cursor {}]", fields.next_cursor)
}

/// The arguments of `ssh_stop`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopArgs {
    /// The job_id.
    id: String,
    /// One signal only. Without it INT, TERM and KILL in turn until it is gone.
    signal: Option<StopSignal>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum StopSignal {
    Int,
    Term,
    Kill,
}

/// The answer of `ssh_stop`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StopFields {
    /// Whether the remote process is known to be gone.
    stopped: bool,
}

/// Stops a job.
pub async fn stop(call: &Call) -> Handled {
    let args: StopArgs = call.arguments()?;
    let signal = args.signal.map(|signal| match signal {
        StopSignal::Int => Signal::Int,
        StopSignal::Term => Signal::Term,
        StopSignal::Kill => Signal::Kill,
    });
    let request = Request::Stop { job: JobId::new(args.id).map_err(bounds)?, signal };
    let (_, outcome) = call.ask(request).await?;
    let Outcome::Stopped { gone } = outcome else { return Err(misplaced("ssh_stop")) };
    let text = if gone { "It is gone." } else { "The signal was sent; whether it is gone is not confirmed." };
    Ok(Answer::new(Status::Ok, &StopFields { stopped: gone }, text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(next_cursor: u64) -> Page {
        Page { from: 0, next_cursor, running: true, exit_code: None, signal: "".into(), dropped: 0 }
    }

    #[test]
    fn a_character_cut_by_the_end_of_a_page_begins_the_next_one() {
        let fields = fields(&"aä".as_bytes()[..2], page(2));
        assert_eq!((fields.text.as_str(), fields.next_cursor), ("a", 1));
    }

    #[test]
    fn half_a_character_alone_is_shown_rather_than_asked_for_again_and_again() {
        let fields = fields(&"ä".as_bytes()[..1], page(1));
        assert_eq!((fields.text.as_str(), fields.next_cursor), ("\\xc3", 1));
    }

    #[test]
    fn a_page_tells_where_it_goes_on_and_what_is_lost() {
        let fields = OutputFields {
            text: "x".into(),
            next_cursor: 11,
            dropped: 10,
            running: true,
            ..Default::default()
        };
        insta::assert_snapshot!(text(&fields), @r"
        [10 bytes before this are no longer kept]
        x
        [still running, next cursor 11]
        ");
        let ended = OutputFields { exit_code: Some(0), ..Default::default() };
        assert_eq!(text(&ended), "[exit 0, next cursor 0]");
    }
}
