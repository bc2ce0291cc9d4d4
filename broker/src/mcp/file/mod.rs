//! The tools for single files and directories: `ssh_file_read`, `ssh_file_write`, `ssh_file_edit`, `ssh_list_dir`,
//! `ssh_search`.

pub mod edit;
pub mod read;
pub mod tree;
pub mod write;

use std::ops::RangeInclusive;

use sallyport_protocol::envelope::Stream;
use sallyport_protocol::file::{Act, Ask, Event, Outcome};
use sallyport_protocol::reply;
use sallyport_protocol::request::Request;
use sallyport_protocol::text::{RemotePath, TargetName};
use sallyport_protocol::{ErrorCode, Failure};

use super::answer::{Answer, misplaced};
use super::call::{Call, Reply, bounds, invalid};
use super::confirm::{self, Asked};
use crate::link::Item;

/// What every call names beside its own arguments.
pub struct Place<'a> {
    /// The host.
    pub target: &'a str,
    /// The file or directory.
    pub path: &'a str,
    /// The model's own word.
    pub confirm: bool,
    /// The confirmation a person gave.
    pub confirmation_id: Option<String>,
    /// The request as a person who is asked sees it.
    pub words: String,
}

/// How a request ended.
pub enum Ended {
    /// In good order: what was found, the content or diff, the end.
    Done(Vec<Event>, Vec<u8>, Outcome),
    /// With another answer.
    Reply(Reply),
}

/// Asks the helper, and the client's user where the helper lets that one decide.
///
/// # Errors
/// As the helper says.
pub async fn ask(call: &Call, place: Place<'_>, act: Act, input: &[u8]) -> Result<Ended, Failure> {
    let mut grant = confirm::grant(call, place.confirm, place.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let request = Ask {
            target: TargetName::new(place.target).map_err(bounds)?,
            path: RemotePath::new(place.path).map_err(bounds)?,
            act: act.clone(),
            consent: grant.consent,
            confirmation: grant.confirmation.clone(),
        };
        let (events, content, outcome) = call.unless_cancelled(run(call, request, input)).await?;
        match outcome {
            reply::Outcome::File(outcome) => return Ok(Ended::Done(events, content, outcome)),
            reply::Outcome::NeedsConfirmation(needs) if !asked => {
                match confirm::ask(call, place.target, &place.words, &needs).await? {
                    Asked::Agreed(given) => grant = given,
                    Asked::Reply(reply) => return Ok(Ended::Reply(reply)),
                }
                asked = true;
            }
            reply::Outcome::NeedsConfirmation(_) => {
                return Err(Failure::new(
                    ErrorCode::ConfirmationUnavailable,
                    "the confirmation was given but does not count on this host",
                    "ask the operator: the host's `confirmation` setting says who may confirm",
                ));
            }
            reply::Outcome::Blocked { failure, rules } => {
                let rules: Vec<String> = rules.iter().map(|rule| rule.as_str().to_owned()).collect();
                let answer = Answer::blocked(failure, &serde_json::json!({ "rules": rules }));
                return Ok(Ended::Reply(answer.into()));
            }
            reply::Outcome::Failed(failure) => return Err(failure),
            _ => return Err(misplaced("a file tool")),
        }
    }
}

async fn run(
    call: &Call,
    request: Ask,
    input: &[u8],
) -> Result<(Vec<Event>, Vec<u8>, reply::Outcome), Failure> {
    let takes_input = matches!(request.act, Act::Write(_) | Act::Edit(_));
    let mut operation = call.link.start(Request::File(request)).await?;
    let feed = operation.input();
    let mut feeding = std::pin::pin!(async {
        if takes_input {
            feed.send_all(input).await;
        }
    });
    let mut fed = false;
    let (mut events, mut content) = (Vec::new(), Vec::new());
    loop {
        tokio::select! {
            item = operation.next() => match item? {
                Item::Data(Stream::Output, bytes) => content.extend(bytes),
                Item::Event(reply::Event::File(event)) => events.push(event),
                Item::Data(Stream::ErrorOutput, _) | Item::Event(_) => {}
                Item::Done(outcome) => return Ok((events, content, outcome)),
            },
            () = &mut feeding, if !fed => fed = true,
        }
    }
}

/// A number within what the tool's schema says; `default` when none was given.
///
/// # Errors
/// `invalid_argument`.
pub fn within(
    name: &str,
    given: Option<u32>,
    default: u32,
    range: RangeInclusive<u32>,
) -> Result<u32, Failure> {
    match given.unwrap_or(default) {
        number if range.contains(&number) => Ok(number),
        number => {
            let (least, most) = range.into_inner();
            let bounds = match most {
                u32::MAX => format!("at least {least}"),
                _ => format!("from {least} to {most}"),
            };
            Err(invalid(format!("{name} is {bounds}, not {number}")))
        }
    }
}

/// Reads a digest as it was told: 64 hexadecimal digits.
///
/// # Errors
/// `invalid_argument`.
pub fn digest(text: Option<&str>) -> Result<Option<[u8; 32]>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let bad = || invalid("expected_sha256 is 64 hexadecimal digits, as an earlier answer's sha256");
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return Err(bad());
    }
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        let nibble = |digit: u8| (digit as char).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else { return Err(bad()) };
        *byte = high << 4 | low;
    }
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::hex;

    #[test]
    fn a_number_outside_its_bounds_is_refused_and_not_bent() {
        assert_eq!(within("limit", None, 100, 1..=2000).unwrap(), 100);
        assert_eq!(within("limit", Some(2000), 100, 1..=2000).unwrap(), 2000);
        for bad in [0, 2001] {
            let failure = within("limit", Some(bad), 100, 1..=2000).unwrap_err();
            assert_eq!(failure.message.as_str(), format!("limit is from 1 to 2000, not {bad}"));
        }
        let failure = within("tail", Some(0), 1, 1..=u32::MAX).unwrap_err();
        assert_eq!(failure.message.as_str(), "tail is at least 1, not 0");
    }

    #[test]
    fn a_digest_is_read_as_it_is_told_and_nothing_else_is_one() {
        let digest_of = |text: &str| digest(Some(text));
        let text = hex(&[0xab; 32]);
        assert_eq!(digest_of(&text).unwrap(), Some([0xab; 32]));
        assert_eq!(digest_of(&text.to_uppercase()).unwrap(), Some([0xab; 32]));
        assert_eq!(digest(None).unwrap(), None);
        for bad in ["", "ab", &text[1..], &format!("{}g", &text[1..]), &"ä".repeat(32)] {
            assert!(digest_of(bad).is_err(), "{bad}");
        }
    }
}
