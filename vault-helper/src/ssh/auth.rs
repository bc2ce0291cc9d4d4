//! Logging in: which methods are tried, in which order, with what.
//!
//! Keys go before passwords, in the order of the host's `identity`; a certificate
//! before its key. A key is used by request only: russh asks this code for a
//! signature and this code asks the keeper. No byte of authentication is sent
//! before the host key was accepted, because russh runs this only after the key
//! exchange in which it was.
//!
//! A host may want several proofs in a row (`AuthenticationMethods`): each one it
//! takes starts another round with what it still wants. What the records cannot
//! answer is a question for a person.

use russh::client::AuthResult;
use russh::client::{Handle, KeyboardInteractiveAuthResponse as Interactive, Prompt};
use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use russh::{MethodKind, MethodSet};
use sallyport_protocol::{ErrorCode, Failure};

use super::client::Client;
use super::course::Asker;
use super::keeper::{Keeper, Offer, Proof};
use crate::harden::memory::secretly;
use crate::vault::Secret;

/// Proofs a host may want in a row.
const MAX_ROUNDS: usize = 4;
/// Questions a host may ask in one keyboard-interactive exchange before it is told no.
const MAX_QUESTIONS: usize = 8;

/// Signs what russh wants signed by asking the keeper.
struct ByRequest<'a>(&'a Keeper, usize);

/// Why a signature did not come about.
enum SignError {
    Keeper(Failure),
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
        self.0.sign(self.1, to_sign, hash).await.map_err(SignError::Keeper)
    }
}

/// What a host made of a proof.
enum Step {
    In,
    /// Taken, and more is wanted.
    Partly,
    Refused,
}

/// Logs in as `user`.
///
/// # Errors
/// `missing_credential` when there is nothing to offer, `auth_failed` when all of it was refused,
/// `mfa_required` when a person had to answer and did not, and the vault's own.
pub async fn log_in(
    handle: &mut Handle<Client>,
    keeper: &Keeper,
    user: &str,
    host: &str,
    asker: &Asker<'_>,
) -> Result<(), Failure> {
    let mut attempt = Attempt {
        handle,
        keeper,
        user,
        asker,
        open: None,
        partly: false,
        used: Vec::new(),
        password_used: false,
        offered: Vec::new(),
        refused: false,
        trouble: None,
    };
    for _ in 0..MAX_ROUNDS {
        match attempt.round().await? {
            Step::In => return Ok(()),
            Step::Partly => attempt.partly = true,
            Step::Refused => break,
        }
    }
    // russh answers for a host that is gone as if it had refused.
    if !attempt.refused && attempt.handle.is_closed() {
        return Err(broken(russh::Error::Disconnect));
    }
    Err(attempt.failure(host))
}

struct Attempt<'a> {
    handle: &'a mut Handle<Client>,
    keeper: &'a Keeper,
    user: &'a str,
    asker: &'a Asker<'a>,
    /// What the host said it takes; unknown before the first try.
    open: Option<MethodSet>,
    /// Whether the host took one proof already.
    partly: bool,
    /// Offers the host took.
    used: Vec<usize>,
    password_used: bool,
    /// What was refused, for the message.
    offered: Vec<&'static str>,
    /// Whether the host itself refused any of it: it says then what it takes.
    refused: bool,
    /// Why a source could not be used; told when no other one helped.
    trouble: Option<Failure>,
}

