//! What others may see of a session: recordings on disk, and people who watch.
//!
//! Everything here has been through the redactor, and through [`safe`], so that neither a watcher's terminal nor a
//! player's does what a host says. This part may write below `transcripts/` of the state directory, nowhere else.
//!
//! | module | what it holds |
//! |---|---|
//! | [`tap`] | a session's recorder and watchers |
//! | [`cast`] | one recording: asciicast version 2 |
//! | [`store`] | the recordings there are, and their limits |
//! | [`fetch`] | one recording as text |
//! | [`safe`] | output that a person's terminal may be given |

pub mod cast;
pub mod fetch;
pub mod safe;
pub mod store;
pub mod tap;
