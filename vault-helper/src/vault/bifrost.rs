//! Taking over the records of Bifrost: `bifrost_mcp/<base64url(slug)>/<type>`, JSON `{type, secret}`.
//!
//! The plan reads names alone; importing decrypts one record and encrypts its secret anew as one of ours. What
//! is imported stays where it was.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::{Unusable, VaultError};
use super::login::unusable;
use super::record::{RecordType, Secret};
use super::service::{Ask, Vault};
use super::slug::{Purpose, Slug};
use super::store::{Place, Store};
use super::write::Written;

/// Folder of Bifrost's records.
const FOLDER: &str = "bifrost_mcp";
/// Most records that are looked at.
const MAX_RECORDS: usize = 10_000;

/// What would become of one of Bifrost's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its slug in Bifrost, or its folder's name when that is no slug; printable ASCII.
    pub name: String,
    /// What would be done.
    pub step: Step,
}

/// What importing does with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// It becomes this record of ours.
    Import(Importable),
    /// We have that record already; it stays as it is.
    Exists(Slug, RecordType),
    /// It has no counterpart here.
    Skip(&'static str),
}

/// A record that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Importable {
    /// Where it goes.
    pub slug: Slug,
    /// As what.
    pub kind: RecordType,
    path: PathBuf,
}

impl Store {
    /// What an import would do, sorted by name. Decrypts nothing.
    ///
    /// # Errors
    /// [`VaultError::NoStore`].
    pub fn plan_bifrost_import(&self) -> Result<Vec<Planned>, VaultError> {
        self.check_exists()?;
        let (root, folder) = self.resolve(Path::new(FOLDER));
        let mut plan = Vec::new();
        for name in names(&root.join(&folder)) {
            for file in names(&root.join(&folder).join(&name)) {
                if let Some(kind) = file.strip_suffix(".gpg") {
                    plan.push(self.plan(&name, kind, Path::new(FOLDER).join(&name).join(&file))?);
                }
            }
        }
        plan.sort_by(|a, b| a.name.cmp(&b.name));
        plan.truncate(MAX_RECORDS);
        Ok(plan)
    }

    fn plan(&self, folder: &str, kind: &str, path: PathBuf) -> Result<Planned, VaultError> {
        let decoded = URL_SAFE_NO_PAD.decode(folder.trim_end_matches('=')).ok();
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let shown = text.as_deref().unwrap_or(folder);
        let name = shown.replace(|sign: char| !sign.is_ascii_graphic(), "?");
        let step = match (text.as_deref().map(str::parse::<Slug>), kind.parse::<RecordType>()) {
            _ if shown.starts_with("winrm://") => Step::Skip("WinRM is not spoken here"),
            (None | Some(Err(_)), _) => Step::Skip("its folder is not the name of a slug"),
            (Some(Ok(slug)), Ok(kind)) if is_importable(&slug, kind) => {
                if self.has(&slug, kind)? {
                    Step::Exists(slug, kind)
                } else {
                    Step::Import(Importable { slug, kind, path })
                }
            }
            _ => Step::Skip("records of this type are not known"),
        };
        Ok(Planned { name, step })
    }
}

/// Bifrost has passwords and keys under `ssh` and passwords under `sudo`.
fn is_importable(slug: &Slug, kind: RecordType) -> bool {
    matches!(slug.purpose(), Purpose::Ssh | Purpose::Sudo)
        && matches!(kind, RecordType::Password | RecordType::Key)
        && RecordType::of(slug.purpose()).contains(&kind)
}

/// The visible names in a folder; none when it is not there.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().take(MAX_RECORDS);
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| !name.starts_with('.')).collect()
}

impl Vault {
    /// Imports one record of a plan.
    ///
    /// # Errors
    /// [`VaultError::Unusable`] when it is no record of Bifrost; as [`Vault::decrypt`] and [`Vault::add`].
    pub async fn import_bifrost(&self, record: &Importable, ask: Ask) -> Result<Written, VaultError> {
        let (slug, kind) = (&record.slug, record.kind);
        let (store, owned) = (self.store.clone(), record.clone());
        let cipher = self.pool.run(move || {
            let (root, relative) = store.resolve(&owned.path);
            store.read_place(&Place { root, relative }, &owned.slug, owned.kind)
        });
        let plain = self.open(slug, kind, cipher.await?, ask).await?;
        let secret = secret_of(&plain, kind).ok_or_else(|| unusable(slug, kind, Unusable::Bifrost))?;
        drop(plain);
        self.add(slug, kind, secret).await
    }
}

#[derive(Deserialize)]
struct Content {
    r#type: String,
    secret: String,
}

/// The secret in a record. The parser's own copy of a text with escapes (a key has line feeds) is freed without
/// being wiped; only an allocator that zeroes what is freed covers it.
fn secret_of(plain: &[u8], kind: RecordType) -> Option<Secret> {
    let content: Content = serde_json::from_slice(plain).ok()?;
    let secret = Zeroizing::new(content.secret);
    (content.r#type == kind.as_str() && !secret.trim().is_empty()).then(|| Secret::copy_of(secret.as_bytes()))
}
