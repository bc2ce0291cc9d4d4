//! `ssh_secrets`: names of `env://` records, attached to a session or there to be attached.

use sallyport_protocol::reply::Outcome;
use sallyport_protocol::request::Request;
use sallyport_protocol::secrets::{SecretNames, Secrets, SecretsAction};
use sallyport_protocol::text::{SecretName, SessionName};
use sallyport_protocol::{Failure, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status, misplaced};
use super::call::{Call, Handled, bounds, invalid, optional};
use super::confirm::{self, Asked, Grant};

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// attach: set the record's variables in the session. detach: unset them. list: names only.
    action: Action,
    /// The env:// record.
    name: Option<String>,
    /// The shell session; list without it names every record there is.
    session: Option<String>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Attach,
    Detach,
    List,
}

/// The answer: names only.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// The env:// records: attached to the session, or all there are.
    names: Vec<String>,
    /// The variables that attached records set in the session.
    variables: Vec<String>,
}

/// Attaches, detaches or lists.
pub async fn secrets(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let mut grant = confirm::grant(call, args.confirm, args.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let (_, outcome) = call.ask(Request::Secrets(request(&args, &grant)?)).await?;
        match outcome {
            Outcome::Secrets(names) => return Ok(answer(&names).into()),
            Outcome::NeedsConfirmation(needs) if !asked => {
                let what = format!("the variables of env://{}", args.name.as_deref().unwrap_or_default());
                let place = format!("session {}", args.session.as_deref().unwrap_or_default());
                match confirm::ask(call, &place, &what, &needs).await? {
                    Asked::Agreed(given) => grant = given,
                    Asked::Reply(reply) => return Ok(reply),
                }
                asked = true;
            }
            Outcome::Blocked { failure, rules: _ } => return Ok(Answer::blocked(failure, &()).into()),
            _ => return Err(misplaced("ssh_secrets")),
        }
    }
}

fn request(args: &Args, grant: &Grant) -> Result<Secrets, Failure> {
    let name = || {
        let name = args.name.as_deref().ok_or_else(|| invalid("name the env:// record"))?;
        SecretName::new(name.strip_prefix("env://").unwrap_or(name)).map_err(bounds)
    };
    Ok(Secrets {
        action: match args.action {
            Action::Attach => SecretsAction::Attach { name: name()? },
            Action::Detach => SecretsAction::Detach { name: name()? },
            Action::List => SecretsAction::List,
        },
        session: optional(args.session.clone(), SessionName::new)?,
        consent: grant.consent,
        confirmation: grant.confirmation.clone(),
    })
}

fn answer(found: &SecretNames) -> Answer {
    let texts = |list: &[Text]| list.iter().map(|text| text.as_str().to_owned()).collect::<Vec<_>>();
    let fields = Fields { names: texts(&found.names), variables: texts(&found.variables) };
    let mut text = match fields.names.as_slice() {
        [] => "no env:// record".to_owned(),
        names => names.iter().map(|name| format!("env://{name}")).collect::<Vec<_>>().join(", "),
    };
    if !fields.variables.is_empty() {
        text.push_str(&format!(", setting {}", fields.variables.join(", ")));
    }
    Answer::new(Status::Ok, &fields, text)
}
