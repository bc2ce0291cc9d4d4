//! Opening a forward, keeping it, closing it.

use std::sync::Arc;
use std::time::Duration;

use sallyport_policy::ShellState;
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::forward::{self, Ask, Direction, Open};
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::{ErrorCode, Failure, FromHelper, List};
use tokio::sync::mpsc;

use super::carry;
use super::registry::Forward;
use crate::audit::{Ending, Intent};
use crate::guard::gate::{self, Gate};
use crate::guard::target::{self, Target};
use crate::helper::Helper;
use crate::serve::connection::{Operation, came_true};
use crate::session::exec::{Early, millis, no_audit};
use crate::ssh::channel::Channel;
use crate::ssh::pool::Traffic;
use crate::ssh::transport::Lease;

/// The pause after a host stopped listening for us, before it is asked again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often an idle forward looks at the clock.
const WATCH: Duration = Duration::from_secs(1);

/// Answers what is asked about forwards.
pub async fn run(op: &mut Operation, caller: &Caller, ask: Ask) -> Outcome {
    let principal = caller.principal.as_str();
    let answer = match ask {
        Ask::Open(request) => open(op, caller, request).await,
        Ask::Connect { forward } => {
            carry::connect(op, principal, forward.as_str()).await.map_err(Early::from)
        }
        Ask::Take { forward, connection } => {
            carry::take(op, principal, forward.as_str(), connection).await.map_err(Early::from)
        }
        Ask::Close { forward } => close(op, principal, forward.as_str()).map_err(Early::from),
    };
    answer.unwrap_or_else(|early| *early.0)
}

fn close(op: &Operation, principal: &str, id: &str) -> Result<Outcome, Failure> {
    let forward = op.helper.forwards.find(principal, id)?;
    let reason = "it was closed";
    forward.close(reason);
    Ok(Outcome::Forward(forward::Outcome::Closed { reason: reason.into(), bytes: forward.bytes() }))
}

async fn open(op: &mut Operation, caller: &Caller, request: Open) -> Result<Outcome, Early> {
    let helper = op.helper.clone();
    let now = helper.live.now();
    let principal = caller.principal.as_str();
    let target = target::resolve(&helper, &now, principal, &request.target)?;
    let (direction, place) = listed(&target, &request)?;
    let text = Forward::words(&request);
    let passage = Gate {
        helper: &helper,
        now: &now,
        principal,
        target: &target,
        text: &text,
        state: &ShellState::default(),
        binding: &[b"forward"],
        consent: request.consent,
        confirmation: request.confirmation.as_ref(),
    };
    let judgement = now.policy.judge_forward(&target.subject(principal), direction, &place);
    let granted = passage.follow(judgement).granted().map_err(Early)?;
    let login = helper.pool.lease_for(&helper, principal, &target, Traffic::Tunnels);
    let lease = op.unless_cancelled(login).await??;
    let id = helper.new_id("f");
    let intent = Intent {
        id: id.clone(),
        action: "forward_open",
        host_key: Some(lease.transport().fingerprint.clone()),
        ..gate::intent(&helper, &now, principal, &target, &helper.redactor.text(&text), &granted)?
    };
    let most = helper.settings.forward_max_bytes;
    let forward = Arc::new(Forward::new(id, caller.clone(), target, request, lease, most));
    helper.forwards.add(forward.clone())?;
    let _registered = Registered(&helper, &forward);
    helper.audit.intent(&intent).await.map_err(|error| no_audit(&error))?;
    let served = serve(op, &helper, &forward).await;
    // Connections under way end with it.
    forward.close("it was closed");
    let ending = Ending {
        id: forward.id.clone(),
        result: if served.is_ok() { "closed" } else { "failed" },
        code: served.as_ref().err().map(|failure| failure.code.as_str()),
        output_bytes: forward.bytes(),
        redactions: forward.cuts(),
        duration_ms: millis(forward.since.elapsed()),
        ..Ending::default()
    };
    if let Err(error) = helper.audit.ending(&ending).await {
        tracing::error!(%error, "an outcome was not written");
    }
    let reason = served?.into();
    Ok(Outcome::Forward(forward::Outcome::Closed { reason, bytes: forward.bytes() }))
}

/// Takes a forward out of the registry when its operation ends, however it does.
struct Registered<'a>(&'a Helper, &'a Forward);

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.forwards.remove(&self.1.id);
    }
}

