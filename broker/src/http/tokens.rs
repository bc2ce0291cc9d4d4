//! The token file: who may ask over HTTP. It holds names and SHA-256 hashes; a token has 256 random bits, so nothing
//! slower than a plain hash is needed to keep it from being guessed.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sallyport_protocol::text::PrincipalName;
use sallyport_protocol::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::format::hex;

/// What every token begins with, so that scanners for leaked secrets find it.
const PREFIX: &str = "sallyport_";
/// The largest token file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// A token as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The principal it stands for.
    pub name: String,
    /// SHA-256 of the token, in hex.
    pub sha256: String,
    /// When it was made, RFC 3339.
    pub created: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    #[serde(default)]
    token: Vec<Entry>,
}

/// The file.
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// The file at `path`, or the usual one in the state directory.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path: path.unwrap_or_else(|| crate::config::state_directory().join("tokens.toml")) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tokens; a missing file has none.
    ///
    /// # Errors
    /// When others may read it, or it cannot be read or understood.
    pub fn read(&self) -> Result<Vec<Entry>, Failure> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.wrong(&error.to_string())),
        };
        let meta = file.metadata().map_err(|error| self.wrong(&error.to_string()))?;
        if meta.mode() & 0o077 != 0 {
            return Err(self.wrong("others may read or write it"));
        }
        let mut text = String::new();
        file.take(MAX_FILE).read_to_string(&mut text).map_err(|error| self.wrong(&error.to_string()))?;
        let contents: Contents = toml::from_str(&text).map_err(|error| self.wrong(error.message()))?;
        Ok(contents.token)
    }

    /// Makes a token for `name` and gives it: the one time that anybody sees it.
    ///
    /// # Errors
    /// `file_exists` when there is one of that name; otherwise as the file system says.
    pub fn add(&self, name: &str) -> Result<String, Failure> {
        let invalid = |what: String| {
            Failure::new(
                ErrorCode::InvalidArgument,
                what,
                "choose a short name of letters, digits, `-`, `_` and `.`",
            )
        };
        let name = PrincipalName::new(name).map_err(|error| invalid(error.to_string()))?;
        if name.as_str() == "local" {
            return Err(invalid("`local` is the name of who asks without a token".into()));
        }
        let mut bits = [0; 32];
        getrandom::fill(&mut bits).map_err(|error| self.wrong(&format!("no random bytes: {error}")))?;
        let token = format!("{PREFIX}{}", hex(&bits));
        self.change(|entries| {
            if entries.iter().any(|entry| entry.name == name.as_str()) {
                return Err(Failure::new(
                    ErrorCode::FileExists,
                    format!("there is a token named {name} already"),
                    format!("remove it first: sallyport token remove {name}"),
                ));
            }
            let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
            entries.push(Entry {
                name: name.as_str().to_owned(),
                sha256: hex(&Sha256::digest(&token)),
                created,
            });
            Ok(())
        })?;
        Ok(token)
    }

    /// Forgets the token of `name`.
    ///
    /// # Errors
    /// `file_not_found` when there is none; otherwise as the file system says.
    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        self.change(|entries| {
            let before = entries.len();
            entries.retain(|entry| entry.name != name);
            if entries.len() < before {
                return Ok(());
            }
            Err(Failure::new(
                ErrorCode::FileNotFound,
                format!("there is no token named {name:?}"),
                "sallyport token list shows what there is",
            ))
        })
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Entry>) -> Result<(), Failure>) -> Result<(), Failure> {
        let io = |error: std::io::Error| self.wrong(&error.to_string());
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        }
        let private =
            |path: &Path| OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(path);
        // Two changes at once must not lose one.
        let lock = private(&self.path.with_extension("lock")).map_err(io)?;
        lock.lock().map_err(io)?;
        let mut token = self.read()?;
        change(&mut token)?;
        let text = toml::to_string(&Contents { token }).map_err(|error| self.wrong(&error.to_string()))?;
        let next = self.path.with_extension("next");
        let mut file = private(&next).map_err(io)?;
        file.set_len(0).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        std::fs::rename(&next, &self.path).map_err(io)
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::new(
            ErrorCode::InvalidArgument,
            format!("the token file {} cannot be used: {what}", self.path.display()),
            format!("it must be yours and of mode 0600: chmod 600 {}", self.path.display()),
        )
    }
}

/// Who a token belongs to. Reads the file again when it changed, so that a removed token ends at once.
#[derive(Debug)]
pub struct Gatekeeper {
    file: TokenFile,
    seen: Option<Stamp>,
    entries: Vec<(PrincipalName, [u8; 32])>,
    required: bool,
}

type Stamp = (u64, u64, i64, i64);

/// What the gatekeeper says to a request.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// It is this principal's.
    Known(PrincipalName),
    /// No token is needed here.
    Open,
    /// It may not come in.
    Refused,
}

impl Gatekeeper {
    /// A gatekeeper of a file. Tokens are required when there are any at the start, or `always`.
    ///
    /// # Errors
    /// As for [`TokenFile::read`].
    pub fn new(file: TokenFile, always: bool) -> Result<Self, Failure> {
        let mut gatekeeper = Self { file, seen: None, entries: Vec::new(), required: always };
        gatekeeper.load()?;
        gatekeeper.required |= !gatekeeper.entries.is_empty();
        Ok(gatekeeper)
    }

