//! Host-key rotation: a server tells, after the login, which host keys it has, and proves that it holds them
//! (OpenSSH's PROTOCOL, `hostkeys-00@openssh.com` and `hostkeys-prove-00@openssh.com`).
//!
//! Where a host accepts new keys, the proven keys take the place of the pinned ones, so that a key is known before it
//! is needed. Where it does not, the new keys are only reported.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use russh::keys::{PublicKey, PublicKeyOrCertificate};

use super::transport::Transport;
use super::trust::Endpoint;
use crate::helper::Helper;
use crate::hostkeys::{HostKeyVerdict, fingerprint};

/// Keys one server may announce.
const MOST: usize = 16;
/// How long it has for its proof.
const PATIENCE: Duration = Duration::from_secs(30);
/// Hosts that are remembered for reports.
const REPORTS: usize = 256;

/// New keys that hosts proved to have and that are not pinned, for people to see: fingerprints by host.
#[derive(Default)]
pub struct Announced(Mutex<BTreeMap<String, Vec<String>>>);

impl Announced {
    /// What was announced and is not known: host, fingerprints.
    pub fn list(&self) -> Vec<(String, Vec<String>)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(host, keys)| (host.clone(), keys.clone())).collect()
    }

    fn set(&self, host: String, keys: Vec<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.is_empty() {
            all.remove(&host);
        } else if all.len() < REPORTS || all.contains_key(&host) {
            all.insert(host, keys);
        }
    }
}

/// Takes up what a transport's server announces, once.
pub async fn follow(helper: Arc<Helper>, transport: Weak<Transport>, endpoint: Endpoint, accept_new: bool) {
    let Some(mut announced) = transport.upgrade().map(|transport| transport.announced()) else {
        return;
    };
    if announced.wait_for(|keys| !keys.is_empty()).await.is_err() {
        return;
    }
    let keys = announced.borrow().clone();
    let Some(transport) = transport.upgrade() else { return };
    if keys.len() > MOST || !keys.iter().any(|key| fingerprint(key) == transport.fingerprint) {
        tracing::warn!(%endpoint, "the host announces too many keys, or not the one it uses; they are ignored");
        return;
    }
    let Ok(known) = helper.trust.known() else { return };
    let verdict = |key: &PublicKey| {
        let shown = PublicKeyOrCertificate::PublicKey { key: key.clone(), hash_alg: None };
        known.check(endpoint.host(), endpoint.port(), &shown)
    };
    let keys: Vec<PublicKey> =
        keys.into_iter().filter(|key| !matches!(verdict(key), HostKeyVerdict::Revoked { .. })).collect();
    let new: Vec<PublicKey> =
        keys.iter().filter(|key| !matches!(verdict(key), HostKeyVerdict::Known { .. })).cloned().collect();
    // The ones that are known need no proof to stay; without new ones only fewer could be pinned.
    match tokio::time::timeout(PATIENCE, transport.prove(&new)).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(%endpoint, "the host did not prove that it holds the keys it announces");
            return;
        }
    }
    let fingerprints: Vec<String> = new.iter().map(fingerprint).collect();
    let event = if accept_new {
        match helper.trust.pins.replace(endpoint.host(), endpoint.port(), &keys) {
            Ok(false) => return,
            Ok(true) => "host_keys_rotated",
            Err(error) => {
                tracing::warn!(%endpoint, %error, "rotated host keys could not be pinned");
                return;
            }
        }
    } else {
        helper.announced.set(endpoint.to_string(), fingerprints.clone());
        if new.is_empty() {
            return;
        }
        "host_keys_announced"
    };
    let details = serde_json::json!({ "host": endpoint.to_string(), "new": fingerprints });
    if let Err(error) = helper.audit.event(event, details).await {
        tracing::error!(%error, "a change of host keys was not written");
    }
}
