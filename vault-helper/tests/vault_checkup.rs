//! The vault's lines of `doctor`.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_support;

use std::fs;

use sallyport_vault_helper::vault::{Check, Level, RecordType, Vault};
use vault_support::{OWNER, World, secret, slug};

const WEB: &str = "ssh://deploy@web1";

async fn world() -> (World, Vault) {
    let world = World::locked();
    let vault = world.vault();
    vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    (world, vault)
}

fn problems(checks: &[Check]) -> Vec<String> {
    let bad = checks.iter().filter(|check| check.level != Level::Ok);
    bad.map(|check| format!("{:?} {}: {}", check.level, check.name, check.text)).collect()
}

#[tokio::test]
async fn a_vault_in_order_has_no_line_to_attend_to_and_asks_nobody() {
    let (world, vault) = world().await;
    let checks = vault.checkup(false).await;
    assert_eq!(problems(&checks), [""; 0]);
    let names: Vec<_> = checks.iter().map(|check| check.name).collect();
    assert_eq!(names, ["gpg", "store", "recipients", "records"]);
    let locked = vault.checkup(true).await;
    assert_eq!(problems(&locked), ["Warning decryption: 0 records can be read, 1 need the passphrase first"]);
    assert_eq!(world.pinentry_was_told(), "");
}

#[tokio::test]
async fn every_kind_of_bad_record_has_a_line_and_a_fix() {
    let (world, vault) = world().await;
    let elsewhere = World::open();
    let whole = world.encrypt(OWNER, b"hunter2-long");
    for (host, content) in [
        ("cut", whole[..whole.len() - 4].to_vec()),
        ("foreign", elsewhere.encrypt(OWNER, b"hunter2-long")),
        ("text", b"not gpg".to_vec()),
    ] {
        world.plant(&format!("sallyport/ssh/{host}/deploy/password.gpg"), &content);
    }
    world.plant("sallyport/sudo/web1/deploy/key.gpg", &whole);
    world.plant("sallyport/ssh/we\nb/deploy/key.gpg", &whole);
    vault.unlock(&slug(WEB), RecordType::Password, vault_support::person()).await.unwrap();
    let checks = vault.checkup(true).await;
    assert!(checks.iter().all(|check| (check.level == Level::Ok) == check.fix.is_none()));
    let shown: Vec<String> = problems(&checks).into_iter().filter(|line| !line.contains("damaged")).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    Warning records: 4 found; not the name of a record (2): sallyport/ssh/we\nb/deploy, sallyport/sudo/web1/deploy/key.gpg
    Problem record: the password record of ssh://deploy@foreign is encrypted to a key that is not in this GPG home
    Problem record: the password record of ssh://deploy@text is not a GPG file
    ");
    assert!(problems(&checks).iter().any(|line| line.contains("ssh://deploy@cut is damaged")));
    assert!(checks.last().unwrap().text.starts_with("1 records"), "{:?}", checks.last());
}

#[tokio::test]
async fn a_gpg_home_without_the_secret_key_points_at_the_environment() {
    let (world, vault) = world().await;
    world.forget_passphrases();
    fs::remove_dir_all(world.gnupg().join("private-keys-v1.d")).unwrap();
    let checks = vault.checkup(false).await;
    assert_eq!(
        problems(&checks),
        [format!("Problem recipients: none of {OWNER} has its secret key in this GPG home")]
    );
    assert!(checks.iter().any(|check| check.fix.as_deref().is_some_and(|fix| fix.contains("GNUPGHOME"))));
}

#[tokio::test]
async fn a_store_without_recipients_and_no_store_at_all_say_so() {
    let (world, vault) = world().await;
    fs::remove_file(world.store_dir().join(".gpg-id")).unwrap();
    assert!(problems(&vault.checkup(false).await)[0].contains(".gpg-id is missing"));
    fs::remove_dir_all(world.store_dir()).unwrap();
    assert!(
        problems(&vault.checkup(true).await)[0].starts_with("Problem store: there is no password store at")
    );
}
