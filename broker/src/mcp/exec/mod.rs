//! `ssh_exec`: one command, on a channel of its own or in a session.

mod answer;
mod args;

use sallyport_protocol::Failure;
use sallyport_protocol::envelope::Stream;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::{Consent, Exec, Request};

use super::call::{Call, Handled, Reply};
use super::confirm::{self, Asked as Asking, Grant};
use super::progress::Progress;
use crate::link::{Broker, Item, Link};
pub use answer::{Fields, Written, answer};
pub use args::{Args, Asked, PATIENCE_MS, SudoArgs, secrets, timeout_ms, variables};

/// Characters of what a look prints.
const LOOKED_AT: usize = 4_000;

/// Runs a command.
pub async fn exec(call: &Call) -> Handled {
    perform(call, call.arguments()?).await
}

/// Runs a command as another user.
pub async fn sudo_exec(call: &Call) -> Handled {
    perform(call, call.arguments::<SudoArgs>()?.into()).await
}

async fn perform(call: &Call, args: Args) -> Handled {
    let chars = call.answer_chars(args.max_chars) as usize;
    match settle(call, &args, chars).await? {
        Settled::Ran(outcome, written) => answer(*outcome, &written, chars).map(Into::into),
        Settled::Reply(reply) => Ok(reply),
    }
}

/// What came of a command.
pub enum Settled {
    /// How it went, and what it wrote.
    Ran(Box<Outcome>, Written),
    /// Somebody has to agree first.
    Reply(Reply),
}

/// Runs a command, asking the client's user where one has to be asked; keeps what `chars` characters take of what it
/// writes.
///
/// # Errors
/// What keeps the command from being sent, or is not known about its end.
pub async fn settle(call: &Call, args: &Args, chars: usize) -> Result<Settled, Failure> {
    let mut progress = Progress::of(&call.context);
    let mut grant = confirm::grant(call, args.confirm, args.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let request = args::request(args, &grant, progress.wanted())?;
        let mut written = Written::for_chars(chars);
        let running = run(&call.link, request, args.stdin.as_deref(), &mut written, &mut progress);
        match call.unless_cancelled(running).await? {
            Outcome::NeedsConfirmation(needs) if !asked => {
                let place = match (&args.target, &args.session) {
                    (Some(target), _) => target.clone(),
                    (None, session) => format!("session {}", session.as_deref().unwrap_or_default()),
                };
                match confirm::ask(call, &place, &args::whole_request(args), &needs).await? {
                    Asking::Agreed(given) => grant = given,
                    Asking::Reply(reply) => return Ok(Settled::Reply(reply)),
                }
                asked = true;
            }
            outcome => return Ok(Settled::Ran(Box::new(outcome), written)),
        }
    }
}

/// Runs a fixed command that only looks, before what a call asks for; nobody is asked about it.
///
/// # Errors
/// What keeps it from being sent, or from its end.
pub async fn look(call: &Call, target: &str, command: &'static str) -> Result<String, Failure> {
    let args = Args::composed(command.to_owned(), Asked { target: target.to_owned(), ..Asked::default() });
    let grant = Grant { consent: Consent::None, confirmation: None };
    let mut written = Written::for_chars(LOOKED_AT);
    let mut progress = Progress::none();
    let request = args::request(&args, &grant, false)?;
    let running = run(&call.link, request, None, &mut written, &mut progress);
    match call.unless_cancelled(running).await? {
        Outcome::Exited(_) => Ok(written.out.render(LOOKED_AT).0),
        Outcome::Failed(failure) | Outcome::Blocked { failure, .. } => Err(failure),
        _ => Err(confirm::does_not_count()),
    }
}

/// Runs a command to the end of its operation, keeping what it writes. Dropped, it stops the command.
///
/// # Errors
/// `helper_unavailable`, with the job in doubt.
pub async fn run(
    link: &Link<Broker>,
    request: Exec,
    stdin: Option<&str>,
    written: &mut Written,
    progress: &mut Progress,
) -> Result<Outcome, Failure> {
    let mut job = None;
    let mut operation = link.start(Request::Exec(request)).await?;
    let input = operation.input();
    let mut feeding = std::pin::pin!(async {
        if let Some(text) = stdin {
            input.send_all(text.as_bytes()).await;
        }
    });
    let mut fed = stdin.is_none();
    loop {
        tokio::select! {
            item = operation.next() => match item.map_err(|failure| in_doubt(failure, job.as_deref()))? {
                Item::Data(Stream::Output, bytes) => written.out.push(&bytes),
                Item::Data(Stream::ErrorOutput, bytes) => written.err.push(&bytes),
                Item::Event(Event::Started { job: id }) => job = Some(id.into_string()),
                Item::Event(_) => {}
                Item::Done(outcome) => return Ok(outcome),
            },
            () = &mut feeding, if !fed => fed = true,
            () = progress.due() => progress.tell(written.out.total() + written.err.total()).await,
        }
    }
}

/// Names the job whose end nobody saw.
fn in_doubt(mut failure: Failure, job: Option<&str>) -> Failure {
    if let Some(job) = job {
        failure.message = format!("{} (job {job})", failure.message).into();
    }
    failure
}