    /// Whether there are tokens at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn load(&mut self) -> Result<(), Failure> {
        let stamp = std::fs::metadata(self.file.path())
            .ok()
            .map(|meta| (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()));
        if self.seen == stamp && self.seen.is_some() {
            return Ok(());
        }
        // A file that cannot be read lets nobody in.
        self.entries.clear();
        self.seen = None;
        for entry in self.file.read()? {
            let hash = unhex(&entry.sha256).ok_or_else(|| self.file.wrong("a hash in it is none"))?;
            let name =
                PrincipalName::new(entry.name.as_str()).map_err(|e| self.file.wrong(&e.to_string()))?;
            self.entries.push((name, hash));
        }
        self.seen = stamp;
        Ok(())
    }

    /// Whose request this is, by the `Authorization` header's value.
    pub fn admit(&mut self, authorization: Option<&[u8]>) -> Admission {
        self.refresh();
        if !self.required {
            return Admission::Open;
        }
        let presented = authorization.and_then(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then(|| Sha256::digest(token.trim_ascii()))
        });
        let Some(presented) = presented else { return Admission::Refused };
        // Every hash is compared, and each in constant time: how long it takes says nothing about the tokens.
        let mut found = None;
        for (name, hash) in &self.entries {
            if bool::from(hash.as_slice().ct_eq(presented.as_slice())) {
                found = Some(name);
            }
        }
        found.map_or(Admission::Refused, |name| Admission::Known(name.clone()))
    }

    /// Reads the file again when it changed.
    pub fn refresh(&mut self) {
        if let Err(failure) = self.load() {
            tracing::error!(reason = %failure.message, "nobody is let in");
            self.required = true;
        }
        // Tokens made while nobody had one close the door from then on.
        self.required |= !self.entries.is_empty();
    }

    /// Whether a principal still has a token, or needs none.
    pub fn knows(&self, principal: &PrincipalName) -> bool {
        !self.required || self.entries.iter().any(|(name, _)| name == principal)
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, TokenFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = TokenFile::new(Some(dir.path().join("state/tokens.toml")));
        (dir, file)
    }

    fn bearer(token: &str) -> Vec<u8> {
        format!("Bearer {token}").into_bytes()
    }

    #[test]
    fn a_token_lets_its_principal_in_and_nothing_else_does() {
        let (_dir, file) = file();
        let ci = file.add("ci").unwrap();
        let ops = file.add("ops").unwrap();
        let mut gate = Gatekeeper::new(file, false).unwrap();
        let known = |name: &str| Admission::Known(PrincipalName::new(name).unwrap());
        assert_eq!(gate.admit(Some(&bearer(&ci))), known("ci"));
        assert_eq!(gate.admit(Some(format!("bearer  {ops} ").as_bytes())), known("ops"));
        let cut = bearer(&ci[..ci.len() - 1]);
        for refused in
            [None, Some(&b""[..]), Some(b"Bearer "), Some(b"Bearer x"), Some(&cut), Some(b"Basic Y2k6")]
        {
            assert_eq!(gate.admit(refused), Admission::Refused);
        }
    }

    #[test]
    fn the_file_holds_no_token_and_is_nobody_elses() {
        let (_dir, file) = file();
        let token = file.add("ci").unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains(&token) && !text.contains(&token[PREFIX.len()..]));
        assert_eq!(std::fs::metadata(file.path()).unwrap().mode() & 0o777, 0o600);
        assert_eq!(token.len(), PREFIX.len() + 64);
    }

    #[test]
    fn a_removed_token_ends_at_once_and_the_last_one_leaves_the_door_shut() {
        let (_dir, file) = file();
        let token = file.add("ci").unwrap();
        let mut gate = Gatekeeper::new(file.clone(), false).unwrap();
        file.remove("ci").unwrap();
        assert_eq!(gate.admit(Some(&bearer(&token))), Admission::Refused);
        assert_eq!(gate.admit(None), Admission::Refused);
        assert!(file.remove("ci").is_err());
    }

    #[test]
    fn without_tokens_the_door_is_open_only_where_that_is_allowed() {
        let (_dir, file) = file();
        assert_eq!(Gatekeeper::new(file.clone(), false).unwrap().admit(None), Admission::Open);
        let mut always = Gatekeeper::new(file.clone(), true).unwrap();
        assert_eq!(always.admit(None), Admission::Refused);
        let mut open = Gatekeeper::new(file.clone(), false).unwrap();
        file.add("ci").unwrap();
        assert_eq!(open.admit(None), Admission::Refused, "a first token closes it");
    }

    #[test]
    fn a_file_others_may_read_or_that_is_garbage_lets_nobody_in() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, file) = file();
        let token = file.add("ci").unwrap();
        let mut gate = Gatekeeper::new(file.clone(), false).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Gatekeeper::new(file.clone(), false).is_err());
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(file.path(), "[[token]]\nname = 7").unwrap();
        assert_eq!(gate.admit(Some(&bearer(&token))), Admission::Refused);
    }

    #[test]
    fn a_name_is_given_once_and_local_never() {
        let (_dir, file) = file();
        file.add("ci").unwrap();
        assert_eq!(file.add("ci").unwrap_err().code, ErrorCode::FileExists);
        assert!(file.add("local").is_err() && file.add("").is_err() && file.add("a b").is_err());
    }
}
