//! `hosts.toml`, read as the helper reads it and edited as a person would:
//! comments and order stay, and what would not load is never written.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sallyport_policy::{Host, Inventory};
use sallyport_protocol::{ErrorCode, Failure};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::output::Problem;

/// The inventory file and what it holds.
#[derive(Debug)]
pub struct HostsFile {
    path: PathBuf,
    document: DocumentMut,
    inventory: Inventory,
}

/// A new entry.
#[derive(Debug, Clone, Default)]
pub struct NewHost {
    /// Its real name or address.
    pub hostname: String,
    /// The account to use.
    pub user: Option<String>,
    /// Its port.
    pub port: u16,
    /// The alias of the host to jump through.
    pub jump: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The policy mode.
    pub mode: Option<String>,
    /// Where its keys come from, when not the vault alone.
    pub identity: Vec<String>,
}

impl HostsFile {
    /// Reads the configuration directory's `hosts.toml`; a missing one is empty.
    ///
    /// # Errors
    /// With file and line when it cannot be understood.
    pub fn load() -> Result<Self, Problem> {
        Self::read(crate::config::config_directory().join("hosts.toml"))
    }

    fn read(path: PathBuf) -> Result<Self, Problem> {
        // Through a link to where the file really is, so that the link stays.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unusable(&path, &error.to_string())),
        };
        let inventory = Inventory::from_toml(&text).map_err(|error| unusable(&path, &error.to_string()))?;
        let document =
            text.parse().map_err(|error: toml_edit::TomlError| unusable(&path, error.message()))?;
        Ok(Self { path, document, inventory })
    }

    /// The hosts.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// A host by its alias.
    ///
    /// # Errors
    /// `unknown_host` when there is none.
    pub fn get(&self, alias: &str) -> Result<&Host, Problem> {
        self.inventory.get(alias).ok_or_else(|| {
            Failure::new(
                ErrorCode::UnknownHost,
                format!("there is no host {alias} in {}", self.path.display()),
                "`sallyport host list` shows what there is",
            )
            .into()
        })
    }

    /// Writes the file with one more host.
    ///
    /// # Errors
    /// When the alias is taken, or the file would not load with it.
    pub fn add(&mut self, alias: &str, host: &NewHost) -> Result<(), Problem> {
        self.change(|document| insert(document, alias, host))
    }

    /// Writes the file with several more hosts, all or none.
    ///
    /// # Errors
    /// As [`HostsFile::add`].
    pub fn add_all(&mut self, hosts: &[(String, NewHost)]) -> Result<(), Problem> {
        self.change(|document| hosts.iter().for_each(|(alias, host)| insert(document, alias, host)))
    }

    /// Tries whether a fallback account could be bound to hosts, without writing.
    ///
    /// # Errors
    /// When the file would not load with it.
    pub fn check_default(&self, user: &str, hosts: &str) -> Result<(), Problem> {
        let mut document = self.document.clone();
        bind(&mut document, user, hosts);
        self.judge(&document.to_string()).map(|_| ())
    }

    /// Writes the file with a fallback account bound to hosts, in the place of an older binding of that account.
    ///
    /// # Errors
    /// As [`HostsFile::check_default`].
    pub fn set_default(&mut self, user: &str, hosts: &str) -> Result<(), Problem> {
        self.change(|document| bind(document, user, hosts))
    }

    /// Tries whether a host could be added, without writing.
    ///
    /// # Errors
    /// As [`HostsFile::add`].
    pub fn check(&self, alias: &str, host: &NewHost) -> Result<(), Problem> {
        if self.inventory.get(alias).is_some() {
            return Err(Problem::usage(
                format!("there is a host {alias} already in {}", self.path.display()),
                format!("choose another alias, or remove it first: sallyport host remove {alias}"),
            ));
        }
        let mut document = self.document.clone();
        insert(&mut document, alias, host);
        self.judge(&document.to_string()).map(|_| ())
    }

    /// Writes the file without a host.
    ///
    /// # Errors
    /// When there is none, or another host jumps through it.
    pub fn remove(&mut self, alias: &str) -> Result<(), Problem> {
        self.get(alias)?;
        let through = self.inventory.iter().filter(|(_, host)| host.jump.as_deref() == Some(alias));
        let through: Vec<&str> = through.map(|(name, _)| name).collect();
        if !through.is_empty() {
            return Err(Problem::usage(
                format!("{} is reached through {alias}", through.join(", ")),
                format!("remove it first, or give it another `jump` in {}", self.path.display()),
            ));
        }
        self.change(|document| {
            if let Some(hosts) = document.get_mut("hosts").and_then(Item::as_table_like_mut) {
                hosts.remove(alias);
            }
        })
    }

    fn judge(&self, text: &str) -> Result<Inventory, Problem> {
        Inventory::from_toml(text).map_err(|error| {
            Problem::usage(
                format!("{}: {}", error.key, error.message),
                format!("nothing was written to {}", self.path.display()),
            )
        })
    }

    fn change(&mut self, edit: impl FnOnce(&mut DocumentMut)) -> Result<(), Problem> {
        let mut document = self.document.clone();
        edit(&mut document);
        let text = document.to_string();
        let inventory = self.judge(&text)?;
        write(&self.path, &text).map_err(|error| unusable(&self.path, &error.to_string()))?;
        (self.document, self.inventory) = (document, inventory);
        Ok(())
    }
}

