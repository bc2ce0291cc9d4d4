//! Writing our own known_hosts file, and showing keys to people.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod hostkeys_support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hostkeys_support::{Dir, is_known, line, plain};
use russh::keys::PublicKey;
use sallyport_vault_helper::hostkeys::{
    HostKeyVerdict, KnownHosts, PinError, PinFile, fingerprint, randomart,
};

fn check(path: &Path, host: &str, port: u16, key: &PublicKey) -> HostKeyVerdict {
    KnownHosts::read([path]).unwrap().check(host, port, &plain(key))
}

#[test]
fn a_pinned_key_is_known_to_us_and_to_ssh_keygen() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    let file = PinFile::new(dir.path("state/known_hosts"));
    assert!(file.pin("Web1.example", 2222, &key).unwrap());
    assert!(!file.pin("web1.example", 2222, &key).unwrap(), "twice");
    assert!(is_known(&check(file.path(), "web1.example", 2222, &key)));
    let found = dir.keygen(&["-F", "[web1.example]:2222", "-f", "state/known_hosts"]);
    assert!(found.contains("found: line 1"), "{found}");
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn pinning_keeps_what_was_there_byte_for_byte() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    let file = PinFile::new(dir.path("known_hosts"));
    let before = "# mine\n\nnot understood\n@revoked * ssh-ed25519 AAAA";
    fs::write(file.path(), before).unwrap();
    file.pin("web1", 22, &key).unwrap();
    let after = fs::read_to_string(file.path()).unwrap();
    assert!(after.starts_with(&format!("{before}\nweb1 ssh-ed25519 ")), "{after}");
}

#[test]
fn removing_takes_a_hosts_own_keys_and_leaves_shared_and_marked_lines() {
    let dir = Dir::new();
    let (key, other) = (dir.key("k", "ed25519"), dir.key("o", "ed25519"));
    let shared = line("web1,web2", &key);
    let revoked = format!("@revoked {}", line("web1", &other));
    fs::write(
        dir.path("known_hosts"),
        format!("{shared}{}{revoked}{}", line("web1", &key), line("web3", &key)),
    )
    .unwrap();
    let file = PinFile::new(dir.path("known_hosts"));
    assert_eq!(file.remove("web1", 22).unwrap(), 1);
    assert_eq!(fs::read_to_string(file.path()).unwrap(), format!("{shared}{revoked}{}", line("web3", &key)));
    assert_eq!(file.remove("web1", 2222).unwrap(), 0);
}

#[test]
fn replacing_keeps_what_is_said_of_others_and_never_leaves_a_host_without_a_key() {
    let dir = Dir::new();
    let (old, new, newer) = (dir.key("a", "ed25519"), dir.key("b", "ed25519"), dir.key("c", "ecdsa"));
    let others = format!("{}@revoked {}", line("web1,web2", &old), line("web1", &old));
    fs::write(dir.path("known_hosts"), format!("{}{others}", line("web1", &old))).unwrap();
    let file = PinFile::new(dir.path("known_hosts"));
    assert!(!file.replace("web1", 22, &[]).unwrap());
    assert!(file.replace("web1", 22, &[new.clone(), newer.clone()]).unwrap());
    assert!(!file.replace("web1", 22, &[newer.clone(), new.clone()]).unwrap(), "the same in another order");
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with(&others) && text.lines().count() == 4, "{text}");
    assert!(is_known(&check(file.path(), "web1", 22, &newer)));
}

#[test]
fn a_name_that_would_mean_more_than_itself_is_not_written() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    let file = PinFile::new(dir.path("known_hosts"));
    for name in ["*", "a,b", "!a", "a b", "@revoked", "|1|a", "#a", "a\nb", ""] {
        assert!(matches!(file.pin(name, 22, &key), Err(PinError::Name)), "{name:?}");
    }
    assert!(!file.path().exists());
}

#[test]
fn many_pins_at_once_are_all_kept() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    let file = PinFile::new(dir.path("known_hosts"));
    std::thread::scope(|scope| {
        for number in 0..16 {
            let (file, key) = (&file, &key);
            scope.spawn(move || file.pin(&format!("host{number}"), 22, key).unwrap());
        }
    });
    assert_eq!(fs::read_to_string(file.path()).unwrap().lines().count(), 16);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_the_path() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    fs::write(dir.path("state"), "a file").unwrap();
    let file = PinFile::new(dir.path("state/known_hosts"));
    assert!(file.pin("web1", 22, &key).unwrap_err().to_string().contains("state/known_hosts"));
}

#[test]
fn fingerprints_and_pictures_are_those_of_ssh_keygen() {
    let dir = Dir::new();
    for (name, kind) in [("a", "ed25519"), ("b", "ecdsa"), ("c", "rsa")] {
        let key = dir.key(name, kind);
        let shown = dir.keygen(&["-l", "-v", "-f", name]);
        let (first, picture) = shown.split_once('\n').unwrap();
        assert!(first.contains(&fingerprint(&key)), "{first}");
        assert_eq!(picture.trim_end(), randomart(&key));
    }
}
