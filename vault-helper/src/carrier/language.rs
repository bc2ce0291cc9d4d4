//! What the helper and a carrier say to each other about one connection: frames of the protocol crate over two pipes, one a
//! direction. On a Unix socket each side would be woken whenever the other has read, too.
//!
//! The helper gives [`Order`]s, the carrier [`Report`]s. Neither is a promise of the other's good will: both sides are
//! bounded by the frame, and the helper takes every report as the server's own words.
//!
//! A connection begins with [`Order::Exchange`]. The host's key is put to the helper ([`Report::HostKey`]) before anything
//! else is sent, again with every new key exchange. Then come proofs of who we are, one at a time, and after the login
//! channels, many at once. Bytes for a channel cost credit ([`CREDIT`]), which comes back as the server takes them, so that
//! one that does not read holds up no other channel. Bytes from the server cost none: a reader here that stands still stops
//! the connection, because russh widens a channel's window whether it is read or not.

use russh::keys::HashAlg;
use sallyport_protocol::frame::{self, Deframer, FrameError};
use sallyport_protocol::rope::Rope;
use sallyport_protocol::text::{Chunk, SecretBytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::mpsc;

/// Bytes for one channel that may be under way to the server.
pub const CREDIT: usize = 512 * 1024;
/// The longest command, in bytes: OpenSSH's own longest packet (PACKET_MAX_SIZE).
pub const MAX_COMMAND: usize = 256 * 1024;
/// The longest text a report quotes, in bytes.
const MAX_TEXT: usize = 2 * 1024;
/// Bytes of frames that are written at once.
const WRITE: usize = 256 * 1024;

/// A question's number, so that its answer is known among others.
pub type Ask = u32;

/// From the helper.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Exchange keys.
    Exchange {
        /// Names of host key algorithms, the one we would rather see first.
        algorithms: Vec<String>,
        /// Whether host certificates are of use.
        certificates: bool,
        /// Seconds between questions for a sign of life; 0 for none.
        keepalive_s: u64,
    },
    /// The host's key is the right one, or it is not.
    Accept(bool),
    /// Say which hash the server wants with RSA keys.
    AskRsaHash,
    /// Prove who we are.
    Prove {
        /// The account.
        user: String,
        /// How.
        proof: Proof,
    },
    /// The signature that was asked for.
    Signature(Vec<u8>),
    /// Answers to the server's questions, in their order; none is an empty one.
    Answers(Vec<Option<SecretBytes>>),
    /// Open a channel.
    Open {
        /// The question's number.
        ask: Ask,
        /// Where to.
        to: Destination,
    },
    /// Have the server listen on a port of its loopback, or stop doing so (RFC 4254, 7.1).
    Listen {
        /// The question's number.
        ask: Ask,
        /// The port.
        port: u16,
        /// Whether to begin.
        begin: bool,
    },
    /// Have the server prove that it holds these host keys, in their wire format.
    ProveHostKeys {
        /// The question's number.
        ask: Ask,
        /// The keys.
        keys: Vec<Vec<u8>>,
    },
    /// What to do with a channel the server opened.
    Arrival {
        /// The channel.
        channel: u32,
        /// Whether it is wanted.
        wanted: bool,
    },
    /// A piece of the next command for a channel.
    Command {
        /// The channel.
        channel: u32,
        /// Whether it is the first one.
        first: bool,
        /// The piece.
        piece: Chunk,
    },
    /// Ask something of a channel.
    Request {
        /// The channel.
        channel: u32,
        /// What.
        request: Request,
    },
    /// Bytes for a channel.
    Data {
        /// The channel.
        channel: u32,
        /// The bytes.
        bytes: Chunk,
    },
    /// Say goodbye to the server.
    Disconnect,
}

/// How we prove who we are (RFC 4252, 7 and 8; RFC 4256).
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// With a public key, in its wire format; signatures are asked for.
    Key {
        /// The key.
        key: Vec<u8>,
        /// The hash for RSA.
        hash: Option<Hash>,
    },
    /// With a certificate, in its wire format; signatures are asked for.
    Certificate {
        /// The certificate.
        certificate: Vec<u8>,
        /// The hash for RSA.
        hash: Option<Hash>,
    },
    /// With a password.
    Password(SecretBytes),
    /// By answering what the server asks.
    Interactive,
}

/// The hash of an RSA signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl From<Hash> for HashAlg {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Sha256 => Self::Sha256,
            Hash::Sha512 => Self::Sha512,
        }
    }
}

