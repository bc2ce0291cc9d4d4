//! `ssh_forward`: tunnels.

use sallyport_protocol::forward::{Direction, Open};
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::text::{DestHost, ForwardId, TargetName};
use sallyport_protocol::{ErrorCode, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Status, misplaced};
use super::call::{Call, Handled, bounds, invalid};
use super::confirm::{self, Asked, Grant};
use crate::forward::{Attempt, Listener, Opened, leads_here};

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// open a forward, or close one by its id.
    action: Action,
    /// open: the host it goes through: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: Option<String>,
    /// open: local (default) accepts connections here and leads to dest_host:dest_port as the host sees it; remote
    /// accepts connections on the host's loopback and leads to dest_port here.
    direction: Option<Way>,
    /// open: the port to listen on, on loopback. Local: 0 (default) takes any free one. Remote: one that the host lists.
    listen_port: Option<u16>,
    /// open, local: a Unix socket to listen on instead of a port: a path below the transfer roots where nothing is yet.
    listen_path: Option<String>,
    /// open: the host it leads to. Local: one that the host lists, as hosts.toml names it. Remote: localhost (default).
    dest_host: Option<String>,
    /// open: the port it leads to.
    dest_port: Option<u16>,
    /// close: the forward's id.
    id: Option<String>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Open,
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Way {
    Local,
    Remote,
}

/// The answer's own fields.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    /// The forward's id, to close it by.
    id: String,
    /// The same, under the name that says what it is.
    forward_id: String,
    /// open: where it listens: 127.0.0.1:PORT or unix:PATH here, or localhost:PORT on the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    listen_address: Option<String>,
    /// open: the port of listen_address, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    listen_port: Option<u16>,
    /// open: which way.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Way>,
    /// open: where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    /// close: bytes it carried, both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// Opens or closes a forward.
pub async fn forward(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    match args.action {
        Action::Open => open(call, &args).await,
        Action::Close => close(call, &args).await,
    }
}

async fn close(call: &Call, args: &Args) -> Handled {
    let Some(id) = &args.id else { return Err(invalid("close needs the forward's id")) };
    let forward = ForwardId::new(id.as_str()).map_err(bounds)?;
    let bytes = call.unless_cancelled(call.forwards.close(&call.link, forward)).await?;
    let fields = Fields { id: id.clone(), forward_id: id.clone(), bytes: Some(bytes), ..Fields::default() };
    Ok(Answer::new(Status::Ok, &fields, format!("forward {id} is closed; it carried {bytes} bytes")).into())
}

async fn open(call: &Call, args: &Args) -> Handled {
    if args.id.is_some() {
        return Err(invalid("open takes no id; the answer gives one"));
    }
    let target = args.target.as_deref().ok_or_else(|| invalid("open needs a target"))?;
    let way = args.direction.unwrap_or(Way::Local);
    let mut grant = confirm::grant(call, args.confirm, args.confirmation_id.clone())?;
    let mut asked = false;
    loop {
        let request = request(args, target, way, &grant)?;
        let listener = match (way, &args.listen_path) {
            (Way::Remote, _) => None,
            (Way::Local, Some(path)) => Some(Listener::open_path(call.link.porter(), path).await?),
            // The port is announced as asked, so that a confirmation is for the same request again.
            (Way::Local, None) => Some(Listener::open(request.listen_port).await?),
        };
        let attempt =
            call.unless_cancelled(call.forwards.start(&call.link, request.clone(), listener)).await?;
        match attempt {
            Attempt::Opened(opened) => return Ok(opened_answer(opened, way, &request).into()),
            Attempt::Refused(outcome) => match *outcome {
                Outcome::NeedsConfirmation(needs) if !asked => {
                    let what = words(&request);
                    match confirm::ask(call, target, &what, &needs).await? {
                        Asked::Agreed(given) => grant = given,
                        Asked::Reply(reply) => return Ok(reply),
                    }
                    asked = true;
                }
                Outcome::Blocked { failure, rules } => {
                    let rules: Vec<String> = rules.iter().map(|rule| rule.as_str().to_owned()).collect();
                    return Ok(Answer::blocked(failure, &serde_json::json!({ "rules": rules })).into());
                }
                Outcome::NeedsConfirmation(_) => {
                    return Err(Failure::new(
                        ErrorCode::ConfirmationUnavailable,
                        "the confirmation was given but does not count on this host",
                        "ask the operator: the host's `confirmation` setting says who may confirm",
                    ));
                }
                _ => return Err(misplaced("ssh_forward")),
            },
        }
    }
}

