//! Where a record's content comes from, and which of a slug's records is meant.

use std::path::PathBuf;

use sallyport_protocol::admin::RecordKind;
use sallyport_protocol::text::SecretBytes;

use super::super::output::Problem;
use super::super::secret;

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
/// The secret of `credential add`.
pub struct Source {
    /// A password.
    #[arg(long)]
    password: bool,
    /// A private key file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The passphrase of the stored key.
    #[arg(long)]
    passphrase: bool,
    /// An OpenSSH user certificate file.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// A dotenv file, under env://.
    #[arg(long, value_name = "FILE")]
    dotenv: Option<PathBuf>,
}

impl Source {
    /// What kind of record.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self { key: Some(_), .. } => RecordKind::Key,
            Self { certificate: Some(_), .. } => RecordKind::Certificate,
            Self { dotenv: Some(_), .. } => RecordKind::Dotenv,
            Self { passphrase: true, .. } => RecordKind::Passphrase,
            Self { .. } => RecordKind::Password,
        }
    }

    /// Its content.
    pub fn read(&self, slug: &str) -> Result<SecretBytes, Problem> {
        match self {
            Self { key: Some(path), .. } => {
                let key = secret::from_file(path)?;
                refuse_public(&key)?;
                Ok(key)
            }
            Self { certificate: Some(path), .. } | Self { dotenv: Some(path), .. } => secret::from_file(path),
            Self { passphrase: true, .. } => secret::typed(&format!("Passphrase of the key of {slug}")),
            Self { .. } => secret::typed(&format!("Password for {slug}")),
        }
    }
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
/// The secret of `credential set-default`.
pub struct DefaultSource {
    /// Its password.
    #[arg(long)]
    password: bool,
    /// Its private key file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl DefaultSource {
    /// What kind of record, and its content.
    pub fn read(&self, user: &str) -> Result<(RecordKind, SecretBytes), Problem> {
        match &self.key {
            Some(path) => {
                let key = secret::from_file(path)?;
                refuse_public(&key)?;
                Ok((RecordKind::Key, key))
            }
            None => Ok((RecordKind::Password, secret::typed(&format!("Password of {user}"))?)),
        }
    }
}

/// The commonest slip: the public half of a key.
fn refuse_public(key: &SecretBytes) -> Result<(), Problem> {
    let text = key.expose_secret();
    if text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-") || text.starts_with(b"sk-") {
        return Err(Problem::usage(
            "this is a public key",
            "give the file without .pub: the private key is stored",
        ));
    }
    Ok(())
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
/// The record of `credential remove`.
pub struct Kind {
    /// The password.
    #[arg(long)]
    password: bool,
    /// The private key.
    #[arg(long)]
    key: bool,
    /// The key's passphrase.
    #[arg(long)]
    passphrase: bool,
    /// The certificate.
    #[arg(long)]
    certificate: bool,
    /// The dotenv file.
    #[arg(long)]
    dotenv: bool,
}

impl Kind {
    /// What kind of record.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self { key: true, .. } => RecordKind::Key,
            Self { passphrase: true, .. } => RecordKind::Passphrase,
            Self { certificate: true, .. } => RecordKind::Certificate,
            Self { dotenv: true, .. } => RecordKind::Dotenv,
            Self { .. } => RecordKind::Password,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_refused_with_the_way_out() {
        let key = SecretBytes::new(b"ssh-ed25519 AAAA me".to_vec()).unwrap();
        let problem = refuse_public(&key).unwrap_err();
        insta::assert_snapshot!(problem.text(), @r"
        sallyport: this is a public key
        hint: give the file without .pub: the private key is stored
        ");
        assert!(refuse_public(&SecretBytes::new(b"-----BEGIN".to_vec()).unwrap()).is_ok());
    }
}
