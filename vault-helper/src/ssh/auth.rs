//! Logging in: which methods are tried, in which order, with what.
//!
//! Keys go before passwords, in the order of the host's `identity`; a certificate
//! before its key. A key is used by request only: the carrier asks this code for a
//! signature and this code asks the keeper. No byte of authentication is sent
//! before the host key was accepted, because this runs only after the key
//! exchange in which it was.
//!
//! A host may want several proofs in a row (`AuthenticationMethods`): each one it
//! takes starts another round with what it still wants. What the records cannot
//! answer is a question for a person.

use russh::keys::HashAlg;
use sallyport_protocol::text::SecretBytes;
use sallyport_protocol::{ErrorCode, Failure};

use super::course::Asker;
use super::keeper::{Keeper, Offer, Proof};
use super::login::{Login, Reply};
use super::signable::login_session;
use crate::carrier::language::{self, Hash, Question, Takes, Verdict};
use crate::harden::memory::secretly;
use crate::vault::Secret;

/// Proofs a host may want in a row.
const MAX_ROUNDS: usize = 4;
/// Questions a host may ask in one keyboard-interactive exchange before it is told no.
const MAX_QUESTIONS: usize = 8;

const KEYS: fn(&Takes) -> bool = |takes| takes.keys;
const PASSWORDS: fn(&Takes) -> bool = |takes| takes.passwords;
const ANSWERS: fn(&Takes) -> bool = |takes| takes.answers;

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
    login: &mut Login,
    keeper: &Keeper,
    user: &str,
    host: &str,
    asker: &Asker<'_>,
) -> Result<(), Failure> {
    let mut attempt = Attempt {
        login,
        keeper,
        user,
        asker,
        open: None,
        partly: false,
        used: Vec::new(),
        password_used: false,
        offered: Vec::new(),
        refused: false,
        session: None,
        trouble: None,
    };
    for _ in 0..MAX_ROUNDS {
        match attempt.round().await? {
            Step::In => return Ok(()),
            Step::Partly => attempt.partly = true,
            Step::Refused => break,
        }
    }
    Err(attempt.failure(host))
}

struct Attempt<'a> {
    login: &'a mut Login,
    keeper: &'a Keeper,
    user: &'a str,
    asker: &'a Asker<'a>,
    /// What the host said it takes; unknown before the first try.
    open: Option<Takes>,
    /// Whether the host took one proof already.
    partly: bool,
    /// Offers the host took.
    used: Vec<usize>,
    password_used: bool,
    /// What was refused, for the message.
    offered: Vec<&'static str>,
    /// Whether the host itself refused any of it.
    refused: bool,
    /// The session that logins are signed for: there is one.
    session: Option<Vec<u8>>,
    /// Why a source could not be used; told when no other one helped.
    trouble: Option<Failure>,
}

