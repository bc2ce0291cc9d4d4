//! Port forwards, and the connections that go through them.
//!
//! A forward is one operation that lasts as long as the forward is open:
//! cancelling it, or the end of the connection to the helper, closes it. Every
//! connection through it is an operation of its own, with the bytes towards the
//! remote as its input and those from the remote as [`Stream::Output`].
//!
//! [`Stream::Output`]: crate::Stream::Output

use serde::{Deserialize, Serialize};

use crate::request::Consent;
use crate::scrub::Scrub;
use crate::text::{ConfirmationId, DestHost, ForwardId, TargetName, Text, Word};

/// What may be asked about forwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Open one; the operation ends when the forward does.
    Open(Open),
    /// Carry one connection that was accepted here through a local forward.
    Connect {
        /// Which forward.
        forward: ForwardId,
    },
    /// Carry one connection that was accepted on the remote, announced by [`Event::Incoming`].
    Take {
        /// Which forward.
        forward: ForwardId,
        /// Its number.
        connection: u64,
    },
    /// Close a forward, whichever of the principal's clients opened it.
    Close {
        /// Which.
        forward: ForwardId,
    },
}

/// Open a forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The host it goes through.
    pub target: TargetName,
    /// Which way connections go.
    pub direction: Direction,
    /// Local: the port that was asked for here, 0 for any free one or a Unix socket.
    /// Remote: the port to listen on over there, on loopback.
    pub listen_port: u16,
    /// Where the client listens, for listings: no part of what is confirmed.
    pub listening: Option<Word>,
    /// Local: where the remote host connects to. Remote: where the client will connect to, to be shown.
    pub dest_host: DestHost,
    /// The port there, at least 1.
    pub dest_port: u16,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// Which way connections go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Accepted here, leading to somewhere the remote host reaches.
    Local,
    /// Accepted on the remote, leading to here.
    Remote,
}

/// Something on the way to a forward's or connection's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The forward is open.
    Opened {
        /// Its id.
        forward: Text,
        /// The host, as `user@alias`.
        target: Text,
    },
    /// A connection was accepted on the remote and waits to be taken.
    Incoming {
        /// Its number.
        connection: u64,
    },
    /// The remote sends no more on this connection.
    Finished {
        /// Bytes it sent in all: this frame goes ahead of data that is still queued.
        bytes: u64,
    },
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The forward is closed.
    Closed {
        /// Why, in words.
        reason: Text,
        /// Bytes carried, both ways.
        bytes: u64,
    },
    /// The connection ended in good order.
    Ended {
        /// Bytes that came from the remote.
        received: u64,
        /// Bytes that went to it.
        sent: u64,
    },
}

impl Scrub for Event {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Event::Opened { forward, target } => {
                forward.scrub(f);
                target.scrub(f);
            }
            Event::Incoming { connection: _ } | Event::Finished { bytes: _ } => {}
        }
    }
}

impl Scrub for Outcome {
    fn scrub(&mut self, f: &mut dyn FnMut(&mut Text)) {
        match self {
            Outcome::Closed { reason, bytes: _ } => reason.scrub(f),
            Outcome::Ended { received: _, sent: _ } => {}
        }
    }
}
