//! What is decided about the key a host shows, at the first key exchange and at every later one.

use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::ssh_encoding::Decode;
use russh::keys::{Certificate, PublicKey, PublicKeyOrCertificate};
use sallyport_protocol::Failure;

use super::trust::Endpoint;
use crate::helper::Helper;

/// Decides about one connection's keys.
pub struct Judge {
    /// Whose key it is, and whether a first one is accepted; nothing where a key is only looked at.
    pub(super) expected: Option<(Arc<Helper>, Endpoint, bool)>,
    /// What was found; the login reads it.
    pub(super) found: Arc<Mutex<KeyCheck>>,
}

/// What is known of the host's key.
#[derive(Default)]
pub struct KeyCheck {
    /// The key the host showed.
    pub key: Option<PublicKey>,
    /// Why it was not accepted.
    pub refused: Option<Failure>,
}

impl Judge {
    /// Whether the connection may go on with this key or certificate, in its wire format.
    pub(super) fn accepts(&self, key: &[u8], certificate: bool) -> bool {
        let Some(shown) = parse(key, certificate) else { return false };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // Once is enough to be sure, and files are read each time.
        if found.refused.is_some() {
            return false;
        }
        if let PublicKeyOrCertificate::PublicKey { key, .. } = &shown {
            found.key = Some(key.clone());
        }
        let Some((helper, endpoint, accept_new)) = &self.expected else { return false };
        match helper.trust.accept(endpoint, &shown, *accept_new) {
            Ok(()) => true,
            Err(failure) => {
                found.refused = Some(failure);
                false
            }
        }
    }
}

fn parse(key: &[u8], certificate: bool) -> Option<PublicKeyOrCertificate> {
    match certificate {
        true => Some(PublicKeyOrCertificate::Certificate(Certificate::decode(&mut &*key).ok()?)),
        false => {
            let key = PublicKey::from_bytes(key).ok()?;
            Some(PublicKeyOrCertificate::PublicKey { key, hash_alg: None })
        }
    }
}
