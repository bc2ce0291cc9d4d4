//! Logging in: which methods are tried, in which order, with what.
//!
//! A key goes before a password. The key is used by request only: russh asks this
//! code for a signature and this code asks the keeper. No byte of authentication
//! is sent before the host key was accepted, because russh runs this only after
//! the key exchange in which it was.

use russh::client::AuthResult;
use russh::client::{Handle, KeyboardInteractiveAuthResponse as Interactive};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, HashAlg};
use russh::{MethodKind, MethodSet};
use sallyport_protocol::{ErrorCode, Failure};

use super::connect::Client;
use super::keeper::Keeper;

/// Rounds of questions a server may ask before it is told no.
const MAX_ROUNDS: usize = 4;

/// Signs what russh wants signed by asking the keeper.
struct ByRequest<'a>(&'a Keeper);

/// Why a signature did not come about.
enum SignError {
    Vault(Failure),
    Transport,
}

impl From<russh::SendError> for SignError {
    fn from(_: russh::SendError) -> Self {
        SignError::Transport
    }
}

impl russh::Signer for ByRequest<'_> {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        _key: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        self.0.sign(to_sign, hash).await.map_err(SignError::Vault)
    }
}

/// Logs in as `user`.
///
/// # Errors
/// `missing_credential` when there is nothing to offer, `auth_failed` when all of it was refused,
/// `mfa_required` when the host asks for something only a person can answer, and the vault's own.
pub async fn log_in(
    handle: &mut Handle<Client>,
    keeper: &Keeper,
    user: &str,
    host: &str,
) -> Result<(), Failure> {
    let mut offered = Vec::new();
    let mut open: Option<MethodSet> = None;
    let allows = |open: &Option<MethodSet>, kind| open.as_ref().is_none_or(|set| set.contains(&kind));

    if let Some(public) = keeper.public_key().await? {
        offered.push("key");
        let hash = match public.algorithm() {
            Algorithm::Rsa { .. } => {
                handle.best_supported_rsa_hash().await.map_err(broken)?.flatten().or(Some(HashAlg::Sha256))
            }
            _ => None,
        };
        match handle.authenticate_publickey_with(user, public, hash, &mut ByRequest(keeper)).await {
            Ok(AuthResult::Success) => return Ok(()),
            Ok(AuthResult::Failure { remaining_methods, .. }) => open = Some(remaining_methods),
            Err(SignError::Vault(failure)) => return Err(failure),
            Err(SignError::Transport) => return Err(broken(russh::Error::Disconnect)),
        }
    }
    let wants_password =
        allows(&open, MethodKind::Password) || allows(&open, MethodKind::KeyboardInteractive);
    if wants_password && let Some(password) = keeper.password().await? {
        offered.push("password");
        let text = std::str::from_utf8(password.expose()).map_err(|_| {
            Failure::new(
                ErrorCode::CredentialBackendUnavailable,
                "the password record is not UTF-8",
                "write the record again",
            )
        })?;
        if allows(&open, MethodKind::Password) {
            match handle.authenticate_password(user, text).await.map_err(broken)? {
                AuthResult::Success => return Ok(()),
                AuthResult::Failure { remaining_methods, .. } => open = Some(remaining_methods),
            }
        }
        if allows(&open, MethodKind::KeyboardInteractive) && interactive(handle, user, text).await? {
            return Ok(());
        }
    }
    if offered.is_empty() {
        return Err(Failure::new(
            ErrorCode::MissingCredential,
            format!("there is no record for {user} on {host}"),
            format!("add one: sallyport credential add ssh://{user}@{host} --key FILE"),
        ));
    }
    Err(Failure::new(
        ErrorCode::AuthFailed,
        format!("{host} refused the {} stored for {user}", offered.join(" and the ")),
        "check the account on the host, then replace the record with `sallyport credential remove` and `add`",
    ))
}

/// Answers one hidden prompt with the password (RFC 4256). Anything else is a
/// question for a person.
async fn interactive(handle: &mut Handle<Client>, user: &str, password: &str) -> Result<bool, Failure> {
    let mut answered = false;
    let mut reply =
        handle.authenticate_keyboard_interactive_start(user, None::<String>).await.map_err(broken)?;
    for _ in 0..MAX_ROUNDS {
        let responses = match &reply {
            Interactive::Success => return Ok(true),
            Interactive::Failure { .. } => return Ok(false),
            Interactive::InfoRequest { prompts, .. } if prompts.is_empty() => Vec::new(),
            Interactive::InfoRequest { prompts, .. } => match prompts.as_slice() {
                [only] if !only.echo && !answered => {
                    answered = true;
                    vec![password.to_owned()]
                }
                _ => {
                    return Err(Failure::new(
                        ErrorCode::MfaRequired,
                        "the host asks for a second factor",
                        "a person must answer it; this build cannot relay the question yet",
                    ));
                }
            },
        };
        reply = handle.authenticate_keyboard_interactive_respond(responses).await.map_err(broken)?;
    }
    Ok(false)
}

fn broken(error: russh::Error) -> Failure {
    Failure::new(
        ErrorCode::SshConnectionFailed,
        format!("the connection broke during the login: {error}"),
        "try again; sshd's own log says more",
    )
}
