//! The vault: the user's own password store, read and written through GnuPG.
//!
//! May touch: the password store, gpg and gpg-agent (through gpgme), the configuration of gopass, clocks.
//! Must never touch: the network, SSH transports, the broker's socket, the redactor. Nothing here writes a
//! decrypted byte to a file, a log, an argument vector or an error text, and nothing here runs `pass` or
//! `gopass`.
//!
//! A record is found by its [`Slug`] and [`RecordType`] alone. Only [`Vault`] decrypts, and it asks the
//! [`Window`] first unless a person is waiting at a terminal.

mod agent;
mod ask;
mod bifrost;
mod checkup;
mod dotenv;
mod error;
mod fallback;
mod gopass;
mod gpg;
mod inspect;
mod key;
mod locate;
mod login;
mod person;
mod pool;
mod pubkeys;
mod recipients;
mod record;
mod service;
mod slug;
mod store;
mod walk;
mod window;
mod write;

pub use agent::Agent;
pub use bifrost::{Importable, Planned, Step};
pub use checkup::{Check, Level};
pub use dotenv::{DotenvError, Variable, parse_dotenv};
pub use error::{RecipientProblem, Unusable, VaultError};
pub use fallback::{Fallback, FallbackError, fallback_for};
pub use gpg::GpgHome;
pub use inspect::Inspection;
pub use key::{KeyError, LoadedKey};
pub use locate::{Locations, Origin};
pub use login::Login;
pub use person::PersonEnv;
pub use record::{MAX_SECRET_BYTES, RecordType, Secret};
pub use service::{Ask, Vault};
pub use slug::{Purpose, Slug, SlugError};
pub use store::Store;
pub use walk::{Entry, Filter, Listing};
pub use window::{Window, WindowState};
pub use write::Written;
