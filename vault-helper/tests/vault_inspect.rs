//! Checking secrets before they are stored, and loading what a login needs.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_keys_support;
mod vault_support;

use sallyport_vault_helper::vault::{
    Ask, Fallback, Inspection, KeyError, RecordType, Secret, Unusable, Vault, VaultError,
};
use vault_keys_support::Dir;
use vault_support::{World, secret, slug};

const WEB: &str = "ssh://deploy@web1";

fn open_vault(world: &World) -> Vault {
    world.vault_with_window(std::time::Duration::ZERO)
}

async fn inspect(vault: &Vault, kind: RecordType, secret: &Secret) -> Result<Inspection, VaultError> {
    vault.inspect(&slug(WEB), kind, secret, Ask::Never).await
}

async fn add(vault: &Vault, kind: RecordType, secret: Secret) {
    vault.add(&slug(WEB), kind, secret).await.unwrap();
}

fn key_error(outcome: Result<impl std::fmt::Debug, VaultError>) -> KeyError {
    match outcome.unwrap_err() {
        VaultError::Unusable { reason: Unusable::Key(error), .. } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_is_named_by_its_fingerprint_also_while_it_is_encrypted() {
    let (world, dir) = (World::open(), Dir::new());
    let vault = open_vault(&world);
    let plain = inspect(&vault, RecordType::Key, &dir.keygen("a", &["-t", "ed25519"], "")).await.unwrap();
    assert_eq!(plain.about, Some(format!("ssh-ed25519 {}", dir.fingerprint("a"))));
    assert!(plain.warnings.is_empty());
    let locked = inspect(&vault, RecordType::Key, &dir.keygen("b", &["-t", "ed25519"], "correct horse"))
        .await
        .unwrap();
    assert_eq!(locked.about, Some(format!("ssh-ed25519 {}", dir.fingerprint("b"))));
    assert_eq!(locked.warnings, ["the key is encrypted: add its passphrase with --passphrase"]);
}

#[tokio::test]
async fn a_passphrase_must_open_the_stored_key() {
    let (world, dir) = (World::open(), Dir::new());
    let vault = open_vault(&world);
    let early = inspect(&vault, RecordType::Passphrase, &secret("correct horse")).await.unwrap();
    assert_eq!(early.warnings, ["there is no key record yet that it could be checked with"]);
    add(&vault, RecordType::Key, dir.keygen("k", &["-t", "ed25519"], "correct horse")).await;
    let right = inspect(&vault, RecordType::Passphrase, &secret("correct horse")).await.unwrap();
    assert_eq!(right.about, Some(format!("ssh-ed25519 {}", dir.fingerprint("k"))));
    let wrong = inspect(&vault, RecordType::Passphrase, &secret("wrong horse")).await;
    assert_eq!(key_error(wrong), KeyError::WrongPassphrase);
}

#[tokio::test]
async fn a_certificate_must_fit_the_stored_key_and_tells_what_is_odd() {
    let (world, dir) = (World::open(), Dir::new());
    let vault = open_vault(&world);
    dir.keygen("ca", &["-t", "ed25519"], "");
    let key = dir.keygen("k", &["-t", "ed25519"], "");
    let certify = |arguments: &[&str]| {
        dir.run("ssh-keygen", &[&["-q", "-s", "ca", "-I", "key\u{1b}[2Jid"], arguments, &["k.pub"]].concat());
        dir.secret("k-cert.pub")
    };
    let good = certify(&["-n", "deploy"]);
    let alone = inspect(&vault, RecordType::Certificate, &good).await.unwrap();
    assert_eq!(alone.warnings, ["there is no key record yet that it could be checked with"]);
    add(&vault, RecordType::Key, key).await;
    let fits = inspect(&vault, RecordType::Certificate, &good).await.unwrap();
    assert_eq!(fits.warnings, [""; 0]);
    let signer = dir.fingerprint("ca");
    assert_eq!(fits.about, Some(format!("certificate `key?[2Jid` for deploy, signed by {signer}")));
    let odd = certify(&["-h", "-n", "web1", "-V", "20200101:20200201"]);
    insta::assert_snapshot!(inspect(&vault, RecordType::Certificate, &odd).await.unwrap().warnings.join("\n"), @"
    it is a host's certificate, not a user's
    it has expired
    it does not name the slug's user, so that the server needs a mapping for it
    ");
    dir.keygen("other", &["-t", "ed25519"], "");
    dir.run("ssh-keygen", &["-q", "-s", "ca", "-I", "id", "other.pub"]);
    let other = inspect(&vault, RecordType::Certificate, &dir.secret("other-cert.pub")).await;
    assert_eq!(key_error(other), KeyError::OtherCertificate);
}

#[tokio::test]
async fn a_dotenv_text_is_named_by_its_variables() {
    let world = World::open();
    let vault = open_vault(&world);
    let env = slug("env://build");
    let look = async |text: &str| vault.inspect(&env, RecordType::Dotenv, &secret(text), Ask::Never).await;
    assert_eq!(look("A=hunter2\nB='x'\n").await.unwrap().about.as_deref(), Some("A, B"));
    assert_eq!(look("# nothing").await.unwrap().warnings, ["it sets no variables"]);
    let error = look("hunter2").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the dotenv record of env://build cannot be used: line 1 does not read NAME=value"
    );
    assert_eq!(error.hint(), "correct it with `pass edit sallyport/env/build/dotenv`");
}

#[tokio::test]
async fn a_login_is_put_together_from_key_passphrase_and_certificate() {
    let (world, dir) = (World::open(), Dir::new());
    let vault = open_vault(&world);
    let load = async || vault.load_key(&slug(WEB), Ask::Never).await;
    assert!(matches!(load().await.unwrap_err(), VaultError::Missing { kind: RecordType::Key, .. }));
    add(&vault, RecordType::Key, dir.keygen("k", &["-t", "ed25519"], "correct horse")).await;
    assert!(matches!(load().await.unwrap_err(), VaultError::Missing { kind: RecordType::Passphrase, .. }));
    add(&vault, RecordType::Passphrase, secret("correct horse")).await;
    let login = load().await.unwrap();
    assert_eq!(login.key.fingerprint(), dir.fingerprint("k"));
    assert!(login.certificate.is_none() && login.passphrase.is_some());
    dir.keygen("ca", &["-t", "ed25519"], "");
    dir.run("ssh-keygen", &["-q", "-s", "ca", "-I", "id", "-n", "deploy", "k.pub"]);
    add(&vault, RecordType::Certificate, dir.secret("k-cert.pub")).await;
    assert_eq!(load().await.unwrap().certificate.unwrap().key_id(), "id");
}

#[tokio::test]
async fn a_key_record_that_is_no_key_says_so() {
    let world = World::open();
    let vault = open_vault(&world);
    add(&vault, RecordType::Key, secret("hunter2 is no key")).await;
    let error = vault.load_key(&slug(WEB), Ask::Never).await.unwrap_err();
    insta::assert_snapshot!(format!("{}: {error}\nhint: {}", error.code(), error.hint()), @"
    credential_backend_unavailable: the key record of ssh://deploy@web1 cannot be used: this is no private key in OpenSSH, PKCS#8 or PEM format
    hint: make one with `ssh-keygen -t ed25519`
    ");
}

#[tokio::test]
async fn the_fallback_account_serves_its_own_hosts_and_user_without_a_record_alone() {
    let world = World::open();
    let vault = open_vault(&world);
    let account = Fallback::new("admin", "db*").unwrap();
    let choose = |own: &str| vault.login_slug(&slug(own), Some(&account)).map(|slug| slug.to_string()).ok();
    assert_eq!(choose("ssh://admin@db1"), None, "there is no record for it yet");
    vault.add(account.slug(), RecordType::Password, secret("hunter2-long")).await.unwrap();
    assert_eq!(choose("ssh://admin@db1").as_deref(), Some("default://admin"));
    assert_eq!(choose("ssh://admin@web1"), None, "another host");
    assert_eq!(choose("ssh://root@db1"), None, "another user");
    vault.add(&slug("ssh://admin@db1"), RecordType::Password, secret("its own one")).await.unwrap();
    assert_eq!(choose("ssh://admin@db1").as_deref(), Some("ssh://admin@db1"));
}
