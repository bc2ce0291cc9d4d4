//! Host certificates made by `ssh-keygen`, each good or wrong in one way.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod hostkeys_support;

use std::fs;

use hostkeys_support::{Dir, is_known, line, plain};
use russh::keys::{Certificate, PublicKeyOrCertificate};
use sallyport_vault_helper::hostkeys::{CertificateFault, HostKeyVerdict, KnownHosts};

const HOST: [&str; 3] = ["-h", "-n", "web1.example"];

fn world() -> (Dir, KnownHosts) {
    let dir = Dir::new();
    let ca = dir.key("ca", "ed25519");
    dir.key("host", "ed25519");
    let known = dir.known(&format!("@cert-authority *.example {}", ca.to_openssh().unwrap()));
    (dir, known)
}

fn fault(verdict: HostKeyVerdict) -> CertificateFault {
    match verdict {
        HostKeyVerdict::BadCertificate { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_of_a_known_authority_is_known_on_every_port() {
    let (dir, known) = world();
    let shown = dir.certify("host", &HOST);
    assert!(is_known(&known.check("web1.example", 22, &shown)));
    assert!(is_known(&known.check("WEB1.example", 22, &shown)));
}

#[test]
fn an_authority_is_only_one_where_its_line_says_so() {
    let (dir, known) = world();
    let shown = dir.certify("host", &HOST);
    assert_eq!(known.check("web1.other", 22, &shown), HostKeyVerdict::Unknown);
    // The authority's key is no host's key.
    assert_eq!(known.check("web1.example", 22, &plain(&dir.read("ca"))), HostKeyVerdict::Unknown);
}

#[test]
fn a_certificate_for_another_host_or_for_any_host_or_for_users_does_not_count() {
    let (dir, known) = world();
    let other = dir.certify("host", &["-h", "-n", "web2.example"]);
    assert_eq!(fault(known.check("web1.example", 22, &other)), CertificateFault::OtherHost);
    let any = dir.certify("host", &["-h"]);
    assert_eq!(fault(known.check("web1.example", 22, &any)), CertificateFault::OtherHost);
    let user = dir.certify("host", &["-n", "web1.example"]);
    assert_eq!(fault(known.check("web1.example", 22, &user)), CertificateFault::NotForHosts);
}

#[test]
fn a_certificate_counts_only_in_its_time() {
    let (dir, known) = world();
    let shown = dir.certify("host", &[&HOST[..], &["-V", "20300101:20300201"]].concat());
    let PublicKeyOrCertificate::Certificate(certificate) = &shown else { panic!() };
    let (from, to) = (certificate.valid_after(), certificate.valid_before());
    let at = |now| known.check_at("web1.example", 22, &shown, now);
    assert_eq!(fault(at(from - 1)), CertificateFault::NotYet);
    assert!(is_known(&at(from)) && is_known(&at(to - 1)));
    assert_eq!(fault(at(to)), CertificateFault::Expired);
}

#[test]
fn an_altered_certificate_does_not_count() {
    let (dir, known) = world();
    let PublicKeyOrCertificate::Certificate(good) = dir.certify("host", &HOST) else { panic!() };
    let mut bytes = good.to_bytes().unwrap();
    let at = bytes.windows(12).position(|window| window == b"web1.example").unwrap();
    bytes[at + 3] = b'9';
    let forged: PublicKeyOrCertificate = Certificate::from_bytes(&bytes).unwrap().into();
    assert_eq!(fault(known.check("web9.example", 22, &forged)), CertificateFault::Signature);
}

#[test]
fn a_revoked_authority_or_key_makes_the_certificate_revoked() {
    for revoked in ["ca", "host"] {
        let (dir, _) = world();
        let shown = dir.certify("host", &HOST);
        let text = fs::read_to_string(dir.path("known_hosts")).unwrap();
        let known = dir.known(&format!("{}\n@revoked * {}", text, dir.read(revoked).to_openssh().unwrap()));
        let verdict = known.check("web1.example", 22, &shown);
        assert!(matches!(verdict, HostKeyVerdict::Revoked { .. }), "{revoked}: {verdict:?}");
    }
}

#[test]
fn a_key_that_is_known_by_itself_is_known_whatever_its_certificate_says() {
    let (dir, _) = world();
    let shown = dir.certify("host", &["-h", "-n", "web2.example"]);
    let known = dir.known(&line("web1.example", &dir.read("host")));
    assert!(is_known(&known.check("web1.example", 22, &shown)));
}

#[test]
fn a_certificate_does_not_hide_that_the_key_changed() {
    let (dir, _) = world();
    let shown = dir.certify("host", &HOST);
    let old = dir.key("old", "ed25519");
    let known = dir.known(&line("web1.example", &old));
    assert!(matches!(known.check("web1.example", 22, &shown), HostKeyVerdict::Changed { .. }));
}
