//! SSH keys from records: every format that `ssh-keygen` and `openssl` write, and what is none.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_keys_support;

use sallyport_vault_helper::vault::{KeyError, LoadedKey, Secret};
use vault_keys_support::{Dir, KINDS, text};

#[test]
fn every_kind_of_openssh_key_is_read_with_its_fingerprint() {
    let dir = Dir::new();
    for (name, kind) in KINDS {
        let key = LoadedKey::parse(&dir.keygen(name, kind, ""), None).unwrap();
        assert_eq!(key.fingerprint(), dir.fingerprint(name), "{name}");
    }
}

#[test]
fn pem_and_pkcs8_files_are_read_too() {
    let dir = Dir::new();
    for (name, kind) in KINDS.into_iter().skip(1) {
        for (format, passphrase) in [("PEM", ""), ("PKCS8", ""), ("PKCS8", "correct horse")] {
            let file = format!("{name}-{format}-{}", passphrase.len());
            let secret = dir.keygen(&file, &[kind, &["-m", format]].concat(), passphrase);
            let given = (!passphrase.is_empty()).then(|| text(passphrase));
            let key = LoadedKey::parse(&secret, given.as_ref())
                .map_err(|error| format!("{file}: {error}"))
                .unwrap();
            assert_eq!(key.fingerprint(), dir.fingerprint(&file), "{file}");
        }
    }
    dir.run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", "plain25519"]);
    LoadedKey::parse(&dir.secret("plain25519"), None).unwrap();
}

#[test]
fn an_encrypted_key_needs_its_passphrase_and_no_other() {
    let dir = Dir::new();
    for (file, format) in [("openssh", "RFC4716"), ("pkcs8", "PKCS8"), ("pem", "PEM")] {
        let secret = dir.keygen(file, &["-t", "rsa", "-b", "2048", "-m", format], "correct horse");
        let parse = |passphrase: Option<&Secret>| LoadedKey::parse(&secret, passphrase).map(|_| ());
        assert_eq!(parse(None), Err(KeyError::PassphraseNeeded), "{file}");
        assert_eq!(parse(Some(&text("wrong horse"))), Err(KeyError::WrongPassphrase), "{file}");
        assert_eq!(parse(Some(&text("correct horse"))), Ok(()), "{file}");
    }
}

#[test]
fn a_passphrase_for_a_key_that_needs_none_does_no_harm() {
    let dir = Dir::new();
    let secret = dir.keygen("plain", &["-t", "ed25519"], "");
    LoadedKey::parse(&secret, Some(&text("left over"))).unwrap();
}

#[test]
fn windows_line_ends_and_surrounding_blanks_do_no_harm() {
    let dir = Dir::new();
    let plain = dir.keygen("plain", &["-t", "ed25519"], "");
    let locked = dir.keygen("locked", &["-t", "ed25519"], "correct horse");
    let dos = |secret: &Secret| {
        text(&format!("\r\n{}\r\n\r\n", std::str::from_utf8(secret.expose()).unwrap().replace('\n', "\r\n")))
    };
    LoadedKey::parse(&dos(&plain), None).unwrap();
    assert_eq!(LoadedKey::parse(&dos(&locked), None).unwrap_err(), KeyError::PassphraseNeeded);
    LoadedKey::parse(&dos(&locked), Some(&text("correct horse"))).unwrap();
}

#[test]
fn what_is_no_private_key_says_what_it_is() {
    let dir = Dir::new();
    let whole = dir.keygen("whole", &["-t", "ed25519"], "");
    let whole = std::str::from_utf8(whole.expose()).unwrap();
    let cut = &whole[..whole.len() / 2];
    let altered = whole.replacen('A', "B", 3);
    dir.run("ssh-keygen", &["-q", "-N", "", "-f", "short", "-t", "rsa", "-b", "1024"]);
    dir.run("openssl", &["genpkey", "-algorithm", "x25519", "-out", "x25519"]);
    dir.run("ssh-keygen", &["-q", "-N", "correct horse", "-f", "old", "-t", "ecdsa", "-m", "PEM"]);
    let cases = [
        (dir.secret("old"), KeyError::Unsupported),
        (text("hunter2"), KeyError::Unreadable),
        (Secret::copy_of(&[0xff, 0xfe, 0, 1]), KeyError::Unreadable),
        (text(cut), KeyError::Unreadable),
        (text(&altered), KeyError::Unreadable),
        (
            text("-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n"),
            KeyError::Unreadable,
        ),
        (dir.secret("whole.pub"), KeyError::Public),
        (dir.secret("short"), KeyError::TooShort),
        (dir.secret("x25519"), KeyError::Unreadable),
    ];
    for (secret, expected) in cases {
        assert_eq!(LoadedKey::parse(&secret, None).unwrap_err(), expected);
    }
}

#[test]
fn a_loaded_key_shows_its_fingerprint_and_nothing_else() {
    let dir = Dir::new();
    let key = LoadedKey::parse(&dir.keygen("k", &["-t", "ed25519"], ""), None).unwrap();
    assert_eq!(format!("{key:?}"), format!("LoadedKey({})", dir.fingerprint("k")));
}

#[test]
fn a_certificate_must_be_for_this_key() {
    let dir = Dir::new();
    dir.keygen("ca", &["-t", "ed25519"], "");
    let key = LoadedKey::parse(&dir.keygen("k", &["-t", "ed25519"], ""), None).unwrap();
    let other = LoadedKey::parse(&dir.keygen("other", &["-t", "ed25519"], ""), None).unwrap();
    dir.run("ssh-keygen", &["-q", "-s", "ca", "-I", "id", "-n", "deploy", "k.pub"]);
    let record = dir.secret("k-cert.pub");
    key.certificate(&record).unwrap();
    assert_eq!(other.certificate(&record).unwrap_err(), KeyError::OtherCertificate);
    assert_eq!(key.certificate(&dir.secret("k.pub")).unwrap_err(), KeyError::BadCertificate);
    assert_eq!(key.certificate(&text("nonsense")).unwrap_err(), KeyError::BadCertificate);
}
