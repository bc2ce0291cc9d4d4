//! Who is enrolled: the shared handle, and the guards that keep a pattern alive.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use zeroize::Zeroizing;

use super::clean::{Clean, CleanText};
use super::detect::Exact;
use super::forms;
use super::index::Index;
use super::material;
use super::stream::StreamRedactor;
use super::strength::{self, Strength, Weak};
use super::weak::Shorts;
use crate::harden::memory::secretly;

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
#[derive(Clone)]
pub struct Redactor {
    shared: Arc<Shared>,
    shapes: bool,
}

impl Default for Redactor {
    fn default() -> Self {
        Self { shared: Arc::default(), shapes: true }
    }
}

#[derive(Default)]
pub(super) struct Shared {
    state: RwLock<State>,
}

/// Everything enrolled. Streams read it under the lock, so a change is in force when the lock is let go.
#[derive(Default)]
pub(super) struct State {
    known: Vec<Known>,
    next: u32,
    pub(super) index: Index,
    pub(super) shorts: Shorts,
}

/// One secret and the records whose guards keep it.
struct Known {
    number: u32,
    text: Zeroizing<Vec<u8>>,
    slugs: Vec<String>,
}

impl State {
    /// Whether there is nothing to look for.
    pub(super) const fn is_idle(&self) -> bool {
        self.index.is_empty() && self.shorts.is_empty()
    }

    /// The records that hold a secret.
    pub(super) fn slugs(&self, number: u32) -> Vec<String> {
        let known = self.known.iter().filter(|known| known.number == number);
        known.flat_map(|known| known.slugs.iter().cloned()).collect()
    }

    fn add(&mut self, slug: &str, text: Zeroizing<Vec<u8>>) -> u32 {
        if let Some(known) = self.known.iter_mut().find(|known| known.text == text) {
            known.slugs.push(slug.to_owned());
            return known.number;
        }
        let number = self.next;
        self.next += 1;
        if forms::normal_length(&text) < strength::FULL {
            self.shorts.add(text.trim_ascii(), number);
        } else {
            self.index.add(forms::all(&text, number));
        }
        self.known.push(Known { number, text, slugs: vec![slug.to_owned()] });
        number
    }

    fn remove(&mut self, slug: &str, number: u32) {
        let Some(at) = self.known.iter().position(|known| known.number == number) else { return };
        let slugs = &mut self.known[at].slugs;
        if let Some(one) = slugs.iter().position(|known| known == slug) {
            slugs.swap_remove(one);
        }
        if slugs.is_empty() {
            if forms::normal_length(&self.known.swap_remove(at).text) < strength::FULL {
                self.shorts.remove(number);
            } else {
                self.index.remove(number);
            }
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

    /// The same redactor for the output of one host: whether keys and tokens that are not enrolled are masked,
    /// too (`redact_shapes` in `hosts.toml`). What is enrolled is masked either way.
    #[must_use]
    pub fn with_shapes(&self, shapes: bool) -> Self {
        Self { shared: Arc::clone(&self.shared), shapes }
    }

    /// Masks `secret` from now on, in every live and future stream, until every guard of it is dropped.
    /// It is in force when this returns. `slug` names the record for the audit trail, never the value.
    ///
    /// # Errors
    /// [`Weak`] if it cannot be told from ordinary text; it is then not masked.
    pub fn enroll(&self, slug: &str, secret: &[u8], kind: SecretKind) -> Result<Enrollment, Weak> {
        let parts = secretly(|| material::parts(secret, kind));
        for part in &parts {
            let _ = strength::judge(part)?;
        }
        let mut state = self.shared.write();
        let numbers = secretly(|| parts.into_iter().map(|part| state.add(slug, part)).collect());
        drop(state);
        Ok(Enrollment { shared: Arc::clone(&self.shared), slug: slug.to_owned(), numbers })
    }

    /// Judges a secret by its weakest part, before it is stored or as it is: what `credential add` and `doctor`
    /// tell people. Nothing is enrolled.
    pub fn strength(secret: &[u8], kind: SecretKind) -> Strength {
        let parts = material::parts(secret, kind);
        let strengths = parts.iter().map(|part| strength::strength(part));
        strengths.reduce(Strength::weaker).unwrap_or(Strength::Refused)
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
        if bytes.is_empty() {
            return Clean::default();
        }
        let mut stream = self.stream();
        let mut clean = stream.push(Instant::now(), bytes);
        clean.append(stream.finish());
        clean
    }

    /// A masker for one output stream; standard output and standard error need one each.
    #[must_use]
    pub fn stream(&self) -> StreamRedactor {
        StreamRedactor::new(Arc::clone(&self.shared), self.shapes)
    }

    /// Lets one exact download pass.
    #[must_use]
    pub fn exact(&self) -> Exact {
        Exact::new(self.with_shapes(false).stream())
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
    numbers: Vec<u32>,
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
        // What stays may have to be arranged anew.
        secretly(|| self.numbers.iter().for_each(|number| state.remove(&self.slug, *number)));
    }
}
