//! A connection until it is logged in: one question at a time to its carrier, and what it answers.

use russh::keys::HashAlg;
use sallyport_protocol::text::SecretBytes;
use sallyport_protocol::{ErrorCode, Failure};

use super::link::{Link, LoginReports};
use crate::carrier::language::{Fault, Order, Proof, Question, Report, Verdict};

/// See the module.
pub struct Login {
    link: Link,
    reports: LoginReports,
}

/// What comes back for a proof.
pub enum Reply {
    /// What the server made of it.
    Verdict(Verdict),
    /// A signature is wanted over this.
    Sign(Vec<u8>, Option<HashAlg>),
    /// The server asks: what about, in two texts, and the questions.
    Questions(String, String, Vec<Question>),
}

impl Login {
    /// A connection that was just handed over.
    pub fn new((link, reports): (Link, LoginReports)) -> Self {
        Self { link, reports }
    }

    /// Exchanges keys.
    ///
    /// # Errors
    /// What went wrong, as the carrier says.
    pub async fn exchange(&mut self, order: Order) -> Result<(), Fault> {
        let gone = || Fault::Other(self.link.closed().unwrap_or_else(|| "the carrier made no sense".into()));
        if self.link.order(order).await.is_err() {
            return Err(gone());
        }
        match self.reports.recv().await {
            Some(Report::Exchanged) => Ok(()),
            Some(Report::NotExchanged(fault)) => Err(fault),
            _ => Err(gone()),
        }
    }

    /// The hash the server wants with RSA keys.
    ///
    /// # Errors
    /// When the connection is gone, as with everything here.
    pub async fn rsa_hash(&mut self) -> Result<Option<HashAlg>, Failure> {
        self.order(Order::AskRsaHash).await?;
        match self.reports.recv().await {
            Some(Report::RsaHash(hash)) => Ok(hash.map(HashAlg::from)),
            _ => Err(self.broken()),
        }
    }

    /// Offers a proof.
    pub async fn prove(&mut self, user: &str, proof: Proof) -> Result<Reply, Failure> {
        self.reply_to(Order::Prove { user: user.to_owned(), proof }).await
    }

    /// Gives the signature that was wanted.
    pub async fn signed(&mut self, signature: Vec<u8>) -> Result<Reply, Failure> {
        self.reply_to(Order::Signature(signature)).await
    }

    /// Gives the answers to the server's questions, in their order.
    pub async fn answered(&mut self, answers: Vec<Option<SecretBytes>>) -> Result<Reply, Failure> {
        self.reply_to(Order::Answers(answers)).await
    }

    /// The connection, logged in.
    pub fn done(self) -> Link {
        self.link
    }

    /// What is told of a connection that went away meanwhile.
    pub fn broken(&self) -> Failure {
        let why = self.link.closed().unwrap_or_else(|| "Disconnected".into());
        Failure::new(
            ErrorCode::SshConnectionFailed,
            format!("the connection broke during the login: {why}"),
            "try again; sshd's own log says more",
        )
    }

    async fn order(&self, order: Order) -> Result<(), Failure> {
        self.link.order(order).await.map_err(|_| self.broken())
    }

    async fn reply_to(&mut self, order: Order) -> Result<Reply, Failure> {
        self.order(order).await?;
        match self.reports.recv().await {
            Some(Report::Proven(verdict)) => Ok(Reply::Verdict(verdict)),
            None => Ok(Reply::Verdict(Verdict::Gone)),
            Some(Report::Sign { data, hash }) => Ok(Reply::Sign(data, hash.map(HashAlg::from))),
            Some(Report::Questions { name, instructions, questions }) => {
                Ok(Reply::Questions(name, instructions, questions))
            }
            _ => Err(self.broken()),
        }
    }
}
