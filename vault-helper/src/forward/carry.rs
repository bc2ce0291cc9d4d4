//! Carrying one connection through a forward.
//!
//! What comes from the remote is looked at before it leaves. A tunnel's bytes cannot be masked without breaking what
//! speaks through it, so a connection that carries an enrolled secret is cut, and the secret stays behind: bytes that
//! may begin one are held until it is clear that they do not.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sallyport_protocol::envelope::{OpId, Stream};
use sallyport_protocol::forward;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::{ErrorCode, Failure, FromHelper};
use tokio::sync::oneshot;

use super::registry::Forward;
use crate::helper::Helper;
use crate::redact::{Clean, StreamRedactor};
use crate::serve::connection::{Operation, came_true};
use crate::serve::outbound::Outbound;
use crate::session::exec::no_audit;
use crate::session::oneshot::until;
use crate::ssh::channel::{Channel, ChannelMsg, ReadHalf};

/// Carries a connection that a client accepted to where a local forward leads.
///
/// # Errors
/// When there is no such forward, no room, no transport, or nobody answers there.
pub async fn connect(op: &mut Operation, principal: &str, id: &str) -> Result<Outcome, Failure> {
    let forward = op.helper.forwards.find(principal, id)?;
    if forward.request.direction != forward::Direction::Local {
        return Err(wrong_way(id));
    }
    let _passenger = forward.board()?;
    announce(&op.helper, &forward).await?;
    let mut cancelled = op.cancelled.clone();
    let channel = tokio::select! {
        channel = reach(&op.helper, &forward) => channel?,
        () = came_true(&mut cancelled) => return Ok(Outcome::Cancelled { gone: true }),
    };
    carry(op, &forward, channel).await
}

/// Carries a connection that the remote accepted to the client.
///
/// # Errors
/// When there is no such forward or connection.
pub async fn take(op: &mut Operation, principal: &str, id: &str, number: u64) -> Result<Outcome, Failure> {
    let forward = op.helper.forwards.find(principal, id)?;
    let (channel, _passenger) = forward.unpark(number).ok_or_else(|| wrong_way(id))?;
    announce(&op.helper, &forward).await?;
    carry(op, &forward, channel).await
}

fn wrong_way(id: &str) -> Failure {
    Failure::new(
        ErrorCode::ForwardNotFound,
        format!("forward {id} has no such connection"),
        "this is a defect in the client: it mixed up two forwards",
    )
}

/// Writes that a connection begins, before its first byte moves.
async fn announce(helper: &Helper, forward: &Forward) -> Result<(), Failure> {
    let details = serde_json::json!({ "id": forward.id });
    helper.audit.event("forward_connection", details).await.map_err(|error| no_audit(&error))
}

/// Opens a channel to the destination; over a new transport when the old one turns out to be gone.
async fn reach(helper: &Arc<Helper>, forward: &Forward) -> Result<Channel, Failure> {
    let (host, port) = (forward.request.dest_host.as_str(), forward.request.dest_port);
    let mut again = true;
    loop {
        let lease = forward.lease(helper).await?;
        match lease.open_tcpip(host, port).await {
            Ok(channel) => {
                forward.note("");
                return Ok(channel);
            }
            Err(_) if again && lease.transport().closed().is_some() => again = false,
            Err(error) => {
                let what = format!("{} cannot reach {host}:{port}: {error}", forward.target.label());
                forward.note(&what);
                return Err(Failure::new(
                    ErrorCode::SshConnectionFailed,
                    what,
                    "check that something listens there, and that the host's sshd allows TCP forwarding",
                ));
            }
        }
    }
}

async fn carry(op: &mut Operation, forward: &Arc<Forward>, channel: Channel) -> Result<Outcome, Failure> {
    let Operation { helper, id, out, cancelled, input } = op;
    let (read, write) = channel.split();
    let sent = AtomicU64::new(0);
    let (finished, input_over) = oneshot::channel();
    let up = async {
        while let Some(chunk) = input.next().await {
            let size = chunk.len();
            // A destination that closed is noticed on the way down.
            if write.data_bytes(chunk).await.is_err() {
                break;
            }
            sent.fetch_add(size as u64, Ordering::Relaxed);
            forward.count(size);
        }
        let _ = write.eof().await;
        let _ = finished.send(());
        std::future::pending::<Infallible>().await
    };
    let sieve = helper.redactor.with_shapes(false).stream();
    let down = Down { forward, out, op: *id, sieve, received: 0 };
    let outcome = tokio::select! {
        ended = down.run(read, input_over) => ended.map(|received| {
            Outcome::Forward(forward::Outcome::Ended { received, sent: sent.load(Ordering::Relaxed) })
        }),
        never = up => match never {},
        why = forward.closed() => Err(Failure::new(
            ErrorCode::ForwardNotFound,
            format!("the forward was closed: {why}"),
            "open it again if it is still needed",
        )),
        () = came_true(cancelled) => Ok(Outcome::Cancelled { gone: true }),
    };
    let _ = write.close().await;
    if let Err(failure) = &outcome {
        out.abandon(*id);
        if failure.code == ErrorCode::SecretInFile {
            forward.cut();
            let details = serde_json::json!({ "id": forward.id });
            if let Err(error) = helper.audit.event("forward_cut", details).await {
                tracing::error!(%error, "a cut connection was not written");
            }
        }
    }
    outcome
}

/// The way from the remote to the client.
struct Down<'a> {
    forward: &'a Forward,
    out: &'a Outbound,
    op: OpId,
    sieve: StreamRedactor,
    received: u64,
}

impl Down<'_> {
    /// Carries until both sides have finished or the remote closed; returns the bytes carried.
    async fn run(
        mut self,
        mut read: ReadHalf,
        mut input_over: oneshot::Receiver<()>,
    ) -> Result<u64, Failure> {
        let (mut done, mut fed) = (false, false);
        while !(done && fed) {
            let due = self.sieve.deadline().map(tokio::time::Instant::from_std);
            tokio::select! {
                message = read.wait() => match message {
                    Some(ChannelMsg::Data { data }) => {
                        let clean = self.sieve.push_owned(Instant::now(), data.into());
                        self.pass(clean).await?;
                    }
                    Some(ChannelMsg::Eof) if !done => {
                        done = true;
                        self.finish().await?;
                    }
                    Some(ChannelMsg::Close) | None => {
                        if !done {
                            self.finish().await?;
                        }
                        break;
                    }
                    Some(_) => {}
                },
                () = until(due) => {
                    let clean = self.sieve.tick(Instant::now());
                    self.pass(clean).await?;
                }
                _ = &mut input_over, if !fed => fed = true,
            }
        }
        Ok(self.received)
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        let clean = self.sieve.finish();
        self.pass(clean).await?;
        let event = Event::Forward(forward::Event::Finished { bytes: self.received });
        self.out.message(FromHelper::<Event, Outcome>::Event { op: self.op, event });
        Ok(())
    }

    async fn pass(&mut self, clean: Clean) -> Result<(), Failure> {
        if self.sieve.redactions() > 0 {
            return Err(Failure::new(
                ErrorCode::SecretInFile,
                "the connection was cut: it carried a vault secret",
                "what goes through a forward is exact or nothing; use ssh_exec on the host, where secrets are masked",
            ));
        }
        if !clean.is_empty() {
            self.received += clean.len() as u64;
            self.forward.count(clean.len());
            self.out.data(self.op, Stream::Output, clean).await;
        }
        Ok(())
    }
}
