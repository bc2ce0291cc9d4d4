//! Finding the store, gopass's mounts, and listing without decrypting.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sallyport_vault_helper::vault::{Filter, Locations, Origin, Purpose, RecordType, Slug, Store};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn dir(&self, relative: &str) -> std::path::PathBuf {
        let path = self.0.path().join(relative);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn file(&self, relative: &str, text: &str) {
        let path = self.0.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn places(&self) -> Locations {
        Locations { home: self.0.path().to_owned(), ..Locations::default() }
    }

    fn locate(&self) -> Store {
        Store::locate(None, &self.places())
    }
}

fn slugs(store: &Store, filter: &Filter) -> Vec<String> {
    store.list(filter).unwrap().entries.iter().map(|entry| entry.slug.to_string()).collect()
}

#[test]
fn the_store_is_looked_for_in_the_documented_order() {
    let home = Home::new();
    assert_eq!(home.locate().origin(), Origin::PassDefault);
    home.dir(".password-store");
    let gopass_default = home.dir(".local/share/gopass/stores/root");
    assert_eq!(home.locate().root(), gopass_default);
    let configured = home.dir("configured");
    home.file(".config/gopass/config", &format!("[mounts]\npath = {}\n", configured.display()));
    assert_eq!((home.locate().root(), home.locate().origin()), (configured.as_path(), Origin::GopassConfig));
    let mut places = home.places();
    places.password_store_dir = Some("/named/by/variable".into());
    assert_eq!(Store::locate(None, &places).root(), Path::new("/named/by/variable"));
    let store = Store::locate(Some(Path::new("~/mine")), &places);
    assert_eq!((store.root(), store.origin()), (home.0.path().join("mine").as_path(), Origin::Setting));
}

#[test]
fn a_configured_store_that_is_gone_gives_way_to_the_usual_ones() {
    let home = Home::new();
    home.file(".config/gopass/config", "[mounts]\npath = /nonexistent/store\n");
    home.dir(".password-store");
    assert_eq!(home.locate().origin(), Origin::PassDefault);
}

#[test]
fn gopass_may_have_its_home_elsewhere() {
    let home = Home::new();
    let root = home.dir("other/.local/share/gopass/stores/root");
    let mut places = home.places();
    places.gopass_homedir = Some(home.0.path().join("other"));
    assert_eq!(Store::locate(None, &places).root(), root);
}

#[test]
fn an_empty_variable_is_no_store() {
    let home = Home::new();
    let mut places = home.places();
    places.password_store_dir = Some("".into());
    assert_eq!(Store::locate(None, &places).origin(), Origin::PassDefault);
}

#[test]
fn records_below_a_mount_are_in_the_mounted_store() {
    let home = Home::new();
    let root = home.dir("root");
    let team = home.dir("team");
    home.file(
        ".config/gopass/config",
        &format!(
            "[mounts]\npath = {}\n[mounts \"sallyport/ssh\"]\npath = {}\n",
            root.display(),
            team.display()
        ),
    );
    home.file("root/.gpg-id", "me\n");
    home.file("team/.gpg-id", "team\n");
    home.file("team/web1/deploy/password.gpg", "");
    home.file("root/sallyport/sudo/web1/deploy/password.gpg", "");
    // Hidden by the mount, as gopass hides it.
    home.file("root/sallyport/ssh/shadowed/deploy/password.gpg", "");
    let store = home.locate();
    let slug: Slug = "ssh://deploy@web1".parse().unwrap();
    assert_eq!(
        store.record_path(&slug, RecordType::Password).unwrap(),
        team.join("web1/deploy/password.gpg")
    );
    assert_eq!(store.recipients(&slug, RecordType::Password).unwrap(), ["team"]);
    assert_eq!(slugs(&store, &Filter::default()), ["ssh://deploy@web1", "sudo://deploy@web1"]);
}

#[test]
fn mounts_of_gopass_are_not_those_of_another_store() {
    let home = Home::new();
    let root = home.dir("root");
    home.file(
        ".config/gopass/config",
        &format!("[mounts]\npath = {}\n[mounts \"sallyport\"]\npath = /team\n", root.display()),
    );
    let other = home.dir("other");
    let store = Store::locate(Some(&other), &home.places());
    let slug: Slug = "env://build".parse().unwrap();
    assert!(store.record_path(&slug, RecordType::Dotenv).unwrap().starts_with(&other));
}

#[test]
fn a_listing_knows_the_records_by_their_names_alone() {
    let home = Home::new();
    for name in [
        "ssh/web1/deploy/password",
        "ssh/web1/deploy/key",
        "ssh/web1:2222/deploy/key",
        "ssh/[2001:db8::1]/root/key",
        "sudo/web1/deploy/password",
        "env/build/dotenv",
        "default/admin/password",
    ] {
        home.file(&format!(".password-store/sallyport/{name}.gpg"), "not even gpg");
    }
    let store = home.locate();
    let listing = store.list(&Filter::default()).unwrap();
    let text: Vec<_> =
        listing.entries.iter().map(|entry| format!("{} {:?}", entry.slug, entry.types)).collect();
    insta::assert_snapshot!(text.join("\n"), @"
    ssh://root@[2001:db8::1] [Key]
    ssh://deploy@web1 [Password, Key]
    ssh://deploy@web1:2222 [Key]
    sudo://deploy@web1 [Password]
    env://build [Dotenv]
    default://admin [Password]
    ");
    assert_eq!(listing.ignored, 0);
    let by_user = Filter { user: Some("root".into()), ..Filter::default() };
    assert_eq!(slugs(&store, &by_user), ["ssh://root@[2001:db8::1]"]);
    let by_host = Filter { host: Some("web1".into()), purpose: Some(Purpose::Ssh), ..Filter::default() };
    assert_eq!(slugs(&store, &by_host), ["ssh://deploy@web1", "ssh://deploy@web1:2222"]);
}

#[test]
fn other_spellings_and_other_files_are_counted_and_not_listed() {
    let home = Home::new();
    let base = ".password-store/sallyport";
    home.file(&format!("{base}/ssh/web1/deploy/password.gpg"), "");
    home.file(&format!("{base}/ssh/web1/deploy/notes.gpg"), "");
    home.file(&format!("{base}/ssh/web1/deploy/.gpg-id"), "");
    home.file(&format!("{base}/ssh/WEB1/deploy/password.gpg"), "");
    home.file(&format!("{base}/ssh/web1:22/deploy/password.gpg"), "");
    home.file(&format!("{base}/ssh/web1/-oProxyCommand=x/password.gpg"), "");
    home.file(&format!("{base}/sudo/web1/deploy/key.gpg"), "");
    let listing = home.locate().list(&Filter::default()).unwrap();
    assert_eq!(listing.entries.len(), 1);
    assert_eq!(listing.ignored, 5);
}

#[test]
fn a_listing_does_not_follow_links_out_of_the_store() {
    let home = Home::new();
    let outside = home.dir("outside");
    home.file("outside/deploy/password.gpg", "");
    let hosts = home.dir(".password-store/sallyport/ssh");
    symlink(&outside, hosts.join("web1")).unwrap();
    symlink(hosts.join("nothing"), hosts.join("web2")).unwrap();
    let listing = home.locate().list(&Filter::default()).unwrap();
    assert_eq!((listing.entries.len(), listing.ignored), (0, 2));
}
