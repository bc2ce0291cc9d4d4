//! Host names as known_hosts spells them, and the patterns that match them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// The port whose names have no brackets.
const DEFAULT_PORT: u16 = 22;
/// Bytes of a salt and of a hash in `|1|salt|hash`.
const HASH_BYTES: usize = 20;

/// A host and port in the one spelling that is looked up: `name`, or `[name]:port` when the port is not 22.
/// Lower-case, as OpenSSH compares without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The name of a host, given without brackets.
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        Self(if port == DEFAULT_PORT { host } else { format!("[{host}]:{port}") })
    }

    /// The text, fit for a known_hosts line unless it [has signs](Self::is_plain) that mean something there.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port of a name as it stands in a line; none of patterns, several names, hashes and marks.
    pub fn parse(text: &str) -> Option<(String, u16)> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (text, DEFAULT_PORT),
        };
        let name = Self::new(host, port);
        name.is_plain().then(|| (host.to_ascii_lowercase(), port))
    }

    /// Whether the name can stand in a known_hosts line for itself and nothing else.
    pub fn is_plain(&self) -> bool {
        let (name, _) =
            self.0.strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap_or((&self.0, ""));
        !name.is_empty()
            && !name.starts_with(['|', '@', '#', '!', '-'])
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"*?,[]\"".contains(&byte))
    }
}

/// Comma-separated patterns of host names (ssh_config(5), PATTERNS): `*` and `?` are wildcards, `!` excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPatterns(Vec<String>);

impl HostPatterns {
    /// Takes a list apart. Blanks around commas do not count, nor does case.
    pub fn parse(list: &str) -> Self {
        Self(list.split(',').map(|pattern| pattern.trim().to_ascii_lowercase()).collect())
    }

    /// Whether a name is meant. One excluding pattern that matches outweighs all others.
    pub fn covers(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let mut covered = false;
        for pattern in &self.0 {
            match pattern.strip_prefix('!') {
                Some(excluded) if glob(excluded, &name) => return false,
                Some(_) => {}
                None => covered |= glob(pattern, &name),
            }
        }
        covered
    }

    /// The first pattern that matches every name there can be, or none: `*`, `?*` and the like, and an empty
    /// one.
    pub fn meaningless(&self) -> Option<&str> {
        let says_nothing =
            |pattern: &&String| pattern.trim_start_matches('!').bytes().all(|byte| b"*?.:[]".contains(&byte));
        self.0.iter().find(says_nothing).map(String::as_str)
    }
}

/// The first field of a line: who the key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Patterns.
    Patterns(HostPatterns),
    /// One name, hidden: HMAC-SHA1 under a salt.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl Hosts {
    pub(super) fn parse(field: &str) -> Option<Self> {
        if let Some(hashed) = field.strip_prefix("|1|") {
            let (salt, hash) = hashed.split_once('|')?;
            let decode = |text: &str| STANDARD.decode(text).ok().filter(|bytes| bytes.len() == HASH_BYTES);
            return Some(Self::Hashed { salt: decode(salt)?, hash: decode(hash)? });
        }
        // Another hash than `1` is from the future.
        if field.starts_with('|') {
            return None;
        }
        Some(Self::Patterns(HostPatterns::parse(field)))
    }

    /// Whether the line speaks of this host. One excluding pattern that matches outweighs all others.
    pub(super) fn covers(&self, name: &HostName) -> bool {
        match self {
            Self::Hashed { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
                .is_ok_and(|mac| mac.chain_update(name.as_str()).verify_slice(hash).is_ok()),
            Self::Patterns(patterns) => patterns.covers(name.as_str()),
        }
    }

    /// Whether the field names this host and only this host, so that its line may be removed for it.
    pub(super) fn is_exactly(&self, name: &HostName) -> bool {
        match self {
            Self::Hashed { .. } => self.covers(name),
            Self::Patterns(patterns) => patterns.0.as_slice() == [name.as_str()],
        }
    }
}

/// Shell-like matching with `*` and `?` (ssh_config(5), PATTERNS). Brackets mean themselves. Linear in memory,
/// at worst quadratic in time: a failed match goes back to the last star only.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(field: &str, host: &str, port: u16) -> bool {
        Hosts::parse(field).unwrap().covers(&HostName::new(host, port))
    }

    #[test]
    fn names_compare_without_case_and_with_their_port() {
        assert!(covers("Web1.Example", "web1.example", 22));
        assert!(covers("[web1.example]:2222", "WEB1.example", 2222));
        assert!(!covers("web1.example", "web1.example", 2222));
        assert!(!covers("[web1.example]:2222", "web1.example", 22));
    }

    #[test]
    fn wildcards_match_as_in_ssh_config() {
        assert!(covers("*.example", "a.b.example", 22));
        assert!(covers("web?.example", "web1.example", 22));
        assert!(!covers("web?.example", "web10.example", 22));
        assert!(covers("192.0.2.*,db", "192.0.2.7", 22));
        assert!(!covers("*.example", "example", 22));
        // Brackets are the port's spelling and no set of characters.
        assert!(!covers("web[12]", "web1", 22));
    }

    #[test]
    fn one_exclusion_outweighs_every_match_before_and_after_it() {
        assert!(!covers("*.example,!db.example", "db.example", 22));
        assert!(!covers("!db.example,*.example", "db.example", 22));
        assert!(!covers("!db.example", "web.example", 22));
    }

    #[test]
    fn a_hashed_name_covers_that_name_alone() {
        // ssh-keygen -H of `web1.example`.
        let mut mac = Hmac::<Sha1>::new_from_slice(&[7; 20]).unwrap();
        mac.update(b"web1.example");
        let hash = STANDARD.encode(mac.finalize().into_bytes());
        let field = format!("|1|{}|{hash}", STANDARD.encode([7; 20]));
        assert!(covers(&field, "web1.example", 22));
        assert!(!covers(&field, "web2.example", 22));
    }

    #[test]
    fn a_hash_of_another_kind_or_length_is_not_understood() {
        assert_eq!(Hosts::parse("|2|AAAA|AAAA"), None);
        assert_eq!(Hosts::parse("|1|AAAA|AAAA"), None);
        assert_eq!(Hosts::parse("|1|nothing"), None);
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        assert!(!covers(&"*a".repeat(200), &"a".repeat(150), 22));
    }

    #[test]
    fn names_that_mean_something_in_a_line_are_not_plain() {
        for name in ["a*", "!a", "@a", "#a", "|1|a", "a,b", "a b", "", "a\n"] {
            assert!(!HostName::new(name, 22).is_plain(), "{name:?}");
            assert!(!HostName::new(name, 2222).is_plain(), "{name:?}");
        }
        assert!(HostName::new("2001:db8::1", 22).is_plain());
        assert!(HostName::new("fe80::1%eth0", 2222).is_plain());
    }
}
