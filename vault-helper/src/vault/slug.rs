//! Slugs: the public names of records, such as `ssh://deploy@web1.example:2222` and `env://build`.
//!
//! A slug is safe to show and safe to turn into a path: every part was checked against a closed set of
//! characters when it was parsed, so no part can be empty, hidden, `..`, or hold a slash or a control.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

/// The port that a slug leaves out.
pub const DEFAULT_PORT: u16 = 22;
/// Longest user or `env` name, in bytes.
const MAX_NAME: usize = 104;
/// Longest host name, in bytes (RFC 1035, 2.3.4).
const MAX_HOST: usize = 253;
/// Folder of the password store that holds everything of ours.
pub const ROOT_FOLDER: &str = "sallyport";

/// What the secrets of a slug are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Logging in to a host.
    Ssh,
    /// Answering sudo on a host.
    Sudo,
    /// A named set of environment variables.
    Env,
    /// A fallback account, offered only to hosts that match patterns kept in the configuration.
    Default,
}

impl Purpose {
    /// Every purpose, in the order listings use.
    pub const ALL: [Purpose; 4] = [Purpose::Ssh, Purpose::Sudo, Purpose::Env, Purpose::Default];

    /// The word before `://`, also the folder's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Ssh => "ssh",
            Purpose::Sudo => "sudo",
            Purpose::Env => "env",
            Purpose::Default => "default",
        }
    }

    /// Whether slugs of this purpose name a user and a host (and not one plain name).
    pub fn has_host(self) -> bool {
        matches!(self, Purpose::Ssh | Purpose::Sudo)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(SlugError::Purpose)
    }
}

/// The name of a record's owner. `Display` gives the canonical text, which parses back to the same slug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug {
    purpose: Purpose,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place {
    Login { host: String, port: u16, user: String },
    Name(String),
}

impl Slug {
    /// A slug for logging in as `user`. `host` is a name, an IPv4 address, or an IPv6 address with or
    /// without brackets; it is made lower-case.
    ///
    /// # Errors
    /// Says which part is not acceptable.
    pub fn ssh(user: &str, host: &str, port: u16) -> Result<Self, SlugError> {
        Self::login(Purpose::Ssh, user, host, port)
    }

    /// A slug for the sudo password of `user`; otherwise as [`Slug::ssh`].
    ///
    /// # Errors
    /// Says which part is not acceptable.
    pub fn sudo(user: &str, host: &str, port: u16) -> Result<Self, SlugError> {
        Self::login(Purpose::Sudo, user, host, port)
    }

