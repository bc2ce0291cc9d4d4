//! The secrets' side of a login: one task that holds what belongs to one user on
//! one host, and answers a few questions about it: "what may be offered", "sign
//! this" and "which password".
//!
//! SSH code gets a [`Keeper`], never a key. Records are decrypted when they are
//! first asked for, enrolled in the redactor before anything else happens to
//! them, and dropped with the keeper. The messages are shaped so that the two
//! sides can become two processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};
use sallyport_policy::Identity;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::{mpsc, oneshot};

use super::identity::{Agent, KeyFile};
use crate::guard::target::Target;
use crate::helper::Helper;
use crate::redact::{Enrollment, Redactor, SecretKind};
use crate::vault::{Ask, Fallback, KeyError, LoadedKey, RecordType, Secret, Slug, Vault, VaultError};

/// Requests waiting for the keeper; a login asks one at a time.
const QUEUE: usize = 4;

/// What can be shown to a host as proof of who we are.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A public key.
    Key(PublicKey),
    /// A certificate for a key.
    Certificate(Box<Certificate>),
}

impl Proof {
    /// Whether signatures need a hash chosen for them.
    pub fn is_rsa(&self) -> bool {
        let algorithm = match self {
            Self::Key(key) => key.algorithm(),
            Self::Certificate(certificate) => certificate.algorithm(),
        };
        matches!(algorithm, Algorithm::Rsa { .. })
    }
}

/// One thing to offer.
#[derive(Debug, Clone)]
pub struct Offer {
    /// By which the keeper knows it.
    pub number: usize,
    /// What the host is shown.
    pub proof: Proof,
    /// What it is called in messages.
    pub name: &'static str,
}

type Offers = Option<Vec<Offer>>;

enum Question {
    Offers {
        source: usize,
        answer: oneshot::Sender<Result<Offers, Failure>>,
    },
    Sign {
        number: usize,
        data: Vec<u8>,
        hash: Option<HashAlg>,
        answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
    },
    Password(oneshot::Sender<Result<Option<Secret>, Failure>>),
    Mask(Secret),
    Enrollments(oneshot::Sender<Vec<Enrollment>>),
}

/// Keeps every decrypted secret masked until the unlock window is over, also after its transport is gone: any
/// host might know it and print it.
#[derive(Default)]
pub struct Remembered(Mutex<HashMap<(String, RecordType), Vec<Enrollment>>>);

impl Remembered {
    fn keep(&self, name: &str, kind: RecordType, enrollment: Enrollment) {
        self.keep_all(name, kind, vec![enrollment]);
    }

