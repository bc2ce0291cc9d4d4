//! What a server asks of us and tells us, as reports to the helper.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use russh::client::{self, ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelId, Names, Sig, cipher};
use sallyport_protocol::text::Chunk;
use tokio::sync::mpsc;

use super::channels::Channels;
use super::language::{Report, Saying, clip};

/// Host keys that are passed on: one more than the helper takes, and as many of the largest fit a frame.
const ANNOUNCED: usize = 17;
/// Reports that are held back at most.
const HELD: usize = 16;
/// Channels of the server's that wait for the helper; more are refused.
const ARRIVING: usize = 16;

/// What russh tells us about a connection, and asks us.
pub struct Client {
    pub(super) reports: mpsc::Sender<Report>,
    /// What the helper thinks of the keys it was shown.
    pub(super) accepted: mpsc::Receiver<bool>,
    pub(super) channels: Channels,
    pub(super) arrivals: Arrivals,
    /// What the helper is told with the next report: that a request was granted is no reason to wake it.
    pub(super) held: Vec<Report>,
}

/// Channels the server opened, until it is known whether they are wanted.
#[derive(Clone, Default)]
pub struct Arrivals(Arc<Mutex<HashMap<u32, Arrival>>>);

/// A channel the server opened, and the way to accept it; dropping that refuses.
type Arrival = (Channel<Msg>, ChannelOpenHandle);

impl Arrivals {
    /// Takes one out.
    pub fn take(&self, channel: u32) -> Option<Arrival> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&channel)
    }

    fn add(&self, channel: Channel<Msg>, handle: ChannelOpenHandle) -> Option<u32> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = channel.id().number();
        (all.len() < ARRIVING).then(|| all.insert(number, (channel, handle)))?;
        Some(number)
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// russh says so.
    #[error(transparent)]
    Russh(#[from] russh::Error),
    /// Messages could be cut off unnoticed.
    #[error("messages could be cut off (CVE-2023-48795)")]
    CanBeCut,
}

impl Client {
    async fn report(&mut self, report: Report) -> Result<(), ClientError> {
        for report in self.held.drain(..).chain([report]) {
            // Without the helper there is nothing left to do here.
            self.reports.send(report).await.map_err(|_| russh::Error::Disconnect)?;
        }
        Ok(())
    }

    async fn say(&mut self, channel: ChannelId, saying: Saying) -> Result<(), ClientError> {
        let channel = channel.number();
        if !self.channels.has(channel) {
            return Ok(());
        }
        let can_wait = saying == Saying::Success && self.held.len() < HELD;
        let report = Report::Said { channel, saying };
        if can_wait {
            self.held.push(report);
            return Ok(());
        }
        self.report(report).await
    }

    async fn pass(&mut self, channel: ChannelId, errors: bool, data: &[u8]) -> Result<(), ClientError> {
        let channel = channel.number();
        if !self.channels.has(channel) {
            return Ok(());
        }
        for bytes in Chunk::cut(Bytes::copy_from_slice(data)) {
            self.report(Report::Data { channel, errors, bytes }).await?;
        }
        Ok(())
    }
}

impl client::Handler for Client {
    type Error = ClientError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, ClientError> {
        let (key, certificate) = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => (key.to_bytes(), false),
            PublicKeyOrCertificate::Certificate(certificate) => (certificate.to_bytes(), true),
        };
        let key = key.map_err(|_| russh::Error::CouldNotReadKey)?;
        self.report(Report::HostKey { key, certificate }).await?;
        Ok(self.accepted.recv().await.unwrap_or(false))
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &Names,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        if can_be_cut(names) { Err(ClientError::CanBeCut) } else { Ok(()) }
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _: &mut Session) -> Result<(), ClientError> {
        self.pass(channel, false, data).await
    }

    async fn extended_data(
        &mut self,
        channel: ChannelId,
        code: u32,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), ClientError> {
        // SSH_EXTENDED_DATA_STDERR (RFC 4254, 5.2); no other kind is known.
        if code == 1 { self.pass(channel, true, data).await } else { Ok(()) }
    }

    async fn channel_success(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), ClientError> {
        self.say(channel, Saying::Success).await
    }

    async fn channel_failure(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), ClientError> {
        self.say(channel, Saying::Failure).await
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), ClientError> {
        self.say(channel, Saying::Eof).await
    }

    async fn exit_status(
        &mut self,
        channel: ChannelId,
        status: u32,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        self.say(channel, Saying::ExitStatus(status)).await
    }

    async fn exit_signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _: bool,
        _: &str,
        _: &str,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        self.say(channel, Saying::ExitSignal(clip(signal_name(&signal)))).await
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), ClientError> {
        match self.channels.remove(channel.number()) {
            true => self.report(Report::Said { channel: channel.number(), saying: Saying::Close }).await,
            false => Ok(()),
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<ClientError>) -> Result<(), ClientError> {
        let text = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                format!("the host closed the connection: {}", info.message)
            }
            DisconnectReason::Error(error) => format!("the connection broke: {error}"),
        };
        self.report(Report::Closed(clip(&text))).await
    }

    async fn openssh_ext_host_keys_announced(
        &mut self,
        keys: Vec<PublicKey>,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        let keys = keys.iter().take(ANNOUNCED).filter_map(|key| key.to_bytes().ok()).collect();
        self.report(Report::Announced(keys)).await
    }

    // Only for ports that the host was asked to listen on: the helper knows.
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
        match self.arrivals.add(channel, handle) {
            Some(channel) => self.report(Report::Arrived { channel, port }).await,
            None => Ok(()),
        }
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

/// The name of a signal, as RFC 4254 writes it.
fn signal_name(signal: &Sig) -> &str {
    match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name,
    }
}
