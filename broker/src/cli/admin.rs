//! Asking the helper on a person's behalf.

use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::text::{TextError, Word};
use sallyport_protocol::{ErrorCode, Failure};

use super::output::Problem;
use crate::link::{Admin, Item, Link};

/// The admin side's link.
///
/// # Errors
/// When the configuration cannot be read.
pub fn link() -> Result<Link<Admin>, Problem> {
    Ok(super::link::<Admin>()?)
}

/// Asks, and gathers what is told on the way.
///
/// # Errors
/// As the helper says, or `helper_unavailable`.
pub async fn ask(
    link: &Link<Admin>,
    request: AdminRequest,
) -> Result<(Vec<AdminEvent>, AdminOutcome), Problem> {
    let mut operation = link.start(request).await?;
    let mut events = Vec::new();
    loop {
        match operation.next().await? {
            Item::Event(event) => events.push(event),
            Item::Data(..) => {}
            Item::Done(AdminOutcome::Failed(failure)) => return Err(failure.into()),
            Item::Done(outcome) => return Ok((events, outcome)),
        }
    }
}

/// An answer that does not belong to what was asked.
pub fn misplaced() -> Problem {
    Failure::new(
        ErrorCode::InternalError,
        "the vault helper gave an answer that does not belong to this command",
        "install both programs from one release and stop the old helper",
    )
    .into()
}

/// A word from the command line.
///
/// # Errors
/// When it is empty, too long or holds control characters.
pub fn word(value: &str) -> Result<Word, Problem> {
    Word::new(value).map_err(usage)
}

/// An argument outside its bounds.
pub fn usage(error: TextError) -> Problem {
    Problem::usage(error.to_string(), "see the command's --help")
}
