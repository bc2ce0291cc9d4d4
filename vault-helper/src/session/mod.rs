//! Running commands: one-shot channels, shells that live on, and the jobs both
//! leave behind; terminals, and transcripts of both kinds of session.
//!
//! This part may send to a host exactly the command text the guard judged, and
//! reads what the host answers. Output leaves it through [`sink::Sink`] only.

pub mod attach;
pub mod compose;
pub mod dialect;
pub mod driver;
pub mod end;
pub mod exec;
pub mod feed;
pub mod frame;
pub mod input;
pub mod job;
pub mod marks;
pub mod oneshot;
pub mod open;
pub mod registry;
pub mod secrets;
pub mod shell;
pub mod sink;
pub mod slot;
pub mod spool;
pub mod stop;
pub mod sudo;
pub mod table;
pub mod terminal;
pub mod transcript;
pub mod turns;
