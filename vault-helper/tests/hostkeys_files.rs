//! Reading known_hosts files, against what OpenSSH itself writes.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod hostkeys_support;

use std::fs;
use std::path::PathBuf;

use hostkeys_support::{Dir, is_known, line, plain};
use russh::keys::Algorithm;
use sallyport_vault_helper::hostkeys::{HostKeyVerdict, KnownHosts, fingerprint};

#[test]
fn a_host_without_a_line_is_unknown() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    assert_eq!(dir.known("").check("web1", 22, &plain(&key)), HostKeyVerdict::Unknown);
    let known = dir.known(&line("web1", &key));
    assert_eq!(known.check("web2", 22, &plain(&key)), HostKeyVerdict::Unknown);
    assert_eq!(known.check("web1", 2222, &plain(&key)), HostKeyVerdict::Unknown);
}

#[test]
fn missing_files_are_empty_and_the_first_with_the_key_is_named() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    fs::write(dir.path("second"), format!("# comment\n\n{}", line("web1", &key))).unwrap();
    let files = ["none", "second"].map(|name| dir.path(name));
    let known = KnownHosts::read(files.iter().map(PathBuf::as_path)).unwrap();
    match known.check("web1", 22, &plain(&key)) {
        HostKeyVerdict::Known { source } => assert_eq!((source.file, source.line), (dir.path("second"), 3)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_key_is_a_change_and_names_the_line_of_the_same_algorithm() {
    let dir = Dir::new();
    let (ed, ecdsa, shown) = (dir.key("a", "ed25519"), dir.key("b", "ecdsa"), dir.key("c", "ecdsa"));
    let known = dir.known(&format!("{}{}", line("web1", &ed), line("web1", &ecdsa)));
    match known.check("web1", 22, &plain(&shown)) {
        HostKeyVerdict::Changed { source, known } => {
            assert_eq!(source.line, 2);
            assert_eq!(known, [fingerprint(&ed), fingerprint(&ecdsa)]);
        }
        other => panic!("{other:?}"),
    }
    // A key of an algorithm that was not known before is no less a change.
    let only_ed = dir.known(&line("web1", &ed));
    assert!(matches!(only_ed.check("web1", 22, &plain(&shown)), HostKeyVerdict::Changed { .. }));
}

#[test]
fn one_file_knowing_the_key_is_enough_although_another_knows_other_keys() {
    let dir = Dir::new();
    let (old, new) = (dir.key("a", "ed25519"), dir.key("b", "ed25519"));
    fs::write(dir.path("ours"), line("web1", &new)).unwrap();
    fs::write(dir.path("theirs"), line("web1", &old)).unwrap();
    let files = ["ours", "theirs"].map(|name| dir.path(name));
    let known = KnownHosts::read(files.iter().map(PathBuf::as_path)).unwrap();
    assert!(is_known(&known.check("web1", 22, &plain(&new))));
}

#[test]
fn names_hashed_by_ssh_keygen_are_found() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    fs::write(dir.path("known_hosts"), format!("{}{}", line("web1", &key), line("[web1]:2222", &key)))
        .unwrap();
    dir.keygen(&["-q", "-H", "-f", "known_hosts"]);
    let text = fs::read_to_string(dir.path("known_hosts")).unwrap();
    assert!(!text.contains("web1"));
    let known = dir.known(&text);
    for port in [22, 2222] {
        assert!(is_known(&known.check("WEB1", port, &plain(&key))), "{port}");
    }
    assert_eq!(known.check("web2", 22, &plain(&key)), HostKeyVerdict::Unknown);
}

#[test]
fn a_revoked_key_is_refused_also_where_it_is_known() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    let known = dir.known(&format!("{}@revoked * {}", line("web1", &key), key.to_openssh().unwrap()));
    assert!(
        matches!(known.check("web1", 22, &plain(&key)), HostKeyVerdict::Revoked { source } if source.line == 2)
    );
}

#[test]
fn a_line_with_an_unknown_mark_or_garbage_counts_for_nothing() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    let blob = key.to_openssh().unwrap();
    let bad = [
        format!("@distrusted web1 {blob}"),
        format!("|2|x|y {blob}"),
        "web1 ssh-ed25519".into(),
        "web1 ssh-ed25519 AAAA".into(),
        format!("web1 ssh-rsa {}", blob.split(' ').nth(1).unwrap()),
        "web1 1024 35 1234567".into(),
        format!("web1 {blob} {}", "x".repeat(9000)),
        "\u{0}\u{1}".into(),
    ];
    let known = dir.known(&(bad.join("\n") + "\n"));
    assert_eq!(known.check("web1", 22, &plain(&key)), HostKeyVerdict::Unknown);
    let [(_, skipped)] = known.skipped() else { panic!("{:?}", known.skipped()) };
    assert_eq!((skipped.lines, skipped.truncated), (bad.len(), false));
}

#[test]
fn bytes_that_are_no_text_do_not_hide_the_lines_after_them() {
    let dir = Dir::new();
    let key = dir.key("k", "ed25519");
    let content = [&b"web1 \xff\xfe\n"[..], line("web1", &key).as_bytes()].concat();
    fs::write(dir.path("known_hosts"), content).unwrap();
    let known = KnownHosts::read([dir.path("known_hosts").as_path()]).unwrap();
    assert!(is_known(&known.check("web1", 22, &plain(&key))));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_not_empty() {
    let dir = Dir::new();
    let (path, _) = KnownHosts::read([dir.path("").as_path()]).unwrap_err();
    assert_eq!(path, dir.path(""));
}

#[test]
fn the_known_algorithms_are_those_of_the_hosts_own_keys() {
    let dir = Dir::new();
    let (ed, ecdsa, ca) = (dir.key("a", "ed25519"), dir.key("b", "ecdsa"), dir.key("ca", "rsa"));
    let text = format!(
        "{}{}@cert-authority web* {}",
        line("web1", &ed),
        line("web2", &ecdsa),
        ca.to_openssh().unwrap()
    );
    let known = dir.known(&text);
    assert_eq!(known.known_algorithms("web1", 22), [Algorithm::Ed25519]);
    assert!(known.has_authority("web1", 22) && !known.has_authority("db1", 22));
    assert!(known.known_algorithms("db1", 22).is_empty());
}
