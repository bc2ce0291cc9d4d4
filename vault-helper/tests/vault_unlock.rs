//! Locked agents, unlocking by a person, and the window, against a real gpg and gpg-agent.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_support;

use std::time::Duration;

use sallyport_vault_helper::vault::{Ask, RecordType, VaultError};
use vault_support::{World, person, secret, slug};

const WEB: &str = "ssh://deploy@web1.example";

async fn world_with_password() -> (World, sallyport_vault_helper::vault::Vault) {
    let world = World::locked();
    let vault = world.vault();
    vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    (world, vault)
}

#[tokio::test]
async fn unlock_asks_once_where_the_person_is_and_then_programs_get_the_record() {
    let (world, vault) = world_with_password().await;
    let state = vault.unlock(&slug(WEB), RecordType::Password, person()).await.unwrap();
    assert!(!state.locked && state.expires_in > Some(Duration::from_secs(1700)));
    let told = world.pinentry_was_told();
    assert!(told.contains("OPTION ttyname=/dev/pts/77"), "{told}");
    assert!(told.contains("OPTION ttytype=vt220"), "{told}");
    assert_eq!(told.matches("GETPIN").count(), 1, "{told}");
    let password = vault.decrypt(&slug(WEB), RecordType::Password, Ask::Never).await.unwrap();
    assert_eq!(password.expose(), b"hunter2-long");
    assert_eq!(world.pinentry_was_told().matches("GETPIN").count(), 1);
}

#[tokio::test]
async fn a_closed_window_refuses_whatever_the_agent_still_remembers() {
    let (_world, vault) = world_with_password().await;
    vault.unlock(&slug(WEB), RecordType::Password, person()).await.unwrap();
    vault.lock();
    let refused = vault.decrypt(&slug(WEB), RecordType::Password, Ask::Never).await.unwrap_err();
    assert!(matches!(refused, VaultError::WindowClosed), "{refused:?}");
    assert_eq!(refused.code(), "vault_locked");
}

#[tokio::test]
async fn a_locked_agent_is_reported_and_no_pinentry_starts() {
    let (world, _) = world_with_password().await;
    let vault = world.vault_with_window(Duration::ZERO);
    let locked = vault.decrypt(&slug(WEB), RecordType::Password, Ask::Never).await.unwrap_err();
    assert!(matches!(locked, VaultError::AgentLocked { .. }), "{locked:?}");
    assert_eq!(locked.hint(), format!("a person runs `sallyport unlock {WEB}`"));
    assert_eq!(world.pinentry_was_told(), "");
}

#[tokio::test]
async fn a_cancelled_dialog_leaves_the_vault_locked() {
    let (world, vault) = world_with_password().await;
    world.set_pinentry("CANCEL");
    let cancelled = vault.unlock(&slug(WEB), RecordType::Password, person()).await.unwrap_err();
    assert!(matches!(cancelled, VaultError::Cancelled { .. }), "{cancelled:?}");
    assert!(vault.window().locked);
}

#[tokio::test]
async fn a_wrong_passphrase_leaves_the_vault_locked() {
    let (world, vault) = world_with_password().await;
    world.set_pinentry("wrong");
    let wrong = vault.unlock(&slug(WEB), RecordType::Password, person()).await.unwrap_err();
    assert!(matches!(wrong, VaultError::BadPassphrase { .. }), "{wrong:?}");
    assert!(vault.window().locked);
}

#[tokio::test]
async fn a_person_may_read_without_opening_the_window() {
    let (_world, vault) = world_with_password().await;
    let read = vault.decrypt(&slug(WEB), RecordType::Password, Ask::Person(person())).await.unwrap();
    assert_eq!(read.expose(), b"hunter2-long");
    assert!(vault.window().locked);
}

#[tokio::test]
async fn a_key_without_a_passphrase_unlocks_without_a_question() {
    let world = World::open();
    let vault = world.vault();
    vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    vault.unlock(&slug(WEB), RecordType::Password, person()).await.unwrap();
    assert_eq!(world.pinentry_was_told(), "");
    vault.decrypt(&slug(WEB), RecordType::Password, Ask::Never).await.unwrap();
}

#[tokio::test]
async fn giving_up_takes_the_dialog_away_and_the_next_question_can_be_asked() {
    let (world, vault) = world_with_password().await;
    world.set_pinentry("HANG");
    let slug = slug(WEB);
    {
        let mut unlocking = std::pin::pin!(vault.unlock(&slug, RecordType::Password, person()));
        while !world.pinentry_was_told().contains("GETPIN") {
            let step = Duration::from_millis(10);
            assert!(tokio::time::timeout(step, &mut unlocking).await.is_err(), "nobody answered");
        }
        let second = vault.unlock(&slug, RecordType::Password, person()).await.unwrap_err();
        assert!(matches!(second, VaultError::AskInProgress), "{second:?}");
    }
    world.set_pinentry("OK");
    vault.unlock(&slug, RecordType::Password, person()).await.unwrap();
}

#[tokio::test]
async fn whoever_waits_for_the_window_to_close_is_woken_by_locking() {
    let (_world, vault) = world_with_password().await;
    vault.closed().await;
    vault.unlock(&slug(WEB), RecordType::Password, person()).await.unwrap();
    let (closed, ()) =
        tokio::join!(async { tokio::time::timeout(Duration::from_secs(60), vault.closed()).await }, async {
            vault.lock();
        });
    assert!(closed.is_ok());
}