impl Attempt<'_> {
    fn allows(&self, kind: fn(&Takes) -> bool) -> bool {
        self.open.as_ref().is_none_or(kind)
    }

    async fn round(&mut self) -> Result<Step, Failure> {
        match self.keys().await? {
            Step::Refused => self.words().await,
            done => Ok(done),
        }
    }

    async fn keys(&mut self) -> Result<Step, Failure> {
        for source in 0.. {
            if !self.allows(KEYS) {
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
                if self.used.contains(&offer.number) || !self.allows(KEYS) {
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
        let hash = if offer.proof.is_rsa() { self.login.rsa_hash().await? } else { None };
        let hash = hash.and_then(Hash::of);
        let unfit = |_| self.login.broken();
        let proof = match &offer.proof {
            Proof::Key(key) => language::Proof::Key { key: key.to_bytes().map_err(unfit)?, hash },
            Proof::Certificate(certificate) => {
                let certificate = certificate.to_bytes().map_err(unfit)?;
                language::Proof::Certificate { certificate, hash }
            }
        };
        let reply = match self.login.prove(self.user, proof).await? {
            // Once: a host that takes the key takes the signature or does not.
            Reply::Sign(data, hash) => {
                let signature = self.sign(offer, data, hash).await?;
                self.login.signed(signature).await?
            }
            other => other,
        };
        match reply {
            Reply::Verdict(verdict) => self.took(verdict),
            Reply::Sign(..) | Reply::Questions(..) => Err(self.login.broken()),
        }
    }

    /// Has the keeper sign a login with what was offered, and nothing else.
    async fn sign(
        &mut self,
        offer: &Offer,
        data: Vec<u8>,
        hash: Option<HashAlg>,
    ) -> Result<Vec<u8>, Failure> {
        let session = login_session(&data, self.user, &offer.proof);
        if session.is_none_or(|session| *self.session.get_or_insert_with(|| session.clone()) != session) {
            return Err(Failure::new(
                ErrorCode::InternalError,
                "something else than a login was to be signed; it was not",
                "the process that speaks SSH may have been taken over by the host: look at the host by other means",
            ));
        }
        self.keeper.sign(offer.number, data, hash).await
    }

    fn took(&mut self, verdict: Verdict) -> Result<Step, Failure> {
        match verdict {
            Verdict::In => Ok(Step::In),
            Verdict::Not { partly, takes } => {
                self.refused |= takes.any;
                self.open = Some(takes);
                Ok(if partly { Step::Partly } else { Step::Refused })
            }
            // A host that has refused enough hangs up (sshd_config(5), MaxAuthTries).
            Verdict::Gone if self.refused => {
                self.open = Some(Takes::default());
                Ok(Step::Refused)
            }
            Verdict::Gone => Err(self.login.broken()),
        }
    }

    /// What is typed: the password, and answers of a person.
    async fn words(&mut self) -> Result<Step, Failure> {
        if !self.allows(PASSWORDS) && !self.allows(ANSWERS) {
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
            if self.allows(PASSWORDS) {
                let proof = language::Proof::Password(secret_of(text)?);
                let Reply::Verdict(verdict) = self.login.prove(self.user, proof).await? else {
                    return Err(self.login.broken());
                };
                match self.took(verdict)? {
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
        if self.allows(ANSWERS) && (text.is_some() || self.partly) {
            return self.interactive(text).await;
        }
        Ok(Step::Refused)
    }

    /// Answers one hidden prompt for a password with the record (RFC 4256); everything else a person answers.
    async fn interactive(&mut self, mut password: Option<&str>) -> Result<Step, Failure> {
        let mut reply = self.login.prove(self.user, language::Proof::Interactive).await?;
        for _ in 0..MAX_QUESTIONS {
            let answers = match reply {
                Reply::Verdict(verdict) => return self.took(verdict),
                Reply::Sign(..) => return Err(self.login.broken()),
                Reply::Questions(_, _, questions) if questions.is_empty() => Vec::new(),
                Reply::Questions(name, instructions, questions) => {
                    match password.take().filter(|_| asks_for_password(&questions)) {
                        Some(password) => {
                            self.password_used = true;
                            vec![Some(secret_of(password)?)]
                        }
                        None => self.asker.ask(self.keeper, &name, &instructions, &questions).await?,
                    }
                }
            };
            reply = self.login.answered(answers).await?;
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
fn asks_for_password(prompts: &[Question]) -> bool {
    let [only] = prompts else { return false };
    let words = only.text.to_lowercase();
    !only.echo && !SECOND_FACTORS.iter().any(|word| words.contains(word))
}

fn secret_of(text: &str) -> Result<SecretBytes, Failure> {
    SecretBytes::new(secretly(|| text.as_bytes().to_vec())).map_err(|error| {
        Failure::new(
            ErrorCode::CredentialBackendUnavailable,
            format!("the password record cannot be used: {error}"),
            "write the record again",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(prompts: &[(&str, bool)]) -> bool {
        let prompts: Vec<Question> = prompts
            .iter()
            .map(|(prompt, echo)| Question { text: (*prompt).to_owned(), echo: *echo })
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
