//! What surrounds every operation, in each direction.
//!
//! An operation begins with `Start`, may carry one stream in and two out, and
//! ends with exactly one `Done`. The client chooses the ids; they increase and
//! are never used twice on a connection.

use serde::{Deserialize, Serialize};

use crate::text::{Chunk, PrincipalName};

/// An operation's number: chosen by the client, increasing, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpId(pub u64);

/// A stream out of the helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stream {
    /// Standard output, a page of kept output, or a file's content.
    Output,
    /// Standard error.
    ErrorOutput,
}

/// On whose behalf an operation is started.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Caller {
    /// Who asks.
    pub principal: PrincipalName,
    /// Which of the principal's clients: what it opens without a name ends with it.
    pub client: u64,
}

/// Frames to the helper; `Q` is what the role may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHelper<Q> {
    /// Begins an operation.
    Start {
        /// Its new id.
        op: OpId,
        /// On whose behalf.
        caller: Caller,
        /// What is asked.
        request: Q,
    },
    /// A piece of the operation's input.
    Data {
        /// The operation.
        op: OpId,
        /// The bytes; each costs one byte of credit.
        bytes: Chunk,
    },
    /// The input is complete.
    End {
        /// The operation.
        op: OpId,
    },
    /// The client has taken bytes off a stream and allows as many more.
    Credit {
        /// The operation.
        op: OpId,
        /// The stream.
        stream: Stream,
        /// How many bytes, at least 1.
        bytes: u32,
    },
    /// Stop the operation; its `Done` still comes.
    Cancel {
        /// The operation.
        op: OpId,
    },
    /// Asks for a [`FromHelper::Pong`].
    Ping {
        /// Returned as it is.
        token: u64,
    },
}

/// Frames from the helper; `E` are events on the way, `O` is how it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromHelper<E, O> {
    /// A piece of a stream, redacted.
    Data {
        /// The operation.
        op: OpId,
        /// The stream.
        stream: Stream,
        /// The bytes; each costs one byte of credit.
        bytes: Chunk,
    },
    /// The helper has taken bytes off the input and allows as many more.
    Credit {
        /// The operation.
        op: OpId,
        /// How many bytes, at least 1.
        bytes: u32,
    },
    /// Something worth telling before the end.
    Event {
        /// The operation.
        op: OpId,
        /// What.
        event: E,
    },
    /// The operation's one and last frame.
    Done {
        /// The operation.
        op: OpId,
        /// How it ended.
        outcome: O,
    },
    /// Answers a [`ToHelper::Ping`].
    Pong {
        /// As it was asked.
        token: u64,
    },
}