fn request(args: &Args, target: &str, way: Way, grant: &Grant) -> Result<Open, Failure> {
    let dest_port = args
        .dest_port
        .filter(|port| *port > 0)
        .ok_or_else(|| invalid("open needs a dest_port from 1 to 65535"))?;
    let dest_host = match (way, &args.dest_host) {
        (_, Some(host)) => host.trim_start_matches('[').trim_end_matches(']'),
        (Way::Remote, None) => "localhost",
        (Way::Local, None) => return Err(invalid("a local forward needs a dest_host that the host lists")),
    };
    let listen_port = args.listen_port.unwrap_or(0);
    if args.listen_path.is_some() && (way == Way::Remote || listen_port != 0) {
        return Err(invalid("listen_path is for a local forward, in the place of listen_port"));
    }
    if way == Way::Remote {
        if listen_port == 0 {
            return Err(invalid("a remote forward needs a listen_port that the host lists"));
        }
        if !leads_here(dest_host) {
            return Err(Failure::new(
                ErrorCode::PolicyBlocked,
                format!("a remote forward leads to this machine's loopback, not to {dest_host}"),
                "leave dest_host out, or give localhost",
            ));
        }
    }
    Ok(Open {
        target: TargetName::new(target).map_err(bounds)?,
        direction: match way {
            Way::Local => Direction::Local,
            Way::Remote => Direction::Remote,
        },
        listen_port,
        listening: None,
        dest_host: DestHost::new(dest_host).map_err(bounds)?,
        dest_port,
        consent: grant.consent,
        confirmation: grant.confirmation.clone(),
    })
}

/// What a person agrees to.
fn words(request: &Open) -> String {
    let place = format!("{}:{}", request.dest_host, request.dest_port);
    match request.direction {
        Direction::Local => {
            format!("a tunnel from this machine to {place}: what goes through it is not judged")
        }
        Direction::Remote => {
            format!("a tunnel from its port {} to {place} on this machine", request.listen_port)
        }
    }
}

fn opened_answer(opened: Opened, way: Way, request: &Open) -> Answer {
    let destination = format!("{}:{}", request.dest_host, request.dest_port);
    let text = match way {
        Way::Local => format!(
            "forward {}: connect to {} here to reach {destination} through {}",
            opened.id, opened.address, opened.target
        ),
        Way::Remote => {
            format!(
                "forward {}: {} on {} leads to {destination} here",
                opened.id, opened.address, opened.target
            )
        }
    };
    let fields = Fields {
        id: opened.id.clone(),
        forward_id: opened.id,
        listen_address: Some(opened.address),
        listen_port: opened.port,
        direction: Some(way),
        destination: Some(destination),
        bytes: None,
    };
    Answer::new(Status::Ok, &fields, format!("{text}; it ends with this client"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::request::Consent;

    fn code(args: serde_json::Value) -> &'static str {
        let args: Args = serde_json::from_value(args).unwrap();
        let grant = Grant { consent: Consent::None, confirmation: None };
        let way = args.direction.unwrap_or(Way::Local);
        match request(&args, "web1", way, &grant) {
            Ok(_) => "ok",
            Err(failure) => failure.code.as_str(),
        }
    }

    #[test]
    fn a_forward_that_makes_no_sense_is_refused_before_anything_listens() {
        let open = |more: serde_json::Value| {
            let mut args = serde_json::json!({ "action": "open", "dest_port": 80 });
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            code(args)
        };
        assert_eq!(open(serde_json::json!({})), "invalid_argument");
        assert_eq!(open(serde_json::json!({ "dest_host": "-oProxyCommand" })), "invalid_argument");
        assert_eq!(open(serde_json::json!({ "dest_host": "db", "dest_port": 0 })), "invalid_argument");
        assert_eq!(open(serde_json::json!({ "dest_host": "db" })), "ok");
        assert_eq!(open(serde_json::json!({ "dest_host": "[::1]" })), "ok");
        let path = |more: serde_json::Value| {
            let mut args = serde_json::json!({ "dest_host": "db", "listen_path": "s" });
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            open(args)
        };
        assert_eq!(path(serde_json::json!({})), "ok");
        assert_eq!(path(serde_json::json!({ "listen_port": 7 })), "invalid_argument");
        assert_eq!(path(serde_json::json!({ "direction": "remote" })), "invalid_argument");
        assert_eq!(open(serde_json::json!({ "direction": "remote" })), "invalid_argument");
        assert_eq!(open(serde_json::json!({ "direction": "remote", "listen_port": 8080 })), "ok");
    }

    #[test]
    fn a_remote_forward_never_leads_beyond_loopback() {
        let args = serde_json::json!({
            "action": "open", "direction": "remote", "listen_port": 8080, "dest_host": "10.0.0.1", "dest_port": 80
        });
        assert_eq!(code(args), "policy_blocked");
    }
}
