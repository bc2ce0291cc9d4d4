//! Importing Bifrost's records.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_support;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use sallyport_vault_helper::vault::{Ask, Importable, RecordType, Step, Vault, VaultError};
use vault_support::{OWNER, World, secret, slug};

fn plant(world: &World, name: &str, kind: &str, content: &str) {
    let folder = URL_SAFE_NO_PAD.encode(name);
    world.plant(&format!("bifrost_mcp/{folder}/{kind}.gpg"), &world.encrypt(OWNER, content.as_bytes()));
}

fn open_vault(world: &World) -> Vault {
    world.vault_with_window(std::time::Duration::ZERO)
}

fn importable(vault: &Vault) -> Vec<Importable> {
    let plan = vault.store().plan_bifrost_import().unwrap();
    let steps = plan.into_iter().filter_map(|planned| match planned.step {
        Step::Import(record) => Some(record),
        _ => None,
    });
    steps.collect()
}

#[tokio::test]
async fn passwords_and_keys_come_over_and_stay_where_they_were() {
    let world = World::open();
    let vault = open_vault(&world);
    plant(&world, "ssh://deploy@web1:2222", "password", r#"{"type":"password","secret":"hunter2-long"}"#);
    plant(&world, "ssh://deploy@web1:2222", "key", r#"{"type":"key","secret":"-----BEGIN\nx\n"}"#);
    plant(&world, "sudo://deploy@web1:2222", "password", r#"{"secret":"p\u00e4ss-word","type":"password"}"#);
    for record in importable(&vault) {
        vault.import_bifrost(&record, Ask::Never).await.unwrap();
    }
    for (name, kind, expected) in [
        ("ssh://deploy@web1:2222", RecordType::Password, "hunter2-long"),
        ("ssh://deploy@web1:2222", RecordType::Key, "-----BEGIN\nx\n"),
        ("sudo://deploy@web1:2222", RecordType::Password, "p\u{e4}ss-word"),
    ] {
        let read = vault.decrypt(&slug(name), kind, Ask::Never).await.unwrap();
        assert_eq!(read.expose(), expected.as_bytes(), "{name}");
    }
    assert!(importable(&vault).is_empty(), "a second import has nothing to do");
    assert_eq!(vault.store().plan_bifrost_import().unwrap().len(), 3);
}

#[tokio::test]
async fn the_plan_says_what_becomes_of_each_record_and_decrypts_nothing() {
    let world = World::locked();
    let vault = open_vault(&world);
    vault.add(&slug("ssh://deploy@web1"), RecordType::Password, secret("ours is kept")).await.unwrap();
    for (name, kind) in [
        ("ssh://deploy@web1", "password"),
        ("ssh://deploy@WEB2", "key"),
        ("sudo://deploy@web2", "key"),
        ("winrm://admin@win1", "password"),
        ("ssh://de/ploy@web3", "password"),
        ("env://build", "dotenv"),
    ] {
        world.plant(&format!("bifrost_mcp/{}/{kind}.gpg", URL_SAFE.encode(name)), b"never looked at");
    }
    world.plant("bifrost_mcp/not base64!/password.gpg", b"");
    world.plant("bifrost_mcp/c3NoOi8vYRtiQHc/password.gpg", b"");
    let plan = vault.store().plan_bifrost_import().unwrap();
    let shown: Vec<String> = plan
        .iter()
        .map(|planned| match &planned.step {
            Step::Import(record) => format!("{} -> {} {}", planned.name, record.slug, record.kind),
            Step::Exists(slug, kind) => format!("{} is there already: {slug} {kind}", planned.name),
            Step::Skip(why) => format!("{}: {why}", planned.name),
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    env://build: records of this type are not known
    not?base64!: its folder is not the name of a slug
    ssh://a?b@w: its folder is not the name of a slug
    ssh://de/ploy@web3: its folder is not the name of a slug
    ssh://deploy@WEB2 -> ssh://deploy@web2 key
    ssh://deploy@web1 is there already: ssh://deploy@web1 password
    sudo://deploy@web2: records of this type are not known
    winrm://admin@win1: WinRM is not spoken here
    ");
    assert_eq!(world.pinentry_was_told(), "");
}

#[tokio::test]
async fn what_is_no_record_of_bifrost_is_refused_and_nothing_is_written() {
    let world = World::open();
    let vault = open_vault(&world);
    for content in [
        "hunter2",
        "{}",
        r#"{"type":"password"}"#,
        r#"{"type":"key","secret":"under another name"}"#,
        r#"{"type":"password","secret":" "}"#,
        r#"{"type":"password","secret":7}"#,
    ] {
        plant(&world, "ssh://deploy@web1", "password", content);
        let [record] = importable(&vault).try_into().unwrap();
        let error = vault.import_bifrost(&record, Ask::Never).await.unwrap_err();
        assert!(matches!(error, VaultError::Unusable { .. }), "{content}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert!(!world.store_dir().join("sallyport").exists());
    }
}

#[tokio::test]
async fn a_locked_vault_imports_nothing_for_a_program() {
    let world = World::locked();
    let vault = world.vault();
    plant(&world, "ssh://deploy@web1", "password", r#"{"type":"password","secret":"hunter2-long"}"#);
    let [record] = importable(&vault).try_into().unwrap();
    let locked = vault.import_bifrost(&record, Ask::Never).await.unwrap_err();
    assert_eq!(locked.code(), "vault_locked");
    vault.import_bifrost(&record, Ask::Person(vault_support::person())).await.unwrap();
}

#[test]
fn a_store_without_bifrost_has_an_empty_plan() {
    let world = World::open();
    assert_eq!(world.store().plan_bifrost_import().unwrap(), []);
}
