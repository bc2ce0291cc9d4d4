//! The secrets' side of a login: one task that holds what belongs to one user on
//! one host, and answers two questions about it, "sign this" and "which password".
//!
//! SSH code gets a [`Keeper`], never a key. Records are decrypted when they are
//! first asked for, enrolled in the redactor before anything else happens to
//! them, and dropped with the keeper. The messages are shaped so that the two
//! sides can become two processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{HashAlg, PublicKey};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::{mpsc, oneshot};

use crate::redact::{Enrollment, Redactor, SecretKind};
use crate::vault::{Ask, KeyError, LoadedKey, RecordType, Secret, Slug, Vault, VaultError};

/// Requests waiting for the keeper; a login asks one at a time.
const QUEUE: usize = 4;

enum Question {
    PublicKey(oneshot::Sender<Result<Option<PublicKey>, Failure>>),
    Sign { data: Vec<u8>, hash: Option<HashAlg>, answer: oneshot::Sender<Result<Vec<u8>, Failure>> },
    Password(oneshot::Sender<Result<Option<Secret>, Failure>>),
    Enrollments(oneshot::Sender<Vec<Enrollment>>),
}

/// Keeps every decrypted secret masked until the unlock window is over, also after its transport is gone: any
/// host might know it and print it.
#[derive(Default)]
pub struct Remembered(Mutex<HashMap<(String, RecordType), Enrollment>>);

impl Remembered {
    fn keep(&self, slug: &Slug, kind: RecordType, enrollment: Enrollment) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((slug.to_string(), kind), enrollment);
    }

    /// Forgets all of them; those of open transports stay masked by the transports.
    pub fn forget(&self) {
        let gone = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(gone);
    }
}

/// The door to one account's secrets.
pub struct Keeper {
    questions: mpsc::Sender<Question>,
}

impl Keeper {
    /// Starts a keeper for the records under one `ssh://` slug.
    pub fn start(vault: Arc<Vault>, redactor: Redactor, remembered: Arc<Remembered>, slug: Slug) -> Self {
        let (questions, mut inbox) = mpsc::channel(QUEUE);
        let mut room = Room { vault, redactor, remembered, slug, key: None, enrolled: Vec::new() };
        tokio::spawn(async move {
            while let Some(question) = inbox.recv().await {
                room.answer(question).await;
            }
        });
        Self { questions }
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.questions.send(question(sender)).await.ok()?;
        answer.await.ok()
    }

    /// The account's public key, when there is a key record.
    ///
    /// # Errors
    /// When the record cannot be decrypted or is not a key.
    pub async fn public_key(&self) -> Result<Option<PublicKey>, Failure> {
        self.ask(Question::PublicKey).await.unwrap_or_else(gone)
    }

    /// The SSH signature over what the transport wants signed (RFC 4252, 7).
    ///
    /// # Errors
    /// When there is no key.
    pub async fn sign(&self, data: Vec<u8>, hash: Option<HashAlg>) -> Result<Vec<u8>, Failure> {
        self.ask(|answer| Question::Sign { data, hash, answer }).await.unwrap_or_else(gone)
    }

    /// The account's password, when there is a record: to be sent and dropped.
    ///
    /// # Errors
    /// When the record cannot be decrypted.
    pub async fn password(&self) -> Result<Option<Secret>, Failure> {
        self.ask(Question::Password).await.unwrap_or_else(gone)
    }

    /// What was enrolled for redaction, to be held as long as the transport lives.
    pub async fn enrollments(self) -> Vec<Enrollment> {
        self.ask(Question::Enrollments).await.unwrap_or_default()
    }
}

fn gone<T>() -> Result<T, Failure> {
    Err(Failure::new(
        ErrorCode::InternalError,
        "the keeper of this host's secrets is gone",
        "try again; if it happens again, restart the vault helper",
    ))
}

/// What a keeper holds.
struct Room {
    vault: Arc<Vault>,
    redactor: Redactor,
    remembered: Arc<Remembered>,
    slug: Slug,
    key: Option<LoadedKey>,
    enrolled: Vec<Enrollment>,
}

impl Room {
    async fn answer(&mut self, question: Question) {
        // A caller that stopped waiting is no reason to stop.
        match question {
            Question::PublicKey(answer) => {
                let _ = answer.send(self.public_key().await);
            }
            Question::Sign { data, hash, answer } => {
                let _ = answer.send(self.sign(&data, hash));
            }
            Question::Password(answer) => {
                let _ = answer.send(self.record(RecordType::Password, SecretKind::Password).await);
            }
            Question::Enrollments(answer) => {
                let _ = answer.send(std::mem::take(&mut self.enrolled));
            }
        }
    }

    async fn public_key(&mut self) -> Result<Option<PublicKey>, Failure> {
        if self.key.is_none() {
            let Some(text) = self.record(RecordType::Key, SecretKind::PrivateKey).await? else {
                return Ok(None);
            };
            let parsed = match LoadedKey::parse(&text, None) {
                Err(KeyError::PassphraseNeeded) => {
                    let passphrase = self.record(RecordType::Passphrase, SecretKind::Passphrase).await?;
                    LoadedKey::parse(&text, passphrase.as_ref())
                }
                parsed => parsed,
            };
            self.key = Some(parsed.map_err(|error| self.unusable(error))?);
        }
        Ok(self.key.as_ref().map(|key| key.public().clone()))
    }

    fn sign(&self, data: &[u8], hash: Option<HashAlg>) -> Result<Vec<u8>, Failure> {
        let key = self.key.as_ref().map_or_else(gone, Ok)?;
        key.sign(data.to_vec(), hash).map_err(|error| self.unusable(error))
    }

    fn unusable(&self, error: KeyError) -> Failure {
        let message = format!("the key record of {} cannot be used: {error}", self.slug);
        Failure::new(ErrorCode::CredentialBackendUnavailable, message, error.hint())
    }

    /// Decrypts a record, if it is there, and enrols it before anyone sees it.
    async fn record(&mut self, kind: RecordType, as_secret: SecretKind) -> Result<Option<Secret>, Failure> {
        if !self.vault.store().has(&self.slug, kind).map_err(failure)? {
            return Ok(None);
        }
        let secret = self.vault.decrypt(&self.slug, kind, Ask::Never).await.map_err(failure)?;
        let enroll = || self.redactor.enroll(&self.slug.to_string(), secret.expose(), as_secret);
        match (enroll(), enroll()) {
            (Ok(for_transport), Ok(for_window)) => {
                self.enrolled.push(for_transport);
                self.remembered.keep(&self.slug, kind, for_window);
            }
            (Err(weak), _) | (_, Err(weak)) => {
                tracing::warn!(slug = %self.slug, %weak, "a secret is too weak to be masked")
            }
        }
        Ok(Some(secret))
    }
}

/// A vault's error as the protocol tells it.
pub fn failure(error: VaultError) -> Failure {
    let code = error.code();
    let known = ErrorCode::ALL.iter().copied().find(|c| c.as_str() == code);
    Failure::new(known.unwrap_or(ErrorCode::InternalError), error.to_string(), error.hint())
}
