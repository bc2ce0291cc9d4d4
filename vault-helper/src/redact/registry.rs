//! Who is enrolled: the shared handle, and the guards that keep a pattern alive.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use aho_corasick::{AhoCorasick, MatchKind};
use zeroize::Zeroizing;

use super::clean::{Clean, CleanText};
use super::detect::Detector;
use super::forms;
use super::stream::StreamRedactor;
use super::strength::{self, Strength, Weak};

/// What a secret is, which decides how it is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A login or sudo password.
    Password,
    /// The passphrase of a private key.
    Passphrase,
    /// A private key file: the whole of it, and each of its lines.
    PrivateKey,
    /// One value of a dotenv record; enrol each value by a call of its own.
    Dotenv,
}

/// The shared handle: cheap to clone, safe to use from any thread.
#[derive(Clone, Default)]
pub struct Redactor {
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(super) struct Shared {
    state: RwLock<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Each secret, with how many guards keep it.
    secrets: Vec<(Zeroizing<Vec<u8>>, usize)>,
    pub(super) forms: Vec<Zeroizing<Vec<u8>>>,
    pub(super) automaton: Option<AhoCorasick>,
}

impl State {
    fn rebuild(&mut self) {
        self.forms = self.secrets.iter().flat_map(|(secret, _)| forms::all(secret)).collect();
        self.automaton = None;
        if !self.forms.is_empty() {
            self.automaton = AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(self.forms.iter().map(|form| form.as_slice()))
                .ok();
        }
    }
}

impl Shared {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Redactor {
    /// A redactor with nothing enrolled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Masks `secret` from now on, in every live and future stream, until every guard of it is dropped.
    /// It is in force when this returns. `slug` names the record for the audit trail, never the value.
    ///
    /// # Errors
    /// [`Weak`] if it cannot be told from ordinary text; it is then not masked.
    pub fn enroll(&self, slug: &str, secret: &[u8], kind: SecretKind) -> Result<Enrollment, Weak> {
        let mut parts = Vec::new();
        let _ = strength::judge(secret)?;
        parts.push(Zeroizing::new(secret.trim_ascii().to_vec()));
        if kind == SecretKind::PrivateKey {
            let lines = secret.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
            parts.extend(
                lines
                    .filter(|line| line.len() >= strength::FULL && !line.starts_with(b"-----"))
                    .map(|line| Zeroizing::new(line.to_vec())),
            );
        }
        let mut state = self.shared.write();
        for part in &parts {
            match state.secrets.iter_mut().find(|(known, _)| known == part) {
                Some((_, guards)) => *guards += 1,
                None => state.secrets.push((part.clone(), 1)),
            }
        }
        state.rebuild();
        drop(state);
        Ok(Enrollment { shared: Arc::clone(&self.shared), slug: slug.to_owned(), parts })
    }

    /// Judges a secret before it is stored: what `credential add` and `doctor` tell people.
    pub fn strength(secret: &[u8]) -> Strength {
        strength::judge(secret).unwrap_or(Strength::Refused)
    }

    /// Masks one whole text.
    #[must_use]
    pub fn text(&self, text: &str) -> CleanText {
        let clean = self.bytes(text.as_bytes()).into_vec();
        CleanText::new(
            String::from_utf8(clean).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
        )
    }

    /// Masks one whole byte string.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Clean {
        let mut stream = self.stream();
        let mut clean = stream.push(Instant::now(), bytes);
        clean.append(stream.finish());
        clean
    }

    /// A masker for one output stream; standard output and standard error need one each.
    #[must_use]
    pub fn stream(&self) -> StreamRedactor {
        StreamRedactor::new(Arc::clone(&self.shared))
    }

    /// A detector for one exact download.
    #[must_use]
    pub fn detector(&self) -> Detector {
        Detector::new(self.stream())
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// Keeps a secret masked while it lives; dropping the last one of a secret wipes its patterns.
#[must_use = "the secret is masked only while this lives"]
pub struct Enrollment {
    shared: Arc<Shared>,
    slug: String,
    parts: Vec<Zeroizing<Vec<u8>>>,
}

impl Enrollment {
    /// The record this guard belongs to.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.slug
    }
}

impl fmt::Debug for Enrollment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrollment").field("slug", &self.slug).finish_non_exhaustive()
    }
}

impl Drop for Enrollment {
    fn drop(&mut self) {
        let mut state = self.shared.write();
        for part in &self.parts {
            if let Some((_, guards)) = state.secrets.iter_mut().find(|(known, _)| known == part) {
                *guards -= 1;
            }
        }
        state.secrets.retain(|(_, guards)| *guards > 0);
        state.rebuild();
    }
}
