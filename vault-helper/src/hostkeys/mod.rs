//! Host keys: which keys are known for a host, and whether the one it shows is among them.
//!
//! May touch: three known_hosts files, of which only ours is written. Must never touch: the network, the
//! vault, anything secret. Everything read here is bounded, and a line that is not understood is skipped and
//! counted, never guessed at.
//!
//! The format is OpenSSH's (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). The decision is [`HostKeyVerdict`]:
//! nothing but `Known` lets a login go on.

mod check;
mod line;
mod name;
mod picture;
mod pin;

pub use check::{CertificateFault, HostKeyVerdict, KnownHosts, KnownKey, Source};
pub use line::{Line, Mark, Skipped};
pub use name::{HostName, HostPatterns};
pub use picture::{fingerprint, randomart};
pub use pin::{PinError, PinFile};