impl Attempt<'_> {
    fn allows(&self, kind: MethodKind) -> bool {
        self.open.as_ref().is_none_or(|set| set.contains(&kind))
    }

    async fn round(&mut self) -> Result<Step, Failure> {
        match self.keys().await? {
            Step::Refused => self.words().await,
            done => Ok(done),
        }
    }

    async fn keys(&mut self) -> Result<Step, Failure> {
        for source in 0.. {
            if !self.allows(MethodKind::PublicKey) {
                break;
            }
            let offers = match self.keeper.offers(source).await {
                Ok(None) => break,
                Ok(Some(offers)) => offers,
                Err(failure) => {
                    self.trouble.get_or_insert(failure);
                    continue;
                }
            };
            for offer in offers {
                if self.used.contains(&offer.number) || !self.allows(MethodKind::PublicKey) {
                    continue;
                }
                match self.key(&offer).await? {
                    Step::Refused => {}
                    Step::Partly => {
                        self.used.push(offer.number);
                        return Ok(Step::Partly);
                    }
                    Step::In => return Ok(Step::In),
                }
            }
        }
        Ok(Step::Refused)
    }

    async fn key(&mut self, offer: &Offer) -> Result<Step, Failure> {
        if !self.offered.contains(&offer.name) {
            self.offered.push(offer.name);
        }
        let hash = if offer.proof.is_rsa() {
            self.handle.best_supported_rsa_hash().await.map_err(broken)?.flatten().or(Some(HashAlg::Sha256))
        } else {
            None
        };
        let mut signer = ByRequest(self.keeper, offer.number);
        let result = match &offer.proof {
            Proof::Key(key) => {
                self.handle.authenticate_publickey_with(self.user, key.clone(), hash, &mut signer).await
            }
            Proof::Certificate(certificate) => {
                let certificate = certificate.as_ref().clone();
                self.handle.authenticate_certificate_with(self.user, certificate, hash, &mut signer).await
            }
        };
        match result {
            Ok(result) => Ok(self.took(result)),
            Err(SignError::Keeper(failure)) => Err(failure),
            Err(SignError::Transport) => Err(broken(russh::Error::Disconnect)),
        }
    }

    fn took(&mut self, result: AuthResult) -> Step {
        match result {
            AuthResult::Success => Step::In,
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.refused |= !remaining_methods.is_empty();
                self.open = Some(remaining_methods);
                if partial_success { Step::Partly } else { Step::Refused }
            }
        }
    }

    /// What is typed: the password, and answers of a person.
    async fn words(&mut self) -> Result<Step, Failure> {
        if !self.allows(MethodKind::Password) && !self.allows(MethodKind::KeyboardInteractive) {
            return Ok(Step::Refused);
        }
        let password = match self.keeper.password().await {
            Ok(password) => password.filter(|_| !self.password_used),
            Err(failure) => {
                self.trouble.get_or_insert(failure);
                None
            }
        };
        let text = password.as_ref().map(text_of).transpose()?;
        if let Some(text) = text {
            self.offered.push("password");
            if self.allows(MethodKind::Password) {
                let result = self
                    .handle
                    .authenticate_password(self.user, secretly(|| text.to_owned()))
                    .await
                    .map_err(broken)?;
                match self.took(result) {
                    Step::Refused => {}
                    Step::Partly => {
                        self.password_used = true;
                        return Ok(Step::Partly);
                    }
                    Step::In => return Ok(Step::In),
                }
            }
        }
        // Without a password and before the host took anything, its questions are no second factor.
        if self.allows(MethodKind::KeyboardInteractive) && (text.is_some() || self.partly) {
            return self.interactive(text).await;
        }
        Ok(Step::Refused)
    }

    /// Answers one hidden prompt for a password with the record (RFC 4256); everything else a person answers.
    async fn interactive(&mut self, mut password: Option<&str>) -> Result<Step, Failure> {
        let start = self.handle.authenticate_keyboard_interactive_start(self.user, None::<String>);
        let mut reply = start.await.map_err(broken)?;
        for _ in 0..MAX_QUESTIONS {
            let responses = match reply {
                Interactive::Success => return Ok(Step::In),
                Interactive::Failure { remaining_methods, partial_success } => {
                    let failure = AuthResult::Failure { remaining_methods, partial_success };
                    return Ok(self.took(failure));
                }
                Interactive::InfoRequest { prompts, .. } if prompts.is_empty() => Vec::new(),
                Interactive::InfoRequest { name, instructions, prompts } => {
                    match password.take().filter(|_| asks_for_password(&prompts)) {
                        Some(password) => {
                            self.password_used = true;
                            secretly(|| vec![password.to_owned()])
                        }
                        None => self.asker.ask(self.keeper, &name, &instructions, &prompts).await?,
                    }
                }
            };
            let respond = self.handle.authenticate_keyboard_interactive_respond(responses);
            reply = respond.await.map_err(broken)?;
        }
        Ok(Step::Refused)
    }

    fn failure(self, host: &str) -> Failure {
        let user = self.user;
        if let Some(trouble) = self.trouble {
            return trouble;
        }
        if self.offered.is_empty() {
            return Failure::new(
                ErrorCode::MissingCredential,
                format!("there is no record for {user} on {host}"),
                format!("add one: sallyport credential add ssh://{user}@{host} --key FILE"),
            );
        }
        let offered = self.offered.join(" and the ");
        if self.partly {
            return Failure::new(
                ErrorCode::AuthFailed,
                format!("{host} took a part of what {user} has ({offered}) and wants more"),
                "the host asks for several proofs (AuthenticationMethods of its sshd_config): store each of them",
            );
        }
        Failure::new(
            ErrorCode::AuthFailed,
            format!("{host} refused the {offered} stored for {user}"),
            "see why in the host's own log (for a key: is it in the account's authorized_keys there?); a record that is \
             wrong is replaced with `sallyport credential remove` and `add`",
        )
    }
}

fn text_of(password: &Secret) -> Result<&str, Failure> {
    std::str::from_utf8(password.expose()).map_err(|_| {
        Failure::new(
            ErrorCode::CredentialBackendUnavailable,
            "the password record is not UTF-8",
            "write the record again",
        )
    })
}

/// Words by which hosts ask for something that changes every time.
const SECOND_FACTORS: [&str; 9] =
    ["code", "otp", "token", "verification", "passcode", "one-time", "duo", "yubikey", "authenticator"];

/// Whether this is one hidden prompt, and not for a second factor: those get no stored password.
fn asks_for_password(prompts: &[Prompt]) -> bool {
    let [only] = prompts else { return false };
    let words = only.prompt.to_lowercase();
    !only.echo && !SECOND_FACTORS.iter().any(|word| words.contains(word))
}

fn broken(error: russh::Error) -> Failure {
    Failure::new(
        ErrorCode::SshConnectionFailed,
        format!("the connection broke during the login: {error}"),
        "try again; sshd's own log says more",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(prompts: &[(&str, bool)]) -> bool {
        let prompts: Vec<Prompt> = prompts
            .iter()
            .map(|(prompt, echo)| Prompt { prompt: (*prompt).to_owned(), echo: *echo })
            .collect();
        asks_for_password(&prompts)
    }

    #[test]
    fn a_stored_password_answers_a_prompt_for_a_password_and_no_other() {
        assert!(asks(&[("Password: ", false)]));
        assert!(asks(&[("(root@web1) Passwort: ", false)]));
        assert!(!asks(&[("Password: ", true)]), "it would be shown");
        assert!(!asks(&[("Verification code: ", false)]));
        assert!(!asks(&[("One-time password (OATH) for `root': ", false)]));
        assert!(!asks(&[("Password: ", false), ("Code: ", false)]));
        assert!(!asks(&[]));
    }
}
