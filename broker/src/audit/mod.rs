//! Reading the audit log that the helper writes.
//!
//! This part reads the log's files and nothing else, and writes nothing. It trusts no line: whoever can read the log
//! may have been able to write it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`files`] | the log's files and their lines, oldest first |
//! | [`verify`] | whether the chain holds |
//! | [`record`] | what a line says |
//! | [`when`] | points in time as people write them |

pub mod files;
pub mod record;
pub mod verify;
pub mod when;
