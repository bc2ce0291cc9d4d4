//! The language between the broker and the vault helper, and nothing else.
//!
//! This crate holds the words (bounded newtypes, one enum per direction), the
//! frame codec, the handshake and the bookkeeping of credits. It is sans-IO: it
//! never opens a socket, reads a clock or starts a task, so both sides and the
//! fuzzers drive the same code. It must never learn about MCP, SSH, GPG or any
//! secret beyond the one opaque [`SecretBytes`] a person hands to the helper.
//!
//! The prose of this language is `PROTOCOL.md` beside this crate; the bytes of
//! every message are pinned in `tests/pinned.rs`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`frame`] | length-prefixed frames, encoder and decoder |
//! | [`handshake`] | the frozen first exchange |
//! | [`text`], [`list`] | bounded strings, bytes and lists |
//! | [`name`] | file names that are not UTF-8, as text |
//! | [`envelope`] | what surrounds every operation in each direction |
//! | [`request`], [`reply`] | what a broker may ask, what it is answered |
//! | [`admin`] | what a person's command line may ask, what it is answered |
//! | [`person`] | what the person in the loop is asked and asks |
//! | [`show`] | texts for people who must judge them |
//! | [`terminal`] | terminals, transcripts, a person's view of sessions |
//! | [`file`] | looking at and changing single files |
//! | [`forward`] | port forwards and the connections through them |
//! | [`transfer`] | files on their way |
//! | [`rope`] | bytes in pieces |
//! | [`error`] | stable error codes and [`Failure`] |
//! | [`flow`] | credits, order and fairness of outgoing frames |

pub mod admin;
pub mod envelope;
pub mod error;
pub mod file;
pub mod flow;
pub mod forward;
pub mod frame;
pub mod handshake;
pub mod list;
pub mod name;
pub mod person;
pub mod reply;
pub mod request;
pub mod rope;
pub mod scrub;
pub mod secrets;
pub mod show;
pub mod sudo;
pub mod terminal;
pub mod text;
pub mod transfer;

pub use envelope::{Caller, FromHelper, OpId, Stream, ToHelper};
pub use error::{ErrorCode, Failure};
pub use list::List;
pub use scrub::Scrub;
pub use text::{Chunk, SecretBytes, Text};

/// A broker's frames to the helper.
pub type BrokerToHelper = ToHelper<request::Request>;
/// The helper's frames to a broker.
pub type ToBroker = FromHelper<reply::Event, reply::Outcome>;
/// A person's command line's frames to the helper.
pub type AdminToHelper = ToHelper<admin::AdminRequest>;
/// The helper's frames to a person's command line.
pub type ToAdmin = FromHelper<admin::AdminEvent, admin::AdminOutcome>;
