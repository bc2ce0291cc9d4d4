//! How host keys are shown to people: the SHA256 fingerprint and OpenSSH's picture of it.

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

/// `SHA256:` and 43 characters, as `ssh-keygen -l` shows it.
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The "randomart" picture that `ssh-keygen -lv` draws; eleven lines, without a line feed at the end.
pub fn randomart(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_randomart(&title(key)).trim_end().to_owned()
}

fn title(key: &PublicKey) -> String {
    let bits = |bits: u32| if bits == 0 { String::new() } else { format!(" {bits}") };
    match (key.algorithm(), key.key_data()) {
        (_, KeyData::Rsa(rsa)) => format!("[RSA{}]", bits(rsa.key_size())),
        (Algorithm::Ed25519, _) => "[ED25519 256]".into(),
        (Algorithm::Ecdsa { curve }, _) => match curve {
            EcdsaCurve::NistP256 => "[ECDSA 256]".into(),
            EcdsaCurve::NistP384 => "[ECDSA 384]".into(),
            EcdsaCurve::NistP521 => "[ECDSA 521]".into(),
        },
        (Algorithm::SkEd25519, _) => "[ED25519-SK 256]".into(),
        (Algorithm::SkEcdsaSha2NistP256, _) => "[ECDSA-SK 256]".into(),
        (algorithm, _) => format!("[{algorithm}]"),
    }
}
