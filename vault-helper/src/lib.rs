//! The vault helper: the one process that decrypts, enforces the policy, redacts,
//! and writes the audit log; and the processes it starts that speak SSH.
//!
//! It is a library so that tests and fuzzers reach its parts; the program is
//! `main.rs`. It knows nothing of MCP or of JSON tools.
//!
//! | folder | what it holds |
//! |---|---|
//! | [`vault`] | the store, gpg, records, the unlock window |
//! | [`hostkeys`] | known_hosts files |
//! | [`ssh`] | transports: connect, check the key, log in, share |
//! | [`carrier`] | the process that speaks SSH with one host, and holds nothing |
//! | [`files`] | looking at and changing single files |
//! | [`forward`] | port forwards |
//! | [`session`] | commands, shells, jobs |
//! | [`transfer`] | files on their way |
//! | [`guard`] | targets, the policy's gate, confirmations |
//! | [`person`] | what people ask: the checkup, records, the walk of a login, answers |
//! | [`redact`] | the only way out for bytes |
//! | [`audit`] | the log |
//! | [`config`] | directories, settings, policy and inventory |
//! | [`harden`] | what the process takes from itself |
//! | [`serve`] | sockets, connections, requests |

pub mod afterwards;
pub mod audit;
pub mod carrier;
pub mod config;
pub mod files;
pub mod forward;
pub mod guard;
pub mod harden;
pub mod helper;
pub mod hex;
pub mod hostkeys;
pub mod person;
pub mod redact;
pub mod serve;
pub mod session;
pub mod ssh;
pub mod transfer;
pub mod vault;
