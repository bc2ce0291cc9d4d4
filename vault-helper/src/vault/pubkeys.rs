//! The public keys behind a store's recipients.

use gpgme::{Context, Data, Key, PinentryMode, Subkey, Validity};

use super::error::{RecipientProblem, VaultError};
use super::gpg::{GpgHome, other};
use super::record::Secret;

impl GpgHome {
    /// Checks that every recipient could be encrypted to, and says whether one of them can decrypt here.
    pub(super) fn check_recipients(&self, recipients: &[String]) -> Result<Readable, VaultError> {
        let mut context = self.context().map_err(other)?;
        let mut readable = Readable::No;
        for recipient in recipients {
            let key = usable_key(&mut context, recipient)?;
            let secret = key.fingerprint().ok().and_then(|id| context.get_secret_key(id).ok());
            readable = match (readable, secret) {
                (known @ (Readable::Here | Readable::OnCard(_)), _) | (known, None) => known,
                (Readable::No, Some(key)) => {
                    card(&key, |subkey| subkey.can_encrypt()).map_or(Readable::Here, Readable::OnCard)
                }
            };
        }
        // Without the agent, gpg knows of no secret key.
        if readable == Readable::No && self.lacks_agent() {
            return Err(VaultError::NoAgent);
        }
        Ok(readable)
    }

    /// The number of the smartcard that holds one of these secret keys, which are named by their ids.
    pub(super) fn card_of(&self, ids: &[String]) -> Option<String> {
        let mut context = self.context().ok()?;
        ids.iter().find_map(|id| {
            let key = context.get_secret_key(id.as_str()).ok()?;
            card(&key, |subkey| subkey.id() == Ok(id))
        })
    }
}

/// Whether a store can be read with the keys of a GPG home.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readable {
    No,
    Here,
    /// With the smartcard of this number.
    OnCard(String),
}

/// The number of the smartcard that holds the subkey meant, as gpg shows it: the manufacturer, and its serial number.
fn card(key: &Key, meant: impl Fn(&Subkey) -> bool) -> Option<String> {
    let subkey = key.subkeys().find(|subkey| subkey.is_card_key() && meant(subkey))?;
    let whole = subkey.card_serial_number().ok()?;
    // An OpenPGP card's application id: what kind it is, version, manufacturer, serial number, nothing.
    match (whole.starts_with("D27600012401"), whole.get(16..20), whole.get(20..28)) {
        (true, Some(manufacturer), Some(number)) => Some(format!("{manufacturer} {number}")),
        _ => Some(whole.to_owned()),
    }
}

impl GpgHome {
    /// Imports a secret key that the service manager hands in (`LoadCredentialEncrypted=` of systemd), for an
    /// account where no person unlocks. The key must have no passphrase: its protection is the service manager's.
    /// A key that is there already is no error. Blocking; for the start of the program.
    ///
    /// # Errors
    /// [`VaultError::Gpg`] when the bytes hold no secret key that gpg takes.
    pub fn import_secret_key(&self, key: &Secret) -> Result<(), VaultError> {
        let mut context = self.context().map_err(other)?;
        context.set_pinentry_mode(PinentryMode::Error).map_err(other)?;
        let outcome = context.import(Data::from_buffer(key.expose()).map_err(other)?).map_err(other)?;
        if outcome.secret_considered() > 0 && outcome.secret_imported() + outcome.secret_unchanged() > 0 {
            Ok(())
        } else {
            Err(VaultError::Gpg {
                reason: "the credential holds no secret key that could be imported".into(),
            })
        }
    }
}

/// The key that gpg itself would choose for a recipient: usable, most trusted, newest.
pub(super) fn usable_key(context: &mut Context, recipient: &str) -> Result<Key, VaultError> {
    let found: Vec<Key> = match context.find_keys([recipient]) {
        Ok(keys) => keys.filter_map(Result::ok).collect(),
        Err(error) => return Err(other(error)),
    };
    let trust = |key: &Key| key.user_ids().map(|user| rank(user.validity())).max().unwrap_or(0);
    let age = |key: &Key| key.primary_key().and_then(|primary| primary.creation_time());
    let best = found.iter().filter(|key| problem(key).is_none()).max_by_key(|key| (trust(key), age(key)));
    match (best, found.first()) {
        (Some(key), _) => Ok(key.clone()),
        (None, first) => Err(VaultError::Recipient {
            recipient: recipient.to_owned(),
            problem: first.and_then(problem).unwrap_or(RecipientProblem::Absent),
        }),
    }
}

fn problem(key: &Key) -> Option<RecipientProblem> {
    let problems = [
        (key.is_revoked(), RecipientProblem::Revoked),
        (key.is_expired(), RecipientProblem::Expired),
        (key.is_disabled() || key.is_invalid() || !key.can_encrypt(), RecipientProblem::CannotEncrypt),
    ];
    problems.into_iter().find_map(|(holds, problem)| holds.then_some(problem))
}

pub(super) fn distrusted(keys: &[Key], recipients: &[String]) -> Option<String> {
    let untrusted = |key: &Key| key.user_ids().all(|user| rank(user.validity()) < rank(Validity::Full));
    keys.iter().zip(recipients).find(|(key, _)| untrusted(key)).map(|(_, recipient)| recipient.clone())
}

fn rank(validity: Validity) -> u8 {
    match validity {
        Validity::Unknown | Validity::Undefined => 0,
        Validity::Never => 0,
        Validity::Marginal => 1,
        Validity::Full => 2,
        Validity::Ultimate => 3,
    }
}
