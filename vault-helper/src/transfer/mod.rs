//! Files on their way between a broker and a host, or from host to host.
//!
//! | module | what it holds |
//! |---|---|
//! | [`errand`] | what every transfer has: target, gate, connection, audit records |
//! | [`tree`] | what is below a directory on a host |
//! | [`offer`] | reading what a broker offers, and its bytes |
//! | [`plan`] | what an upload has to do, decided before anything is done |
//! | [`upload`], [`download`], [`copy`] | the three |
//!
//! May touch: hosts by SFTP, the operation's streams. Must never touch: local files. A host's bytes leave through
//! [`crate::redact::Exact`] only, which lets nothing of a secret pass; that holds for a copy to another host too.

mod copy;
mod download;
mod errand;
mod offer;
mod plan;
mod tree;
mod upload;

use sallyport_protocol::envelope::Caller;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::transfer::{Ask, Note};
use sallyport_protocol::{ErrorCode, Failure, FromHelper};

use crate::serve::connection::{Operation, came_true};
use crate::serve::outbound::Outbound;

/// Transfers, and says how it ended. A cancelled one leaves no temporary file behind.
pub async fn run(op: &mut Operation, caller: &Caller, ask: Ask) -> Outcome {
    let mut cancelled = op.cancelled.clone();
    let (id, out) = (op.id, op.out.clone());
    let work = async {
        match ask {
            Ask::Upload(upload) => upload::run(op, caller, upload).await,
            Ask::Download(download) => download::run(op, caller, download).await,
            Ask::Copy(copy) => copy::run(op, caller, copy).await,
        }
    };
    let outcome = tokio::select! {
        result = work => result.unwrap_or_else(|early| *early.0),
        () = came_true(&mut cancelled) => Outcome::Cancelled { gone: true },
    };
    if !matches!(outcome, Outcome::Transferred(_)) {
        // What still waits to be sent is of no use to anybody.
        out.abandon(id);
    }
    outcome
}

fn tell(out: &Outbound, op: sallyport_protocol::OpId, note: Note) {
    out.message(FromHelper::<Event, Outcome>::Event { op, event: Event::Transfer(note) });
}

fn secret_in_file(path: &str) -> Failure {
    Failure::new(
        ErrorCode::SecretInFile,
        format!("{path} holds a secret of the vault; it is not transferred, and nothing was kept of it"),
        "read what you need of it with ssh_file_read or ssh_exec: secrets are masked there",
    )
}