impl Hash {
    /// The hash of this name, if it is one of ours.
    pub fn of(hash: HashAlg) -> Option<Self> {
        match hash {
            HashAlg::Sha256 => Some(Self::Sha256),
            HashAlg::Sha512 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// What a channel leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// A program of the host.
    Session,
    /// A TCP port the host can reach.
    Tcp {
        /// Its name or address.
        host: String,
        /// The port.
        port: u16,
    },
}

/// What is asked of a channel (RFC 4254, 6).
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// A terminal.
    Pty {
        /// Its kind, for TERM.
        term: String,
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
        /// Modes: opcode and value (RFC 4254, 8).
        modes: Vec<(u8, u32)>,
    },
    /// Run the command whose pieces came.
    Exec,
    /// Start the login shell.
    Shell,
    /// Start a subsystem.
    Subsystem(String),
    /// Send the program a signal, by its name without SIG.
    Signal(String),
    /// The terminal has another size.
    Resize {
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
    },
    /// No more bytes come.
    Eof,
    /// Close it.
    Close,
}

/// From the carrier.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The key the host shows, in its wire format: is it the right one?
    HostKey {
        /// The key.
        key: Vec<u8>,
        /// Whether it is a certificate.
        certificate: bool,
    },
    /// Keys are exchanged.
    Exchanged,
    /// Keys could not be exchanged.
    NotExchanged(Fault),
    /// What the server wants with RSA keys.
    RsaHash(Option<Hash>),
    /// The helper is to sign this (RFC 4252, 7).
    Sign {
        /// What is signed.
        data: Vec<u8>,
        /// The hash for RSA.
        hash: Option<Hash>,
    },
    /// What the server made of a proof.
    Proven(Verdict),
    /// The server's questions.
    Questions {
        /// What they are about.
        name: String,
        /// More of it.
        instructions: String,
        /// The questions.
        questions: Vec<Question>,
    },
    /// A channel is open.
    Opened {
        /// Which question this answers.
        ask: Ask,
        /// The channel.
        channel: u32,
    },
    /// What was asked is done; or not, and why.
    Done {
        /// Which question this answers.
        ask: Ask,
        /// Why not.
        refused: Option<Refusal>,
    },
    /// The server opens a channel for a connection on a port it listens on.
    Arrived {
        /// The channel.
        channel: u32,
        /// The port.
        port: u32,
    },
    /// The host keys the server says it has, in their wire format.
    Announced(Vec<Vec<u8>>),
    /// The server says something on a channel.
    Said {
        /// The channel.
        channel: u32,
        /// What.
        saying: Saying,
    },
    /// Bytes from a channel.
    Data {
        /// The channel.
        channel: u32,
        /// Whether they are errors (extended data, RFC 4254, 5.2).
        errors: bool,
        /// The bytes.
        bytes: Chunk,
    },
    /// The server took bytes of a channel: as many may follow.
    Took {
        /// The channel.
        channel: u32,
        /// How many.
        bytes: u32,
    },
    /// The connection is over.
    Closed(String),
}

/// Why no keys were exchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The server hung up before it said anything of use.
    HungUp(String),
    /// Messages could be cut off unnoticed (CVE-2023-48795).
    CanBeCut,
    /// Anything else.
    Other(String),
}

/// What the server made of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// We are in.
    In,
    /// We are not, yet.
    Not {
        /// The proof was taken, and more is wanted.
        partly: bool,
        /// What it takes.
        takes: Takes,
    },
    /// The connection is gone.
    Gone,
}

/// The kinds of proof a server takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takes {
    /// Keys and certificates.
    pub keys: bool,
    /// Passwords.
    pub passwords: bool,
    /// Answers to its questions.
    pub answers: bool,
    /// Any kind at all, known here or not.
    pub any: bool,
}

/// A question of the server's (RFC 4256, 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its words.
    pub text: String,
    /// Whether the answer may be seen as it is typed.
    pub echo: bool,
}

/// What a server says on a channel beside bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Saying {
    /// It did what was asked.
    Success,
    /// It did not.
    Failure,
    /// No more bytes come.
    Eof,
    /// It is closed.
    Close,
    /// The program ended with this code.
    ExitStatus(u32),
    /// A signal of this name ended the program.
    ExitSignal(String),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The server opens no such channel: the reason's name (RFC 4254, 5.1).
    Channel(String),
    /// Anything else.
    Other(String),
}

/// A text of the server's or a library's, cut to what a report may quote.
pub(super) fn clip(text: &str) -> String {
    let end = (0..=text.len().min(MAX_TEXT)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text[..end].to_owned()
}

/// Reads frames of one direction.
pub struct Frames {
    pipe: Receiver,
    deframer: Deframer,
}

impl Frames {
    /// Reads from a pipe.
    pub fn new(pipe: Receiver) -> Self {
        Self { pipe, deframer: Deframer::new() }
    }

    /// The next message; nothing when the other side is gone.
    ///
    /// # Errors
    /// When it speaks another language. Nothing after that can be trusted.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        loop {
            if let Some(body) = self.deframer.next_body()? {
                return frame::decode(body).map(Some);
            }
            match self.pipe.read_buf(self.deframer.room()).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(count) => self.deframer.filled(count),
            }
        }
    }
}

/// Writes messages to a pipe until nobody has any more, several at once where several wait.
pub async fn write_all<T: Message>(mut pipe: Sender, mut queue: mpsc::Receiver<T>) {
    while let Some(message) = queue.recv().await {
        let Ok(mut frames) = message.encode() else { return };
        while frames.len() < WRITE {
            let Ok(message) = queue.try_recv() else { break };
            let Ok(frame) = message.encode() else { return };
            frames.append(frame);
        }
        if pipe.write_all_buf(&mut frames).await.is_err() {
            return;
        }
    }
}

/// What is said in one direction.
pub trait Message: Serialize {
    /// The bytes at its end, taken out, if it is one that carries bytes.
    fn take_bytes(&mut self) -> Option<Chunk>;

    /// As a frame.
    ///
    /// # Errors
    /// When it does not fit one.
    fn encode(mut self) -> Result<Rope, FrameError>
    where
        Self: Sized,
    {
        match self.take_bytes() {
            Some(bytes) => frame::encode_around(&self, bytes),
            None => frame::encode(&self).map(Rope::from),
        }
    }
}

impl Message for Order {
    fn take_bytes(&mut self) -> Option<Chunk> {
        if let Self::Data { bytes, .. } = self { Some(std::mem::take(bytes)) } else { None }
    }
}

impl Message for Report {
    fn take_bytes(&mut self) -> Option<Chunk> {
        if let Self::Data { bytes, .. } = self { Some(std::mem::take(bytes)) } else { None }
    }
}