/// Direction and place as operator rules name them, when the host's entry lists the place.
fn listed(target: &Target, request: &Open) -> Result<(&'static str, String), Early> {
    let Open { direction, listen_port, dest_host, dest_port, .. } = request;
    if *dest_port == 0 {
        return Err(Failure::new(
            ErrorCode::InvalidArgument,
            "a destination port is 1 to 65535",
            "give dest_port",
        )
        .into());
    }
    let wanted = dest_host.as_str().to_ascii_lowercase();
    let (known, direction, place, line) = match direction {
        Direction::Local => {
            let known = target.host.forward.iter().any(|(host, port)| *host == wanted && port == dest_port);
            let place = match wanted.contains(':') {
                true => format!("[{wanted}]:{dest_port}"),
                false => format!("{wanted}:{dest_port}"),
            };
            let line = format!("forward = [\"{place}\"]");
            (known, "local", place, line)
        }
        Direction::Remote => {
            let known = target.host.remote_forward.contains(listen_port);
            (known, "remote", listen_port.to_string(), format!("remote_forward = [{listen_port}]"))
        }
    };
    if known {
        return Ok((direction, place));
    }
    let alias = &target.alias;
    Err(Outcome::Blocked {
        failure: Failure::new(
            ErrorCode::PolicyBlocked,
            format!("{alias} lists no {direction} forward for {place}"),
            format!("a person can allow it: add `{line}` to [hosts.{alias}] in hosts.toml"),
        ),
        rules: List::clip(["forward-not-listed".into()]),
    }
    .into())
}

/// Keeps a forward until it is to close; says why it did.
async fn serve(op: &mut Operation, helper: &Arc<Helper>, forward: &Arc<Forward>) -> Result<String, Failure> {
    let mut ear = match forward.request.direction {
        Direction::Local => None,
        Direction::Remote => Some(Ear::open(helper, forward).await?),
    };
    let say = |event: forward::Event| {
        op.out.message(FromHelper::<Event, Outcome>::Event { op: op.id, event: Event::Forward(event) });
    };
    say(forward::Event::Opened {
        forward: forward.id.as_str().into(),
        target: forward.target.label().into(),
    });
    let mut number = 0;
    let ended = loop {
        tokio::select! {
            biased;
            why = forward.closed() => break why,
            () = came_true(&mut op.cancelled) => break "its client closed it or went away".to_owned(),
            why = idle(helper, forward) => break why,
            channel = hear(&mut ear, helper, forward) => {
                number += 1;
                // One too many is dropped, and thereby closed.
                if forward.park(number, channel) {
                    say(forward::Event::Incoming { connection: number });
                }
            }
        }
    };
    if let Some(ear) = ear {
        ear.close().await;
    }
    Ok(ended)
}

/// Waits until nothing has gone through a forward for too long.
async fn idle(helper: &Helper, forward: &Forward) -> String {
    let limit = helper.settings.forward_idle_s;
    loop {
        if limit > 0 && forward.idle() >= Duration::from_secs(limit) {
            return format!("nothing went through it for forward_idle_s = {limit} seconds");
        }
        tokio::time::sleep(WATCH).await;
    }
}

/// Our listening on a host.
struct Ear {
    lease: Arc<Lease>,
    channels: mpsc::Receiver<Channel>,
    port: u16,
}

impl Ear {
    async fn open(helper: &Arc<Helper>, forward: &Forward) -> Result<Self, Failure> {
        let port = forward.request.listen_port;
        let lease = forward.lease(helper).await?;
        let channels = lease.transport().listen(port).await.map_err(|error| {
            Failure::new(
                ErrorCode::SshConnectionFailed,
                format!("{} does not listen on port {port} for us: {error}", forward.target.label()),
                "the port may be in use there, or its sshd may not allow remote forwarding (AllowTcpForwarding, PermitListen)",
            )
        })?;
        Ok(Self { lease, channels, port })
    }

    async fn close(self) {
        self.lease.transport().stop_listening(self.port).await;
    }
}

/// The next connection accepted on the remote; never for local forwards. A lost transport is made anew.
async fn hear(ear: &mut Option<Ear>, helper: &Arc<Helper>, forward: &Forward) -> Channel {
    let Some(ear) = ear else { return std::future::pending().await };
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::select! {
            channel = ear.channels.recv() => if let Some(channel) = channel {
                return channel;
            },
            () = ear.lease.transport().lost() => {}
        }
        loop {
            forward.note("the connection was lost, being made anew");
            match Ear::open(helper, forward).await {
                Ok(again) => {
                    forward.note("");
                    *ear = again;
                    break;
                }
                Err(failure) => forward.note(format!("not listening: {}", failure.message)),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
