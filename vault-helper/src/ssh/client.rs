//! What a server asks of us and tells us: its key, what was agreed upon, channels it opens, its end.

use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{self, ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Channel, Names, cipher};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::watch;

use super::incoming::Incoming;
use super::trust::Endpoint;
use crate::helper::Helper;

/// What russh tells us about a connection, and asks us.
pub struct Client {
    pub(super) endpoint: Endpoint,
    pub(super) accept_new: bool,
    pub(super) helper: Arc<Helper>,
    /// What the key check found; the login reads it.
    pub(super) found: Arc<Mutex<KeyCheck>>,
    pub(super) closed: watch::Sender<Option<String>>,
    /// The host keys the server says it has, once it was logged in to.
    pub(super) announced: watch::Sender<Vec<PublicKey>>,
    /// Ports the host was asked to listen on.
    pub(super) incoming: Arc<Incoming>,
}

/// What is known of the host's key.
#[derive(Default)]
pub struct KeyCheck {
    /// The key the host showed.
    pub key: Option<PublicKey>,
    /// Why it was not accepted.
    pub refused: Option<Failure>,
}

/// russh's errors, and nothing else.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ClientError(#[from] pub(super) russh::Error);

impl client::Handler for Client {
    type Error = ClientError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, ClientError> {
        let result = self.helper.trust.accept(&self.endpoint, shown, self.accept_new);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let PublicKeyOrCertificate::PublicKey { key, .. } = shown {
            found.key = Some(key.clone());
        }
        Ok(match result {
            Ok(()) => true,
            Err(failure) => {
                found.refused = Some(failure);
                false
            }
        })
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &Names,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        if !can_be_cut(names) {
            return Ok(());
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.refused = Some(Failure::new(
            ErrorCode::SshConnectionFailed,
            format!(
                "{} offers ChaCha20 alone and no strict key exchange: messages could be cut off (CVE-2023-48795)",
                self.endpoint
            ),
            "update the host's SSH server (OpenSSH 9.6), or have it offer AES-GCM (`Ciphers` of its sshd_config)",
        ));
        Err(russh::Error::Disconnect.into())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<ClientError>) -> Result<(), ClientError> {
        let text = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                format!("the host closed the connection: {}", info.message)
            }
            DisconnectReason::Error(error) => format!("the connection broke: {error}"),
        };
        self.closed.send_replace(Some(text));
        Ok(())
    }

    async fn openssh_ext_host_keys_announced(
        &mut self,
        keys: Vec<PublicKey>,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        self.announced.send_replace(keys);
        Ok(())
    }

    // Only for ports that a remote forward asked for.
    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        _: &str,
        port: u32,
        _: &str,
        _: u32,
        handle: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        self.incoming.arrive(channel, port, handle).await;
        Ok(())
    }

    // A server has no business opening any other channel here. Dropping the handle refuses.
    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        Ok(())
    }
}

/// Whether somebody between could take the first messages away unnoticed (Terrapin): of the ciphers that are spoken
/// here, ChaCha20 without strict key exchange. CBC, the other one, is not spoken.
fn can_be_cut(names: &Names) -> bool {
    names.cipher == cipher::CHACHA20_POLY1305 && !names.strict_kex()
}

/// Looks at the host's key and refuses it, so that nothing follows.
pub(super) struct Scanner(pub(super) Arc<Mutex<KeyCheck>>);

impl client::Handler for Scanner {
    type Error = ClientError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, ClientError> {
        if let PublicKeyOrCertificate::PublicKey { key, .. } = shown {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).key = Some(key.clone());
        }
        Ok(false)
    }
}
