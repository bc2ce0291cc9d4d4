//! The frozen first exchange. Nothing in this file may ever change: it is what
//! two builds that share no version still understand of each other.

use serde::{Deserialize, Serialize};

use crate::text::{Text, Word};

/// The first bytes of every connection.
pub const MAGIC: [u8; 8] = *b"SALLYPRT";
/// The lowest version this build speaks.
pub const LOWEST: u16 = 1;
/// The highest version this build speaks.
pub const HIGHEST: u16 = 1;

/// Which socket the client means to speak on; each socket accepts one role only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// `sallyport serve` and the other commands an agent may run.
    Broker,
    /// A person's command line.
    Admin,
}

/// The client's first frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// Lowest version the client speaks.
    pub lowest: u16,
    /// Highest version the client speaks.
    pub highest: u16,
    /// What the client is.
    pub role: Role,
    /// The client's build, for messages about version skew.
    pub build: Word,
}

/// How far apart the two processes really are. See SECURITY.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// Broker and helper run as the same user: a seatbelt.
    SameUser,
    /// They run as different users: a boundary.
    SeparateUser,
}

/// What the helper allows one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Operations under way at once.
    pub operations: u32,
    /// Credit a stream begins with, in bytes, in each direction.
    pub stream_credit: u32,
    /// Bytes that may be unacknowledged over all streams of a connection, in each direction.
    pub connection_credit: u32,
}

/// The helper's answer when a common version exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version both will speak.
    pub version: u16,
    /// What this connection may use.
    pub limits: Limits,
    /// SHA-256 of the policy in force.
    pub policy_digest: [u8; 32],
    /// How far apart the processes are.
    pub profile: Profile,
    /// Hardening level reached, 0 (none) upwards; `doctor` spells it out.
    pub hardening: u8,
    /// The helper's build.
    pub build: Word,
}

/// The helper's answer when it will not speak with this client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Lowest version the helper speaks.
    pub lowest: u16,
    /// Highest version the helper speaks.
    pub highest: u16,
    /// One sentence for the person who reads the log.
    pub sentence: Text,
}

/// The helper's first frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Go on, in this version.
    Welcome(Welcome),
    /// The connection closes after this frame.
    Refused(Refused),
}

impl Hello {
    /// This build's greeting.
    pub fn new(role: Role) -> Self {
        Self { magic: MAGIC, lowest: LOWEST, highest: HIGHEST, role, build: build() }
    }
}

/// This build's name and version.
#[expect(clippy::expect_used, reason = "the package version is a short literal without control characters")]
pub fn build() -> Word {
    Word::new(concat!("sallyport ", env!("CARGO_PKG_VERSION"))).expect("a short literal")
}

/// The version both sides speak: the highest that both know.
///
/// # Errors
/// The frozen refusal, naming both sides, when there is none or the greeting is
/// not one of ours.
pub fn agree(hello: &Hello, expected: Role) -> Result<u16, Refused> {
    let refuse = |sentence: String| Refused { lowest: LOWEST, highest: HIGHEST, sentence: sentence.into() };
    if hello.magic != MAGIC {
        return Err(refuse("this socket speaks the Sallyport protocol; the greeting was not one".into()));
    }
    let version = hello.highest.min(HIGHEST);
    if version < LOWEST || version < hello.lowest {
        return Err(refuse(format!(
            "{} speaks protocol versions {} to {}, this helper ({}) speaks {LOWEST} to {HIGHEST}; install both programs from one release",
            hello.build,
            hello.lowest,
            hello.highest,
            build(),
        )));
    }
    if hello.role != expected {
        return Err(refuse(
            format!("this is the {expected:?} socket, the client said {:?}", hello.role).to_lowercase(),
        ));
    }
    Ok(version)
}
