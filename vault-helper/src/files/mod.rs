//! Looking at and changing single files of a host.
//!
//! | module | what it holds |
//! |---|---|
//! | [`request`] | one request from question to answer: judge, connect, audit, act |
//! | `read`, `write`, `list`, `search` | what is done |
//! | [`digest`] | what tells one content from another without giving a secret away |
//! | [`edit`] | changes of a text; pure |
//! | [`validate`] | whether a text is well formed; pure |
//!
//! May touch: files of the target over SFTP, after the gate has passed and the audit log has the intent. Must never
//! touch: local files. What a model reads is masked, so edits apply to the real bytes here, and nothing that holds a
//! mask is written in a secret's place.

pub mod digest;
pub mod edit;
mod list;
mod read;
pub mod request;
mod search;
pub mod validate;
mod write;

pub use request::run;
