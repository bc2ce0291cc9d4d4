//! `ssh_sudo_cache`. (`ssh_sudo_exec` is `ssh_exec` with a user, in `exec.rs`.)

use sallyport_protocol::reply::Outcome;
use sallyport_protocol::request::Request;
use sallyport_protocol::sudo::{CacheAction, CacheState, SudoCache};
use sallyport_protocol::text::SessionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status, misplaced};
use super::call::{Call, Handled, bounds};
use super::confirm::{self, Asked};

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The shell session's id or name.
    session: String,
    /// check: would sudo ask? warm: answer it from the vault, once. clear: make it forget.
    action: Action,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Check,
    Warm,
    Clear,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// How the cache stands now.
    cache: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Warm,
    NeedsPassword,
    BadPassword,
    Cleared,
    Failed,
}

/// Looks at, fills or empties sudo's cache.
pub async fn cache(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let mut grant = confirm::grant(call, args.confirm, args.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let request = SudoCache {
            session: SessionName::new(args.session.as_str()).map_err(bounds)?,
            action: match args.action {
                Action::Check => CacheAction::Check,
                Action::Warm => CacheAction::Warm,
                Action::Clear => CacheAction::Clear,
            },
            consent: grant.consent,
            confirmation: grant.confirmation.clone(),
        };
        let (_, outcome) = call.ask(Request::SudoCache(request)).await?;
        match outcome {
            Outcome::SudoCache(state) => return Ok(answer(state).into()),
            Outcome::NeedsConfirmation(needs) if !asked => {
                let what = "sudo's cache in the session: plain sudo works there for a while";
                match confirm::ask(call, &format!("session {}", args.session), what, &needs).await? {
                    Asked::Agreed(given) => grant = given,
                    Asked::Reply(reply) => return Ok(reply),
                }
                asked = true;
            }
            Outcome::Blocked { failure, rules: _ } => return Ok(Answer::blocked(failure, &()).into()),
            _ => return Err(misplaced("ssh_sudo_cache")),
        }
    }
}

fn answer(state: CacheState) -> Answer {
    let (cache, text) = match state {
        CacheState::Warm => (State::Warm, "warm: sudo does not ask in this session now"),
        CacheState::NeedsPassword => (State::NeedsPassword, "sudo would ask for a password; warm answers it"),
        CacheState::BadPassword => {
            (State::BadPassword, "sudo refused the record's password; it was tried once, do not try it again")
        }
        CacheState::Cleared => (State::Cleared, "cleared: sudo will ask again"),
        CacheState::Failed => {
            (State::Failed, "sudo cannot be used here: it is missing, or refuses the account")
        }
    };
    Answer::new(Status::Ok, &Fields { cache }, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_documented_names() {
        let names: Vec<String> =
            [State::Warm, State::NeedsPassword, State::BadPassword, State::Cleared, State::Failed]
                .iter()
                .map(|state| serde_json::to_string(state).unwrap_or_default())
                .collect();
        assert_eq!(
            names,
            ["\"warm\"", "\"needs_password\"", "\"bad_password\"", "\"cleared\"", "\"failed\""]
        );
    }
}