fn insert(document: &mut DocumentMut, alias: &str, host: &NewHost) {
    let mut entry = Table::new();
    entry["hostname"] = value(host.hostname.as_str());
    if let Some(user) = &host.user {
        entry["user"] = value(user.as_str());
    }
    if host.port != 22 {
        entry["port"] = value(i64::from(host.port));
    }
    if let Some(jump) = &host.jump {
        entry["jump"] = value(jump.as_str());
    }
    if !host.tags.is_empty() {
        entry["tags"] = value(host.tags.iter().collect::<toml_edit::Array>());
    }
    if let Some(mode) = &host.mode {
        entry["mode"] = value(mode.as_str());
    }
    if !host.identity.is_empty() {
        entry["identity"] = value(host.identity.iter().collect::<toml_edit::Array>());
    }
    if !document.is_empty() {
        entry.decor_mut().set_prefix("\n");
    }
    let hosts = document.entry("hosts").or_insert_with(|| {
        let mut table = Table::new();
        // Only [hosts.ALIAS] headers, none for [hosts] itself.
        table.set_implicit(true);
        Item::Table(table)
    });
    if let Some(hosts) = hosts.as_table_like_mut() {
        hosts.insert(alias, Item::Table(entry));
    }
}

fn bind(document: &mut DocumentMut, user: &str, hosts: &str) {
    let accounts =
        document.entry("default_account").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(accounts) = accounts.as_array_of_tables_mut() else { return };
    if let Some(known) = accounts.iter_mut().find(|a| a.get("user").and_then(Item::as_str) == Some(user)) {
        known["hosts"] = value(hosts);
        return;
    }
    let mut account = Table::new();
    account["user"] = value(user);
    account["hosts"] = value(hosts);
    accounts.push(account);
}

/// Replaces the file in one step: a reader sees the old or the new one.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let temporary = directory.join(format!(".hosts.toml.{}", std::process::id()));
    // A service's file is one that other users read; a new one is its owner's alone.
    let mode = fs::metadata(path).map_or(0o600, |old| old.permissions().mode() & 0o777);
    let written = write_new(&temporary, text, mode).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error tells; a leftover that cannot be removed adds nothing.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(directory)?.sync_all()
}