    /// A slug for a named set of environment variables.
    ///
    /// # Errors
    /// When the name has characters other than ASCII letters, digits, `.`, `_` and `-`.
    pub fn env(name: &str) -> Result<Self, SlugError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        check_name(name, plain).ok_or(SlugError::Name)?;
        Ok(Self { purpose: Purpose::Env, place: Place::Name(name.to_owned()) })
    }

    /// A slug for a fallback account.
    ///
    /// # Errors
    /// When `user` is not an acceptable user name.
    pub fn default_account(user: &str) -> Result<Self, SlugError> {
        check_name(user, is_user_byte).ok_or(SlugError::User)?;
        Ok(Self { purpose: Purpose::Default, place: Place::Name(user.to_owned()) })
    }

    fn login(purpose: Purpose, user: &str, host: &str, port: u16) -> Result<Self, SlugError> {
        check_name(user, is_user_byte).ok_or(SlugError::User)?;
        let port = if port == 0 { return Err(SlugError::Port) } else { port };
        let place = Place::Login { host: canonical_host(host)?, port, user: user.to_owned() };
        Ok(Self { purpose, place })
    }

    /// What the secrets are for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The user that logs in; of a fallback account, that account; none under `env`.
    pub fn user(&self) -> Option<&str> {
        match (&self.place, self.purpose) {
            (Place::Login { user, .. }, _) | (Place::Name(user), Purpose::Default) => Some(user),
            (Place::Name(_), _) => None,
        }
    }

    /// The host: lower-case name or address, IPv6 without brackets.
    pub fn host(&self) -> Option<&str> {
        match &self.place {
            Place::Login { host, .. } => Some(host),
            Place::Name(_) => None,
        }
    }

    /// The port, also when it is the default one.
    pub fn port(&self) -> Option<u16> {
        match self.place {
            Place::Login { port, .. } => Some(port),
            Place::Name(_) => None,
        }
    }

    /// The name of an `env` slug.
    pub fn name(&self) -> Option<&str> {
        match (&self.place, self.purpose) {
            (Place::Name(name), Purpose::Env) => Some(name),
            _ => None,
        }
    }

    /// `host`, `host:port`, `[v6]` or `[v6]:port`, as slugs and folders spell it.
    fn host_and_port(host: &str, port: u16) -> String {
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        if port == DEFAULT_PORT { bracketed } else { format!("{bracketed}:{port}") }
    }

    /// The folder of the slug's records, relative to the store's root.
    pub fn folder(&self) -> PathBuf {
        let base = PathBuf::from(ROOT_FOLDER).join(self.purpose.as_str());
        match &self.place {
            Place::Login { host, port, user } => base.join(Self::host_and_port(host, *port)).join(user),
            Place::Name(name) => base.join(name),
        }
    }

    /// The slug whose folder is made of exactly these names below `sallyport/<purpose>`; none when they
    /// are not what [`Slug::folder`] writes.
    pub(super) fn from_folder(purpose: Purpose, names: &[&str]) -> Option<Self> {
        let text = match (purpose.has_host(), names) {
            (true, [host, user]) => format!("{purpose}://{user}@{host}"),
            (false, [name]) => format!("{purpose}://{name}"),
            _ => return None,
        };
        text.parse::<Slug>().ok().filter(|slug| slug.to_string() == text)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Login { host, port, user } => {
                write!(f, "{}://{user}@{}", self.purpose, Self::host_and_port(host, *port))
            }
            Place::Name(name) => write!(f, "{}://{name}", self.purpose),
        }
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let (purpose, rest) = text.split_once("://").ok_or(SlugError::Shape)?;
        let purpose = purpose.parse()?;
        match purpose {
            Purpose::Env => return Self::env(rest),
            Purpose::Default => return Self::default_account(rest),
            Purpose::Ssh | Purpose::Sudo => {}
        }
        // The last `@`: names such as `me@corp` are users of some bastions, and no host holds an `@`.
        let (user, authority) = rest.rsplit_once('@').ok_or(SlugError::Shape)?;
        let (host, port) = split_port(authority)?;
        Self::login(purpose, user, host, port)
    }
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`; an IPv6 address needs its brackets here.
pub(super) fn split_port(authority: &str) -> Result<(&str, u16), SlugError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, tail) = rest.split_once(']').ok_or(SlugError::Host)?;
            match (tail, tail.strip_prefix(':')) {
                _ if !host.contains(':') => return Err(SlugError::Host),
                ("", _) => (host, None),
                (_, Some(port)) => (host, Some(port)),
                _ => return Err(SlugError::Host),
            }
        }
        None => match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err(SlugError::Brackets),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    // Digits only: `u16::from_str` would also take a plus sign, and leading zeros name one port twice.
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    match port {
        None => Ok((host, DEFAULT_PORT)),
        Some(port) if digits(port) => port.parse().map(|port| (host, port)).map_err(|_| SlugError::Port),
        Some(_) => Err(SlugError::Port),
    }
}

fn canonical_host(host: &str) -> Result<String, SlugError> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.contains(':') {
        return canonical_ipv6(bare);
    }
    if host.is_empty() || host.len() > MAX_HOST {
        return Err(SlugError::Host);
    }
    let label_ok = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if host.split('.').all(label_ok) { Ok(host.to_ascii_lowercase()) } else { Err(SlugError::Host) }
}

/// One spelling per address (RFC 5952); a zone such as `%eth0` is kept.
fn canonical_ipv6(text: &str) -> Result<String, SlugError> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(a, zone)| (a, Some(zone)));
    let address: Ipv6Addr = address.parse().map_err(|_| SlugError::Host)?;
    match zone {
        None => Ok(address.to_string()),
        Some(zone) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            check_name(zone, plain).ok_or(SlugError::Host)?;
            Ok(format!("{address}%{zone}"))
        }
    }
}

/// Bytes of user names: printable ASCII without those that mean something in slugs, paths or lists.
fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"/:,\"'`".contains(&byte)
}

/// A name that is a safe, visible path component and no option: not empty, not too long, not starting with
/// a dot or a dash.
fn check_name(name: &str, allowed: impl Fn(u8) -> bool) -> Option<()> {
    let starts_well = !name.is_empty() && !name.starts_with(['.', '-']);
    (starts_well && name.len() <= MAX_NAME && name.bytes().all(allowed)).then_some(())
}

/// Why a text is not a slug. The text itself is not repeated: it may be a mistyped secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    /// Neither `purpose://user@host[:port]` nor `env://name`.
    #[error("a slug reads ssh://user@host[:port], sudo://user@host[:port], env://name or default://user")]
    Shape,
    /// The word before `://`.
    #[error("the purpose of a slug is one of ssh, sudo, env and default")]
    Purpose,
    /// The user.
    #[error(
        "the user of a slug is 1 to 104 printable ASCII characters, not starting with a dot or a dash, without space, slash, colon, comma or quotes"
    )]
    User,
    /// The host.
    #[error("the host of a slug is a host name or an address; write an international name in its xn-- form")]
    Host,
    /// An IPv6 address without brackets.
    #[error("an IPv6 address in a slug needs brackets: ssh://user@[2001:db8::1]:2222")]
    Brackets,
    /// The port.
    #[error("the port of a slug is a number from 1 to 65535 without leading zeros")]
    Port,
    /// The name of an `env` slug.
    #[error(
        "the name of an env slug is 1 to 104 ASCII letters, digits, dots, underscores and dashes, not starting with a dot or a dash"
    )]
    Name,
}
