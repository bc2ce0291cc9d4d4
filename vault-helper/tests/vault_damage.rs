//! Every way a record, a recipient or a store can be wrong, each with an error of its own.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_support;

use std::fs;
use std::os::unix::fs::symlink;

use sallyport_vault_helper::vault::{
    Ask, MAX_SECRET_BYTES, RecipientProblem, RecordType, Secret, Vault, VaultError,
};
use vault_support::{OWNER, World, secret, slug};

const WEB: &str = "ssh://deploy@web1.example:2222";
const WEB_FOLDER: &str = "sallyport/ssh/web1.example:2222/deploy";

/// A world whose window is open.
async fn world() -> (World, Vault) {
    let world = World::open();
    let vault = world.vault_with_window(std::time::Duration::ZERO);
    (world, vault)
}

async fn read(vault: &Vault, kind: RecordType) -> Result<Secret, VaultError> {
    vault.decrypt(&slug(WEB), kind, Ask::Never).await
}

#[tokio::test]
async fn an_empty_record_says_so() {
    let (world, vault) = world().await;
    world.plant(&format!("{WEB_FOLDER}/password.gpg"), &world.encrypt(OWNER, b"\nonly a second line\n"));
    let empty = read(&vault, RecordType::Password).await.unwrap_err();
    assert!(matches!(empty, VaultError::Empty { .. }), "{empty:?}");
}