fn write_new(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unusable(path: &Path, what: &str) -> Problem {
    Problem::usage(format!("{} cannot be used: {what}", path.display()), "correct the file, then try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, HostsFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("conf/hosts.toml");
        if !text.is_empty() {
            fs::create_dir(dir.path().join("conf")).unwrap();
            fs::write(&path, text).unwrap();
        }
        let file = HostsFile::read(path).unwrap();
        (dir, file)
    }

    fn content(dir: &tempfile::TempDir) -> String {
        fs::read_to_string(dir.path().join("conf/hosts.toml")).unwrap()
    }

    fn web1() -> NewHost {
        NewHost {
            hostname: "203.0.113.10".into(),
            user: Some("deploy".into()),
            port: 2222,
            tags: vec!["web".into()],
            ..NewHost::default()
        }
    }

    #[test]
    fn the_first_host_makes_the_file() {
        let (dir, mut file) = file("");
        file.add("web1", &web1()).unwrap();
        insta::assert_snapshot!(content(&dir), @r#"
        [hosts.web1]
        hostname = "203.0.113.10"
        user = "deploy"
        port = 2222
        tags = ["web"]
        "#);
    }

    #[test]
    fn a_new_file_is_its_owners_and_one_that_others_read_stays_so() {
        let mode = |dir: &tempfile::TempDir| {
            fs::metadata(dir.path().join("conf/hosts.toml")).unwrap().permissions().mode() & 0o777
        };
        let (dir, mut new) = file("");
        new.add("web1", &web1()).unwrap();
        assert_eq!(mode(&dir), 0o600);
        let (dir, mut services) = file("# ours\n");
        fs::set_permissions(dir.path().join("conf/hosts.toml"), PermissionsExt::from_mode(0o644)).unwrap();
        services.add("web1", &web1()).unwrap();
        assert_eq!(mode(&dir), 0o644);
    }

    #[test]
    fn what_a_person_wrote_stays_as_it_was() {
        let (dir, mut file) = file("# ours\n[hosts.db]\nport = 22  # as ever\n");
        file.add(
            "web1",
            &NewHost { jump: Some("db".into()), port: 22, hostname: "w".into(), ..NewHost::default() },
        )
        .unwrap();
        insta::assert_snapshot!(content(&dir), @r#"
        # ours
        [hosts.db]
        port = 22  # as ever

        [hosts.web1]
        hostname = "w"
        jump = "db"
        "#);
        file.remove("web1").unwrap();
        assert_eq!(content(&dir), "# ours\n[hosts.db]\nport = 22  # as ever\n");
    }

    #[test]
    fn a_fallback_account_is_bound_and_bound_anew() {
        let (dir, mut file) = file("[hosts.db]\n");
        file.set_default("admin", "db*").unwrap();
        file.set_default("ops", "web*").unwrap();
        file.set_default("admin", "db*,!db-lab").unwrap();
        insta::assert_snapshot!(content(&dir), @r#"
        [hosts.db]

        [[default_account]]
        user = "admin"
        hosts = "db*,!db-lab"

        [[default_account]]
        user = "ops"
        hosts = "web*"
        "#);
        assert!(file.check_default("a b", "db*").is_err());
    }

    #[test]
    fn what_would_not_load_is_not_written() {
        let before = "[hosts.db]\n[hosts.web]\njump = \"db\"\n";
        let (dir, mut file) = file(before);
        assert!(file.remove("db").is_err(), "another host jumps through it");
        assert!(file.remove("nobody").is_err());
        assert!(file.check("db", &web1()).is_err(), "the alias is taken");
        assert!(file.add("x", &NewHost { mode: Some("wild".into()), ..web1() }).is_err());
        assert!(file.add("-x", &web1()).is_err());
        assert!(file.add("x", &NewHost { jump: Some("nobody".into()), ..web1() }).is_err());
        assert_eq!(content(&dir), before);
        assert_eq!(fs::read_dir(dir.path().join("conf")).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_link_to_the_file_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("real.toml"), "").unwrap();
        let link = dir.path().join("hosts.toml");
        std::os::unix::fs::symlink("real.toml", &link).unwrap();
        HostsFile::read(link.clone()).unwrap().add("web1", &web1()).unwrap();
        assert!(
            link.is_symlink() && fs::read_to_string(dir.path().join("real.toml")).unwrap().contains("web1")
        );
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts.toml");
        fs::write(&path, "[hosts.a]\nprot = 1\n").unwrap();
        let text = HostsFile::read(path).unwrap_err().text();
        assert!(text.contains("hosts.toml cannot be used: line 2") && text.contains("prot"), "{text}");
    }
}
