//! Any bytes of a carrier are a report or none, without panic, and a report that was read is the same when it is written
//! and read again; orders too. Any bytes are a login to be signed or not.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sallyport_protocol::frame::{decode, encode};
use sallyport_vault_helper::carrier::language::{Order, Report};
use sallyport_vault_helper::ssh::keeper::Proof;
use sallyport_vault_helper::ssh::signable::login_session;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes before a frame's body.
const PREFIX: usize = 4;

static PROOF: LazyLock<Proof> = LazyLock::new(|| {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";
    Proof::Key(russh::keys::PublicKey::from_openssh(key).expect("a public key"))
});

fn round<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(message) = decode::<T>(bytes) {
        let again = encode(&message).expect("what was read fits");
        assert_eq!(decode::<T>(&again[PREFIX..]).as_ref(), Ok(&message));
    }
}

fuzz_target!(|bytes: &[u8]| {
    round::<Report>(bytes);
    round::<Order>(bytes);
    let _ = login_session(bytes, "deploy", &PROOF);
});