    /// Keeps all values of a record; what it held before stays masked where it is still in use.
    pub fn keep_all(&self, name: &str, kind: RecordType, enrolled: Vec<Enrollment>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((name.to_owned(), kind), enrolled);
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
    /// Starts a keeper for an account on a host.
    ///
    /// # Errors
    /// When the account's name cannot stand in a slug.
    pub fn start(helper: &Helper, target: &Target) -> Result<Self, Failure> {
        let (questions, mut inbox) = mpsc::channel(QUEUE);
        let mut room = Room {
            vault: helper.vault.clone(),
            redactor: helper.redactor.clone(),
            remembered: helper.remembered.clone(),
            slug: target.slug()?,
            fallback: target.fallback(),
            sources: target.host.identity.clone(),
            home: helper.home.clone(),
            agent: helper.agent_socket(),
            keys: Vec::new(),
            offered: HashMap::new(),
            enrolled: Vec::new(),
        };
        tokio::spawn(async move {
            while let Some(question) = inbox.recv().await {
                room.answer(question).await;
            }
        });
        Ok(Self { questions })
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.questions.send(question(sender)).await.ok()?;
        answer.await.ok()
    }

    /// What the account's source of this number (in the order of the host's `identity`) has to offer;
    /// `None` when there are no more sources.
    ///
    /// # Errors
    /// When what is there cannot be used.
    pub async fn offers(&self, source: usize) -> Result<Offers, Failure> {
        self.ask(|answer| Question::Offers { source, answer }).await.unwrap_or_else(gone)
    }

    /// The SSH signature over what the transport wants signed (RFC 4252, 7).
    ///
    /// # Errors
    /// When there is no such offer, or its holder refuses.
    pub async fn sign(
        &self,
        number: usize,
        data: Vec<u8>,
        hash: Option<HashAlg>,
    ) -> Result<Vec<u8>, Failure> {
        self.ask(|answer| Question::Sign { number, data, hash, answer }).await.unwrap_or_else(gone)
    }

    /// The account's password, when there is a record: to be sent and dropped.
    ///
    /// # Errors
    /// When the record cannot be decrypted.
    pub async fn password(&self) -> Result<Option<Secret>, Failure> {
        self.ask(Question::Password).await.unwrap_or_else(gone)
    }

    /// Masks a person's answer to a host for as long as the transport lives.
    pub async fn mask(&self, answer: Secret) {
        // A keeper that is gone takes the login with it.
        let _ = self.questions.send(Question::Mask(answer)).await;
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

/// Who signs for an offer.
enum Holder {
    Loaded(Arc<LoadedKey>),
    Agent(Box<AgentIdentity>),
}

/// What a keeper holds.
struct Room {
    vault: Arc<Vault>,
    redactor: Redactor,
    remembered: Arc<Remembered>,
    slug: Slug,
    fallback: Option<Fallback>,
    sources: Vec<Identity>,
    home: Option<std::path::PathBuf>,
    agent: Option<std::path::PathBuf>,
    keys: Vec<Holder>,
    offered: HashMap<usize, Vec<Offer>>,
    enrolled: Vec<Enrollment>,
}

impl Room {
    async fn answer(&mut self, question: Question) {
        // A caller that stopped waiting is no reason to stop.
        match question {
            Question::Offers { source, answer } => {
                let _ = answer.send(self.offers(source).await);
            }
            Question::Sign { number, data, hash, answer } => {
                let _ = answer.send(self.sign(number, data, hash).await);
            }
            Question::Password(answer) => {
                let _ = answer.send(self.password().await);
            }
            Question::Mask(secret) => {
                // One that is too short to be masked was typed once and is worth nothing afterwards.
                if let Ok(enrolled) =
                    self.redactor.enroll(&self.slug.to_string(), secret.expose(), SecretKind::Password)
                {
                    self.enrolled.push(enrolled);
                }
            }
            Question::Enrollments(answer) => {
                let _ = answer.send(std::mem::take(&mut self.enrolled));
            }
        }
    }

    async fn offers(&mut self, source: usize) -> Result<Offers, Failure> {
        if let Some(known) = self.offered.get(&source) {
            return Ok(Some(known.clone()));
        }
        let offers = match self.sources.get(source).cloned() {
            None => return Ok(None),
            Some(Identity::Vault) => self.of_vault().await?,
            Some(Identity::Agent) => self.of_agent().await?,
            Some(Identity::File(path)) => self.of_file(&path).await?,
        };
        self.offered.insert(source, offers.clone());
        Ok(Some(offers))
    }

    fn hold(&mut self, holder: Holder, proof: Proof, name: &'static str) -> Offer {
        self.keys.push(holder);
        Offer { number: self.keys.len() - 1, proof, name }
    }

    /// A key with its certificate, which goes first.
    fn hold_key(
        &mut self,
        key: LoadedKey,
        certificate: Option<Certificate>,
        names: [&'static str; 2],
    ) -> Vec<Offer> {
        let (key, public) = (Arc::new(key), Proof::Key);
        let mut offers = Vec::new();
        if let Some(certificate) = certificate {
            let proof = Proof::Certificate(Box::new(certificate));
            offers.push(self.hold(Holder::Loaded(key.clone()), proof, names[1]));
        }
        let proof = public(key.public().clone());
        offers.push(self.hold(Holder::Loaded(key), proof, names[0]));
        offers
    }

    /// The slug whose records log in: the account's own, or that of a fallback account bound to the host.
    fn login_slug(&self) -> Result<Option<Slug>, Failure> {
        match self.vault.login_slug(&self.slug, self.fallback.as_ref()) {
            Ok(slug) => Ok(Some(slug)),
            Err(VaultError::Missing { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    async fn of_vault(&mut self) -> Result<Vec<Offer>, Failure> {
        let Some(slug) = self.login_slug()? else { return Ok(Vec::new()) };
        if !self.vault.store().has(&slug, RecordType::Key).map_err(failure)? {
            return Ok(Vec::new());
        }
        let login = match self.vault.load_key(&slug, Ask::Never).await {
            Err(VaultError::Missing { kind: RecordType::Passphrase, slug }) => {
                return Err(unusable(&slug.to_string(), KeyError::PassphraseNeeded));
            }
            loaded => loaded.map_err(failure)?,
        };
        self.enroll(&slug.to_string(), RecordType::Key, &login.text, SecretKind::PrivateKey);
        if let Some(passphrase) = &login.passphrase {
            self.enroll(&slug.to_string(), RecordType::Passphrase, passphrase, SecretKind::Passphrase);
        }
        Ok(self.hold_key(login.key, login.certificate, ["key", "certificate"]))
    }

    async fn of_agent(&mut self) -> Result<Vec<Offer>, Failure> {
        let Some(socket) = &self.agent else {
            return Err(Failure::new(
                ErrorCode::CredentialBackendUnavailable,
                "the vault helper knows no ssh-agent",
                "name its socket as `ssh_auth_sock` in sallyport.toml, or start the helper where SSH_AUTH_SOCK is set",
            ));
        };
        let identities = Agent::connect(socket).await?.identities().await?;
        let mut offers = Vec::new();
        for identity in identities {
            let proof = match &identity {
                AgentIdentity::PublicKey { key, .. } => Proof::Key(key.clone()),
                AgentIdentity::Certificate { certificate, .. } => {
                    Proof::Certificate(Box::new(certificate.clone()))
                }
            };
            offers.push(self.hold(Holder::Agent(Box::new(identity)), proof, "keys of ssh-agent"));
        }
        Ok(offers)
    }

    async fn of_file(&mut self, path: &str) -> Result<Vec<Offer>, Failure> {
        let file = KeyFile::read(path, self.home.as_deref())?;
        self.enroll(path, RecordType::Key, &file.text, SecretKind::PrivateKey);
        let key = match LoadedKey::parse(&file.text, None) {
            Err(KeyError::PassphraseNeeded) => {
                let passphrase =
                    match self.vault.decrypt(&self.slug, RecordType::Passphrase, Ask::Never).await {
                        Err(VaultError::Missing { .. }) => None,
                        found => Some(found.map_err(failure)?),
                    };
                if let Some(passphrase) = &passphrase {
                    let name = self.slug.to_string();
                    self.enroll(&name, RecordType::Passphrase, passphrase, SecretKind::Passphrase);
                }
                LoadedKey::parse(&file.text, passphrase.as_ref())
            }
            parsed => parsed,
        };
        let key = key.map_err(|error| unusable_file(path, Some(&self.slug), error))?;
        let certificate = match &file.certificate {
            Some(text) => {
                Some(key.certificate(text).map_err(|error| unusable_file(path, Some(&self.slug), error))?)
            }
            None => None,
        };
        Ok(self.hold_key(key, certificate, ["key file", "key file's certificate"]))
    }

    async fn sign(&self, number: usize, data: Vec<u8>, hash: Option<HashAlg>) -> Result<Vec<u8>, Failure> {
        match self.keys.get(number) {
            None => gone(),
            Some(Holder::Loaded(key)) => {
                key.sign(data, hash).map_err(|error| unusable(&self.slug.to_string(), error))
            }
            Some(Holder::Agent(identity)) => {
                let Some(socket) = &self.agent else { return gone() };
                Agent::connect(socket).await?.sign(identity, hash, data).await
            }
        }
    }

    async fn password(&mut self) -> Result<Option<Secret>, Failure> {
        if !self.sources.contains(&Identity::Vault) {
            return Ok(None);
        }
        let Some(slug) = self.login_slug()? else { return Ok(None) };
        let kind = RecordType::Password;
        if !self.vault.store().has(&slug, kind).map_err(failure)? {
            return Ok(None);
        }
        let secret = self.vault.decrypt(&slug, kind, Ask::Never).await.map_err(failure)?;
        self.enroll(&slug.to_string(), kind, &secret, SecretKind::Password);
        Ok(Some(secret))
    }

    /// Masks a secret while the transport lives and until the window is over, before anyone sees it.
    fn enroll(&mut self, name: &str, kind: RecordType, secret: &Secret, as_secret: SecretKind) {
        let enroll = || self.redactor.enroll(name, secret.expose(), as_secret);
        match (enroll(), enroll()) {
            (Ok(for_transport), Ok(for_window)) => {
                self.enrolled.push(for_transport);
                self.remembered.keep(name, kind, for_window);
            }
            (Err(weak), _) | (_, Err(weak)) => {
                tracing::warn!(slug = %name, %weak, "a secret is too weak to be masked")
            }
        }
    }
}

fn unusable(slug: &str, error: KeyError) -> Failure {
    let message = format!("the key record of {slug} cannot be used: {error}");
    Failure::new(ErrorCode::CredentialBackendUnavailable, message, error.hint())
}

/// Looks at a key file as a login would, for `doctor`. One that only waits for its passphrase is well.
///
/// # Errors
/// What the login would say.
pub fn look_at(path: &str, home: Option<&std::path::Path>) -> Result<(), Failure> {
    match LoadedKey::parse(&KeyFile::read(path, home)?.text, None) {
        Ok(_) | Err(KeyError::PassphraseNeeded) => Ok(()),
        Err(error) => Err(unusable_file(path, None, error)),
    }
}

fn unusable_file(path: &str, slug: Option<&Slug>, error: KeyError) -> Failure {
    let message = format!("the key file {path} cannot be used: {error}");
    let hint = match (error, slug) {
        (KeyError::PassphraseNeeded, Some(slug)) => {
            format!("add it with `sallyport credential add {slug} --passphrase`")
        }
        (other, _) => other.hint().to_owned(),
    };
    Failure::new(ErrorCode::CredentialBackendUnavailable, message, hint)
}

/// A vault's error as the protocol tells it.
pub fn failure(error: VaultError) -> Failure {
    let code = error.code();
    let known = ErrorCode::ALL.iter().copied().find(|c| c.as_str() == code);
    Failure::new(known.unwrap_or(ErrorCode::InternalError), error.to_string(), error.hint())
}
