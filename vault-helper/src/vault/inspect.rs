//! Looking at a secret before it is stored: is it what its type says, and does it fit the slug's other records?

use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Certificate, HashAlg, PrivateKey};

use super::dotenv::parse_dotenv;
use super::error::VaultError;
use super::key::{KeyError, LoadedKey};
use super::login::unusable;
use super::record::{RecordType, Secret};
use super::service::{Ask, Vault};
use super::slug::Slug;

/// What a person is told about the secret they are about to store. Holds nothing secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// What it is: a key's fingerprint, a certificate's names and end, the names of variables.
    pub about: Option<String>,
    /// What is unwise or still missing, one sentence each.
    pub warnings: Vec<String>,
}

impl Vault {
    /// Checks a secret for a record that is to be added. To compare a passphrase or a certificate with the key
    /// it belongs to, that key is decrypted. How strong a password is, the redactor knows.
    ///
    /// # Errors
    /// [`VaultError::Unusable`] when the secret is not what the type says, or does not fit the slug's key;
    /// as [`Vault::decrypt`] for the records it is compared with.
    pub async fn inspect(
        &self,
        slug: &Slug,
        kind: RecordType,
        secret: &Secret,
        ask: Ask,
    ) -> Result<Inspection, VaultError> {
        match kind {
            RecordType::Password => Ok(Inspection::default()),
            RecordType::Key => {
                let passphrase = self.decrypt_if_there(slug, RecordType::Passphrase, ask).await?;
                key(secret, passphrase.as_ref()).map_err(|error| unusable(slug, kind, error))
            }
            RecordType::Passphrase => {
                let stored = self.decrypt_if_there(slug, RecordType::Key, ask).await?;
                passphrase(secret, stored.as_ref()).map_err(|error| unusable(slug, kind, error))
            }
            RecordType::Certificate => {
                let stored = self.decrypt_if_there(slug, RecordType::Key, ask).await?;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
                certificate(secret, stored.as_ref(), slug, now).map_err(|error| unusable(slug, kind, error))
            }
            RecordType::Dotenv => {
                let variables = parse_dotenv(secret).map_err(|error| unusable(slug, kind, error))?;
                let names: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
                let mut inspection = Inspection { about: Some(names.join(", ")), warnings: Vec::new() };
                inspection.warn_if(names.is_empty(), "it sets no variables");
                Ok(inspection)
            }
        }
    }
}

impl Inspection {
    fn warn_if(&mut self, holds: bool, sentence: &str) {
        if holds {
            self.warnings.push(sentence.to_owned());
        }
    }
}

fn key(secret: &Secret, passphrase: Option<&Secret>) -> Result<Inspection, KeyError> {
    let mut inspection = Inspection::default();
    match LoadedKey::parse(secret, passphrase) {
        Ok(key) => inspection.about = Some(describe(&key)),
        Err(KeyError::PassphraseNeeded) => {
            inspection.about = public_part(secret);
            inspection.warn_if(true, "the key is encrypted: add its passphrase with --passphrase");
        }
        Err(error) => return Err(error),
    }
    Ok(inspection)
}

fn passphrase(secret: &Secret, key: Option<&Secret>) -> Result<Inspection, KeyError> {
    let mut inspection = Inspection::default();
    match key.map(|key| (LoadedKey::parse(key, None), LoadedKey::parse(key, Some(secret)))) {
        None => inspection.warn_if(true, "there is no key record yet that it could be checked with"),
        Some((Err(KeyError::PassphraseNeeded), opened)) => inspection.about = Some(describe(&opened?)),
        Some((Ok(key), _)) => {
            inspection.about = Some(describe(&key));
            inspection.warn_if(true, "the key is not encrypted and needs no passphrase");
        }
        Some((Err(error), _)) => return Err(error),
    }
    Ok(inspection)
}

fn certificate(record: &Secret, key: Option<&Secret>, slug: &Slug, now: u64) -> Result<Inspection, KeyError> {
    let text = std::str::from_utf8(record.expose()).map_err(|_| KeyError::BadCertificate)?;
    let certificate = Certificate::from_openssh(text.trim()).map_err(|_| KeyError::BadCertificate)?;
    let owner = key.and_then(public_of);
    if owner.as_ref().is_some_and(|owner| owner.key_data() != certificate.public_key()) {
        return Err(KeyError::OtherCertificate);
    }
    let names = certificate.valid_principals();
    let user = slug.user().unwrap_or_default();
    let mut inspection = Inspection { about: Some(describe_certificate(&certificate)), warnings: Vec::new() };
    inspection.warn_if(owner.is_none(), "there is no key record yet that it could be checked with");
    inspection.warn_if(certificate.cert_type() != CertType::User, "it is a host's certificate, not a user's");
    inspection.warn_if(now >= certificate.valid_before(), "it has expired");
    inspection.warn_if(now < certificate.valid_after(), "it is not valid yet");
    let named = names.is_empty() || names.iter().any(|name| name == user);
    inspection.warn_if(!named, "it does not name the slug's user, so that the server needs a mapping for it");
    Ok(inspection)
}

fn describe(key: &LoadedKey) -> String {
    format!("{} {}", key.public().algorithm(), key.fingerprint())
}

/// The public half of a key file, also of an encrypted one where its format shows it.
fn public_of(secret: &Secret) -> Option<russh::keys::PublicKey> {
    if let Ok(key) = LoadedKey::parse(secret, None) {
        return Some(key.public().clone());
    }
    let text = std::str::from_utf8(secret.expose()).ok()?;
    PrivateKey::from_openssh(text.trim()).ok().map(|key| key.public_key().clone())
}

fn public_part(secret: &Secret) -> Option<String> {
    let public = public_of(secret)?;
    Some(format!("{} {}", public.algorithm(), public.fingerprint(HashAlg::Sha256)))
}

/// Names come from the authority and are shown on a terminal: nothing but printable ASCII is kept of them.
fn describe_certificate(certificate: &Certificate) -> String {
    let plain = |text: &str| text.replace(|sign: char| !sign.is_ascii_graphic() && sign != ' ', "?");
    let names: Vec<String> = certificate.valid_principals().iter().map(|name| plain(name)).collect();
    let names = if names.is_empty() { "any user".to_owned() } else { names.join(", ") };
    let signer = certificate.signature_key().fingerprint(HashAlg::Sha256);
    format!("certificate `{}` for {names}, signed by {signer}", plain(certificate.key_id()))
}
