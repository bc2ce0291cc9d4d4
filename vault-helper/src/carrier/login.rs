//! Proving who we are, one proof at a time: russh's calls, with signatures and answers of the helper's.

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interactive};
use russh::keys::agent::AgentIdentity;
use russh::keys::ssh_encoding::Decode;
use russh::keys::{Certificate, HashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use sallyport_protocol::text::SecretBytes;
use tokio::sync::mpsc;

use super::client::Client;
use super::language::{Hash, Proof, Question, Report, Takes, Verdict, clip};
use crate::harden::memory::secretly;

/// Questions a server may ask at once.
const MAX_QUESTIONS: usize = 16;

/// What the helper sends while a proof is under way.
pub struct Replies {
    /// Signatures.
    pub signatures: mpsc::Receiver<Vec<u8>>,
    /// Answers to the server's questions.
    pub answers: mpsc::Receiver<Vec<Option<SecretBytes>>>,
}

/// There is no verdict: the helper is gone.
pub struct NoVerdict;

impl From<russh::SendError> for NoVerdict {
    fn from(_: russh::SendError) -> Self {
        Self
    }
}

/// Has the helper sign.
struct ByRequest<'a> {
    reports: &'a mpsc::Sender<Report>,
    signatures: &'a mut mpsc::Receiver<Vec<u8>>,
}

impl russh::Signer for ByRequest<'_> {
    type Error = NoVerdict;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, NoVerdict> {
        let hash = hash.and_then(Hash::of);
        self.reports.send(Report::Sign { data, hash }).await.map_err(|_| NoVerdict)?;
        self.signatures.recv().await.ok_or(NoVerdict)
    }
}

/// Offers one proof; what the server made of it.
///
/// # Errors
/// When the helper is gone.
pub async fn prove(
    handle: &mut Handle<Client>,
    user: &str,
    proof: Proof,
    reports: &mpsc::Sender<Report>,
    replies: &mut Replies,
) -> Result<Verdict, NoVerdict> {
    let mut signer = ByRequest { reports, signatures: &mut replies.signatures };
    let result = match proof {
        Proof::Key { key, hash } => {
            let Ok(key) = PublicKey::from_bytes(&key) else { return Ok(Verdict::Gone) };
            handle.authenticate_publickey_with(user, key, hash.map(HashAlg::from), &mut signer).await?
        }
        Proof::Certificate { certificate, hash } => {
            let Ok(certificate) = Certificate::decode(&mut certificate.as_slice()) else {
                return Ok(Verdict::Gone);
            };
            handle
                .authenticate_certificate_with(user, certificate, hash.map(HashAlg::from), &mut signer)
                .await?
        }
        Proof::Password(password) => {
            let Some(password) = text_of(&password) else { return Ok(Verdict::Gone) };
            match handle.authenticate_password(user, password).await {
                Ok(result) => result,
                Err(_) => return Ok(Verdict::Gone),
            }
        }
        Proof::Interactive => return Ok(interactive(handle, user, reports, replies).await),
    };
    Ok(verdict(result))
}

/// Puts the server's questions to the helper until it is satisfied or not (RFC 4256).
async fn interactive(
    handle: &mut Handle<Client>,
    user: &str,
    reports: &mpsc::Sender<Report>,
    replies: &mut Replies,
) -> Verdict {
    let mut reply = handle.authenticate_keyboard_interactive_start(user, None::<String>).await;
    loop {
        let answers = match reply {
            Ok(Interactive::Success) => return Verdict::In,
            Ok(Interactive::Failure { remaining_methods, partial_success }) => {
                return verdict(AuthResult::Failure { remaining_methods, partial_success });
            }
            Err(_) => return Verdict::Gone,
            Ok(Interactive::InfoRequest { prompts, .. }) if prompts.len() > MAX_QUESTIONS => {
                return Verdict::Gone;
            }
            Ok(Interactive::InfoRequest { name, instructions, prompts }) => {
                let questions = prompts
                    .into_iter()
                    .map(|prompt| Question { text: clip(&prompt.prompt), echo: prompt.echo });
                let report = Report::Questions {
                    name: clip(&name),
                    instructions: clip(&instructions),
                    questions: questions.collect(),
                };
                if reports.send(report).await.is_err() {
                    return Verdict::Gone;
                }
                let Some(answers) = replies.answers.recv().await else { return Verdict::Gone };
                answers
            }
        };
        let texts = answers.iter().map(|answer| answer.as_ref().map_or(Some(String::new()), text_of));
        let Some(texts) = secretly(|| texts.collect::<Option<Vec<String>>>()) else { return Verdict::Gone };
        reply = handle.authenticate_keyboard_interactive_respond(texts).await;
    }
}

fn text_of(secret: &SecretBytes) -> Option<String> {
    secretly(|| String::from_utf8(secret.expose_secret().to_vec()).ok())
}

fn verdict(result: AuthResult) -> Verdict {
    match result {
        AuthResult::Success => Verdict::In,
        AuthResult::Failure { remaining_methods, partial_success } => {
            Verdict::Not { partly: partial_success, takes: takes(&remaining_methods) }
        }
    }
}

fn takes(methods: &MethodSet) -> Takes {
    Takes {
        keys: methods.contains(&MethodKind::PublicKey),
        passwords: methods.contains(&MethodKind::Password),
        answers: methods.contains(&MethodKind::KeyboardInteractive),
        any: !methods.is_empty(),
    }
}
