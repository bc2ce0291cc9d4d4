//! What a login needs, put together from several records.

use russh::keys::Certificate;

use super::error::{Unusable, VaultError};
use super::fallback::Fallback;
use super::key::{KeyError, LoadedKey};
use super::record::{RecordType, Secret};
use super::service::{Ask, Vault};
use super::slug::Slug;

/// A key to log in with, and its certificate when there is one.
#[derive(Debug)]
pub struct Login {
    /// The key.
    pub key: LoadedKey,
    /// The text it was read from, to be enrolled with the redactor.
    pub text: Secret,
    /// Its certificate; offered before the key alone.
    pub certificate: Option<Certificate>,
    /// The passphrase that opened the key, to be enrolled with the redactor.
    pub passphrase: Option<Secret>,
}

impl Vault {
    /// Loads the key of a slug, opened with the slug's passphrase when it is encrypted, with its certificate.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when there is no key record, or an encrypted one and no passphrase record;
    /// [`VaultError::Unusable`] when one of the records is not what its name says; as [`Vault::decrypt`].
    pub async fn load_key(&self, slug: &Slug, ask: Ask) -> Result<Login, VaultError> {
        let secret = self.decrypt(slug, RecordType::Key, ask.clone()).await?;
        let (key, passphrase) = match LoadedKey::parse(&secret, None) {
            Err(KeyError::PassphraseNeeded) => {
                let passphrase = self.decrypt(slug, RecordType::Passphrase, ask.clone()).await?;
                (LoadedKey::parse(&secret, Some(&passphrase)), Some(passphrase))
            }
            parsed => (parsed, None),
        };
        let key = key.map_err(|error| unusable(slug, RecordType::Key, error))?;
        let certificate = match self.decrypt_if_there(slug, RecordType::Certificate, ask).await? {
            Some(record) => Some(
                key.certificate(&record).map_err(|error| unusable(slug, RecordType::Certificate, error))?,
            ),
            None => None,
        };
        Ok(Login { key, text: secret, certificate, passphrase })
    }

    /// The slug whose records log a user in to a host: its own when it has a key or a password, else that of
    /// the fallback account, if that is the same user's and bound to the host.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when there is neither.
    pub fn login_slug(&self, own: &Slug, fallback: Option<&Fallback>) -> Result<Slug, VaultError> {
        let has_login = |slug: &Slug| -> Result<bool, VaultError> {
            Ok(self.store.has(slug, RecordType::Key)? || self.store.has(slug, RecordType::Password)?)
        };
        if has_login(own)? {
            return Ok(own.clone());
        }
        let bound = fallback.filter(|account| {
            Some(account.user()) == own.user() && own.host().is_some_and(|host| account.covers(host))
        });
        match bound {
            Some(account) if has_login(account.slug())? => Ok(account.slug().clone()),
            _ => Err(VaultError::Missing { slug: own.clone(), kind: RecordType::Key }),
        }
    }

    pub(super) async fn decrypt_if_there(
        &self,
        slug: &Slug,
        kind: RecordType,
        ask: Ask,
    ) -> Result<Option<Secret>, VaultError> {
        match self.decrypt(slug, kind, ask).await {
            Err(VaultError::Missing { .. } | VaultError::WrongType { .. }) => Ok(None),
            outcome => outcome.map(Some),
        }
    }
}

pub(super) fn unusable(slug: &Slug, kind: RecordType, reason: impl Into<Unusable>) -> VaultError {
    VaultError::Unusable { slug: slug.clone(), kind, reason: reason.into() }
}
