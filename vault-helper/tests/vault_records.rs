//! Records on disk: what `pass` and gopass read of ours, what we read of theirs, and every way to be wrong.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sallyport_vault_helper::vault::{Ask, GpgHome, RecordType, Secret, Vault, VaultError};
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

fn shown_by(program: &str, world: &World, name: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.env("PASSWORD_STORE_DIR", world.store_dir()).env("GNUPGHOME", world.gnupg());
    command.env("HOME", world.path()).args(["show", name]);
    let output = command.output().ok()?;
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn pass_shows_what_we_wrote() {
    let (world, vault) = world().await;
    let written = vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    assert_eq!(written.path, world.store_dir().join(WEB_FOLDER).join("password.gpg"));
    assert_eq!(shown_by("pass", &world, &format!("{WEB_FOLDER}/password")).as_deref(), Some("hunter2-long"));
    let mode = fs::metadata(&written.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn gopass_shows_what_we_wrote_where_it_is_installed() {
    let (world, vault) = world().await;
    vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    match shown_by("gopass", &world, &format!("{WEB_FOLDER}/password")) {
        Some(shown) => assert_eq!(shown.trim_end(), "hunter2-long"),
        None => eprintln!("skipped: no gopass here"),
    }
}

#[tokio::test]
async fn a_password_written_by_pass_is_its_first_line_and_notes_stay_behind() {
    let (world, vault) = world().await;
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "printf 'hunter2-long\\r\\nuser: deploy\\n' | pass insert -m '{WEB_FOLDER}/password' >/dev/null"
        ))
        .env("PASSWORD_STORE_DIR", world.store_dir())
        .env("GNUPGHOME", world.gnupg())
        .status();
    assert!(status.unwrap().success());
    assert_eq!(read(&vault, RecordType::Password).await.unwrap().expose(), b"hunter2-long");
}

#[tokio::test]
async fn a_key_record_is_the_whole_text() {
    let (_world, vault) = world().await;
    let text = "-----BEGIN\nlines\n\nand lines\n";
    vault.add(&slug(WEB), RecordType::Key, secret(text)).await.unwrap();
    assert_eq!(read(&vault, RecordType::Key).await.unwrap().expose(), text.as_bytes());
}

#[tokio::test]
async fn a_record_is_never_overwritten() {
    let (_world, vault) = world().await;
    vault.add(&slug(WEB), RecordType::Password, secret("the first one")).await.unwrap();
    let refused = vault.add(&slug(WEB), RecordType::Password, secret("the second one")).await.unwrap_err();
    assert_eq!(refused.code(), "credential_record_exists");
    assert_eq!(read(&vault, RecordType::Password).await.unwrap().expose(), b"the first one");
}

#[tokio::test]
async fn of_many_writers_at_once_exactly_one_wins_and_no_temporary_file_stays() {
    let (world, vault) = world().await;
    let slug = slug(WEB);
    let add = |text: &'static str| vault.add(&slug, RecordType::Password, secret(text));
    let (a, b, c) = tokio::join!(add("aaaaaaaa"), add("bbbbbbbb"), add("cccccccc"));
    let outcomes = [a, b, c];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let names: Vec<_> = fs::read_dir(world.store_dir().join(WEB_FOLDER)).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[tokio::test]
async fn removing_a_record_takes_its_empty_folders_but_nobody_elses() {
    let (world, vault) = world().await;
    vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    vault
        .add(&slug("ssh://root@web1.example:2222"), RecordType::Password, secret("hunter2-long"))
        .await
        .unwrap();
    vault.remove(&slug(WEB), RecordType::Password).await.unwrap();
    assert!(!world.store_dir().join(WEB_FOLDER).exists());
    assert!(world.store_dir().join("sallyport/ssh/web1.example:2222/root/password.gpg").exists());
    let gone = vault.remove(&slug(WEB), RecordType::Password).await.unwrap_err();
    assert_eq!(gone.code(), "missing_credential");
}

#[tokio::test]
async fn a_type_that_does_not_belong_under_the_purpose_is_refused() {
    let (_world, vault) = world().await;
    let sudo = slug("sudo://deploy@web1.example");
    let refused = vault.add(&sudo, RecordType::Key, secret("key")).await.unwrap_err();
    assert!(matches!(refused, VaultError::WrongType { .. }));
    insta::assert_snapshot!(format!("{refused}\nhint: {}", refused.hint()), @"
    sudo://deploy@web1.example cannot hold a key record
    hint: sudo:// holds: password
    ");
    assert_eq!(
        vault.decrypt(&sudo, RecordType::Key, Ask::Never).await.unwrap_err().code(),
        "invalid_argument"
    );
}

#[tokio::test]
async fn another_port_or_user_is_another_record() {
    let (_world, vault) = world().await;
    vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    for other in
        ["ssh://deploy@web1.example", "ssh://root@web1.example:2222", "sudo://deploy@web1.example:2222"]
    {
        let missing = vault.decrypt(&slug(other), RecordType::Password, Ask::Never).await.unwrap_err();
        assert!(matches!(missing, VaultError::Missing { .. }), "{other}: {missing:?}");
    }
}

#[tokio::test]
async fn the_nearest_gpg_id_decides_and_comments_are_no_recipients() {
    let (world, vault) = world().await;
    world.make_key("team@test.example", "");
    let near = world.store_dir().join("sallyport/ssh/.gpg-id");
    fs::create_dir_all(near.parent().unwrap()).unwrap();
    fs::write(&near, format!("# the team\n{OWNER} # me\n\nteam@test.example\n")).unwrap();
    let recipients = vault.store().recipients(&slug(WEB), RecordType::Password).unwrap();
    assert_eq!(recipients, [OWNER, "team@test.example"]);
    let sudo = slug("sudo://deploy@web1.example");
    assert_eq!(vault.store().recipients(&sudo, RecordType::Password).unwrap(), [OWNER]);
    let written = vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    let packets = world.gpg(&["--list-packets", written.path.to_str().unwrap()]);
    assert_eq!(String::from_utf8_lossy(&packets).matches(":pubkey enc packet").count(), 2);
}

#[tokio::test]
async fn a_git_store_names_the_work_tree_to_commit_in() {
    let (world, vault) = world().await;
    assert!(!vault.store().is_git());
    fs::create_dir(world.store_dir().join(".git")).unwrap();
    assert!(vault.store().is_git());
    let written = vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap();
    assert_eq!(written.work_tree, Some(world.store_dir()));
    let removed = vault.remove(&slug(WEB), RecordType::Password).await.unwrap();
    assert_eq!(removed.work_tree, Some(world.store_dir()));
}

#[tokio::test]
async fn a_service_reads_with_the_key_it_was_handed() {
    let person = World::open();
    let record = person.encrypt(OWNER, b"hunter2-long");
    let key = person.gpg(&["--export-secret-keys", OWNER]);
    let service = World::empty();
    service.plant(&format!("{WEB_FOLDER}/password.gpg"), &record);
    let vault = service.vault_with_window(std::time::Duration::ZERO);
    assert!(matches!(read(&vault, RecordType::Password).await, Err(VaultError::NoSecretKey { .. })));
    let home = GpgHome(Some(service.gnupg()));
    home.import_secret_key(&Secret::copy_of(&key)).unwrap();
    home.import_secret_key(&Secret::copy_of(&key)).unwrap();
    assert_eq!(read(&vault, RecordType::Password).await.unwrap().expose(), b"hunter2-long");
    let public = person.gpg(&["--export", OWNER]);
    for wrong in [&public[..], b"no key at all", b""] {
        assert!(home.import_secret_key(&Secret::copy_of(wrong)).is_err());
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_written_says_where_and_stays_as_it_was() {
    let (world, vault) = world().await;
    let in_the_way = world.plant("sallyport", b"a file where a folder belongs");
    let error = vault.add(&slug(WEB), RecordType::Password, secret("hunter2-long")).await.unwrap_err();
    assert!(matches!(error, VaultError::Io { action: "writing", .. }), "{error:?}");
    assert!(error.to_string().contains(WEB_FOLDER), "{error}");
    assert_eq!(fs::read(in_the_way).unwrap(), b"a file where a folder belongs");
}