#[tokio::test]
async fn a_file_that_is_not_gpg_says_so() {
    let (world, vault) = world().await;
    for content in [&b"plain text, not encrypted"[..], b"", &[0u8; 64]] {
        world.plant(&format!("{WEB_FOLDER}/password.gpg"), content);
        let error = read(&vault, RecordType::Password).await.unwrap_err();
        assert!(matches!(error, VaultError::NotGpg { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_record_cut_short_or_altered_says_so_and_gives_nothing() {
    let (world, vault) = world().await;
    let whole = world.encrypt(OWNER, include_bytes!("vault_damage.rs"));
    let mut altered = whole.clone();
    *altered.last_mut().unwrap() ^= 1;
    let cuts = [whole.len() - 1, whole.len() / 2, 120, 40].map(|length| whole[..length].to_vec());
    for content in cuts.into_iter().chain([altered]) {
        world.plant(&format!("{WEB_FOLDER}/key.gpg"), &content);
        let error = read(&vault, RecordType::Key).await.unwrap_err();
        assert!(matches!(error, VaultError::Damaged { .. }), "{}: {error:?}", content.len());
    }
}

#[tokio::test]
async fn a_record_for_an_absent_key_says_so() {
    let (world, vault) = world().await;
    let elsewhere = World::open();
    world.plant(&format!("{WEB_FOLDER}/password.gpg"), &elsewhere.encrypt(OWNER, b"hunter2-long"));
    let error = read(&vault, RecordType::Password).await.unwrap_err();
    assert!(matches!(error, VaultError::NoSecretKey { .. }), "{error:?}");
}

#[tokio::test]
async fn a_record_beyond_the_limit_is_refused_also_when_it_compresses_well() {
    let (world, vault) = world().await;
    world.plant(&format!("{WEB_FOLDER}/key.gpg"), &world.encrypt(OWNER, &vec![b'a'; 8 * 1024 * 1024]));
    let error = read(&vault, RecordType::Key).await.unwrap_err();
    assert!(matches!(error, VaultError::TooLarge { .. }), "{error:?}");
    let largest = Secret::copy_of(&[b'a'; MAX_SECRET_BYTES]);
    vault.add(&slug(WEB), RecordType::Certificate, largest).await.unwrap();
    assert_eq!(read(&vault, RecordType::Certificate).await.unwrap().len(), MAX_SECRET_BYTES);
    let over = Secret::copy_of(&[b'a'; MAX_SECRET_BYTES + 1]);
    assert!(matches!(vault.add(&slug(WEB), RecordType::Key, over).await, Err(VaultError::TooLarge { .. })));
}

#[tokio::test]
async fn links_are_followed_inside_the_store_and_never_out_of_it() {
    let (world, vault) = world().await;
    let outside = world.path().join("outside.gpg");
    fs::write(&outside, world.encrypt(OWNER, b"hunter2-long")).unwrap();
    let inside = world.plant("elsewhere/password.gpg", &world.encrypt(OWNER, b"hunter3-long"));
    let record = world.plant(&format!("{WEB_FOLDER}/password.gpg"), b"");
    fs::remove_file(&record).unwrap();
    symlink(&outside, &record).unwrap();
    let refused = read(&vault, RecordType::Password).await.unwrap_err();
    assert!(matches!(refused, VaultError::OutsideStore { .. }), "{refused:?}");
    fs::remove_file(&record).unwrap();
    symlink(&inside, &record).unwrap();
    assert_eq!(read(&vault, RecordType::Password).await.unwrap().expose(), b"hunter3-long");
}

#[tokio::test]
async fn a_folder_that_links_out_of_the_store_is_not_written_to() {
    let (world, vault) = world().await;
    fs::create_dir(world.path().join("outside")).unwrap();
    symlink(world.path().join("outside"), world.store_dir().join("sallyport")).unwrap();
    let refused = vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap_err();
    assert!(matches!(refused, VaultError::OutsideStore { .. }), "{refused:?}");
    assert_eq!(fs::read_dir(world.path().join("outside")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_empty_gpg_id_does_not_fall_back_to_the_one_above() {
    let (world, vault) = world().await;
    fs::create_dir_all(world.store_dir().join("sallyport")).unwrap();
    fs::write(world.store_dir().join("sallyport/.gpg-id"), "# nobody\n").unwrap();
    let error = vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap_err();
    assert!(matches!(error, VaultError::NoRecipients { .. }), "{error:?}");
}

#[tokio::test]
async fn recipients_that_cannot_be_encrypted_to_say_why() {
    let (world, vault) = world().await;
    world.make_key("expired@test.example", "");
    world.gpg(&[
        "--faked-system-time",
        "20200101T000000",
        "--passphrase",
        "",
        "--quick-gen-key",
        "old@test.example",
        "future-default",
        "default",
        "1d",
    ]);
    world.gpg(&["--passphrase", "", "--quick-gen-key", "sign@test.example", "ed25519", "sign", "never"]);
    let stranger = World::open();
    stranger.make_key("stranger@test.example", "");
    let exported = stranger.gpg(&["--export", "stranger@test.example"]);
    let file = world.path().join("stranger.pub");
    fs::write(&file, exported).unwrap();
    world.gpg(&["--import", file.to_str().unwrap()]);
    let cases = [
        ("nobody@test.example", RecipientProblem::Absent),
        ("old@test.example", RecipientProblem::Expired),
        ("sign@test.example", RecipientProblem::CannotEncrypt),
        ("stranger@test.example", RecipientProblem::Untrusted),
    ];
    for (name, expected) in cases {
        fs::write(world.store_dir().join(".gpg-id"), format!("{OWNER}\n{name}\n")).unwrap();
        match vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await {
            Err(VaultError::Recipient { recipient, problem }) => {
                assert_eq!((recipient.as_str(), problem), (name, expected));
            }
            other => panic!("{name}: {other:?}"),
        }
        assert!(!world.store_dir().join("sallyport").exists(), "{name} left something behind");
    }
}

#[tokio::test]
async fn a_missing_store_is_named() {
    let (world, vault) = world().await;
    fs::remove_dir_all(world.store_dir()).unwrap();
    for error in [
        read(&vault, RecordType::Password).await.unwrap_err(),
        vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap_err(),
        vault.remove(&slug(WEB), RecordType::Password).await.unwrap_err(),
        vault.store().list(&Default::default()).unwrap_err(),
    ] {
        assert!(matches!(&error, VaultError::NoStore { path } if *path == world.store_dir()), "{error:?}");
        assert_eq!(error.code(), "credential_backend_unavailable");
    }
}

#[tokio::test]
async fn no_error_text_repeats_a_secret() {
    let (world, vault) = world().await;
    fs::write(world.store_dir().join(".gpg-id"), "nobody@test.example\n").unwrap();
    let error = vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap_err();
    let everything = format!("{error} {error:?} {} {:?}", error.hint(), secret("hunter2-long"));
    assert!(!everything.contains("hunter2"), "{everything}");
}
