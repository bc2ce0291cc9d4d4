//! The vault: the user's own password store, read and written through GnuPG.
//!
//! May touch: the password store, gpg and gpg-agent (through gpgme), the configuration of gopass, clocks.
//! Must never touch: the network, SSH transports, the broker's socket, the redactor. Nothing here writes a
//! decrypted byte to a file, a log, an argument vector or an error text, and nothing here runs `pass` or
//! `gopass`.
//!
//! A record is found by its [`Slug`] and [`RecordType`] alone. Only [`Vault`] decrypts, and it asks the
//! [`Window`] first unless a person is waiting at a terminal.

mod ask;
mod error;
mod gopass;
mod gpg;
mod key;
mod locate;
mod person;
mod pool;
mod recipients;
mod record;
mod service;
mod slug;
mod store;
mod walk;
mod window;
mod write;

pub use error::{RecipientProblem, VaultError};
pub use gpg::GpgHome;
pub use key::{KeyError, LoadedKey};
pub use locate::{Locations, Origin};
pub use person::{PERSON_VARIABLES, PersonEnv};
pub use record::{MAX_SECRET_BYTES, RecordType, Secret};
pub use service::{Ask, Vault};
pub use slug::{Purpose, Slug, SlugError};
pub use store::Store;
pub use walk::{Entry, Filter, Listing};
pub use window::{Window, WindowState};
pub use write::Written;
