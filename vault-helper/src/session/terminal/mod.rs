//! Terminal sessions: a pseudo-terminal on the host, typed into and looked at.
//!
//! What is typed cannot be judged as commands, so opening one passes the gate by the host's `terminal` setting. This
//! part may type what a request says into the terminal it names, and show what the redactor let through; it never
//! holds an unmasked byte longer than the redactor does, and never types anything of its own.
//!
//! | module | what it holds |
//! |---|---|
//! | [`asked`] | what a broker may ask |
//! | [`open`] | opening one: the gate, the channel, the first sign of life |
//! | [`pty`] | one terminal: its channel, its output, its end |
//! | [`ring`] | the last part of its output, under cursors |
//! | [`modes`] | what its program asked of the keyboard and the screen |
//! | [`look`] | answering a look: waiting, matching, rendering |
//! | [`plain`] | output as text |
//! | [`until`] | what is waited for |
//! | [`keys`] | what keys send |
//! | [`typing`] | sending text, keys and sizes |

pub mod asked;
pub mod keys;
pub mod look;
pub mod modes;
pub mod open;
pub mod plain;
pub mod pty;
pub mod ring;
pub mod typing;
pub mod until;
