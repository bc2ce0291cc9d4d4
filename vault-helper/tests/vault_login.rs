//! Logins to a real sshd by signatures alone: the side that speaks SSH never holds the key.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod vault_keys_support;

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use russh::client;
use russh::keys::agent::AgentIdentity;
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use sallyport_vault_helper::vault::{LoadedKey, Secret};
use tokio::net::UnixStream;
use vault_keys_support::{Dir, KINDS};

/// A real sshd that lets the current user in by key, or by a certificate of `ca`. It serves one connection
/// over a pair of sockets (`sshd -i`), so there is neither a port nor a daemon.
struct Sshd {
    config: PathBuf,
    children: Vec<Child>,
}

impl Sshd {
    fn new(dir: &Dir) -> Self {
        dir.keygen("host", &["-t", "ed25519"], "");
        dir.keygen("ca", &["-t", "ed25519"], "");
        let config = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nTrustedUserCAKeys {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\n",
            dir.path("host").display(),
            dir.path("authorized_keys").display(),
            dir.path("ca.pub").display(),
        );
        fs::write(dir.path("sshd_config"), config).unwrap();
        // Where Debian's sshd wants to separate its privileges; it makes the folder itself only as a service.
        fs::create_dir_all("/run/sshd").ok();
        Self { config: dir.path("sshd_config"), children: Vec::new() }
    }

    fn connection(&mut self) -> UnixStream {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stdout = OwnedFd::from(theirs.try_clone().unwrap());
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-i", "-e", "-f"]).arg(&self.config);
        command.stdin(OwnedFd::from(theirs)).stdout(stdout).stderr(Stdio::null());
        self.children.push(command.spawn().unwrap());
        UnixStream::from_std(ours).unwrap()
    }

    async fn accepts(&mut self, key: &Arc<LoadedKey>, certificate: Option<&Secret>) -> bool {
        let config = Arc::new(client::Config::default());
        let mut session = client::connect_stream(config, self.connection(), AnyHost).await.unwrap();
        let hash = key.public().algorithm().is_rsa().then_some(HashAlg::Sha256);
        let mut signer = SignWith(Arc::clone(key));
        let outcome = match certificate {
            None => {
                session.authenticate_publickey_with(user(), key.public().clone(), hash, &mut signer).await
            }
            Some(record) => {
                let certificate = key.certificate(record).unwrap();
                session.authenticate_certificate_with(user(), certificate, hash, &mut signer).await
            }
        };
        outcome.unwrap().success()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "root".into())
}

struct AnyHost;

impl client::Handler for AnyHost {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// Signs with the loaded key and nothing else, as the SSH side asks for it.
struct SignWith(Arc<LoadedKey>);

impl russh::Signer for SignWith {
    type Error = russh::AgentAuthError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        Ok(self.0.sign(data, hash).unwrap())
    }
}

fn authorize(dir: &Dir, names: &[&str]) {
    let keys: String =
        names.iter().map(|name| fs::read_to_string(dir.path(&format!("{name}.pub"))).unwrap()).collect();
    let path = dir.path("authorized_keys");
    fs::write(&path, keys).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn sshd_accepts_our_signatures_of_every_kind() {
    let dir = Dir::new();
    let mut sshd = Sshd::new(&dir);
    let mut keys = Vec::new();
    for (name, kind) in KINDS {
        keys.push((name, Arc::new(LoadedKey::parse(&dir.keygen(name, kind, ""), None).unwrap())));
    }
    authorize(&dir, &KINDS.map(|(name, _)| name));
    for (name, key) in &keys {
        assert!(sshd.accepts(key, None).await, "{name}");
    }
    authorize(&dir, &["ed25519"]);
    assert!(!sshd.accepts(&keys[1].1, None).await);
}

#[tokio::test]
async fn sshd_accepts_a_certificate_of_its_authority() {
    let dir = Dir::new();
    let mut sshd = Sshd::new(&dir);
    authorize(&dir, &[]);
    for (name, kind) in [KINDS[0], KINDS[4]] {
        let key = Arc::new(LoadedKey::parse(&dir.keygen(name, kind, ""), None).unwrap());
        dir.run("ssh-keygen", &["-q", "-s", "ca", "-I", "id", "-n", &user(), &format!("{name}.pub")]);
        assert!(!sshd.accepts(&key, None).await, "{name}");
        assert!(sshd.accepts(&key, Some(&dir.secret(&format!("{name}-cert.pub")))).await, "{name}");
    }
}
