//! One connection: carries out the helper's orders until either side is gone.

use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{Algorithm, PublicKey};
use russh::{Disconnect, Preferred, cipher};
use rustix::net::{Shutdown, shutdown};
use sallyport_protocol::text::SecretBytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::{Mutex, RwLock, mpsc};
use tokio::task::JoinSet;

use super::channels::{Channels, TooMuch};
use super::client::{Arrivals, Client, ClientError};
use super::language::{
    Ask, Destination, Fault, Frames, Hash, Order, Proof, Refusal, Report, Verdict, clip, write_all,
};
use super::login::{self, Replies};

/// Unanswered questions for a sign of life after which the connection counts as dead: with the usual 20 seconds between
/// them that is noticed within 80 s.
pub const KEEPALIVE_MAX: usize = 3;
/// Bytes of one channel that may be under way from the server.
const WINDOW: u32 = 2 * 1024 * 1024;
/// Reports that wait to be written.
const REPORTS: usize = 16;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// Where a host listens for us: never on its other addresses (unless its sshd says `GatewayPorts yes`).
const LOOPBACK: &str = "localhost";

/// AES-GCM first: both sides nearly always have the instructions for it. ChaCha20 last: see [`super::client`].
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
    cipher::CHACHA20_POLY1305,
];

/// Why no more orders are carried out.
enum Over {
    /// The helper is gone, or said goodbye.
    Finished,
    /// The helper speaks another language.
    Nonsense,
}

impl From<TooMuch> for Over {
    fn from(_: TooMuch) -> Self {
        Self::Nonsense
    }
}

/// Serves one connection to its end, by the helper's orders, with reports to it. `server` leads to the server, and `cut` is
/// another descriptor of the same socket.
pub async fn serve<S>(orders: Receiver, helper: Sender, server: S, cut: OwnedFd)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (reports, queue) = mpsc::channel(REPORTS);
    let mut frames = Frames::new(orders);
    let Ok(Some(Order::Exchange { algorithms, certificates, keepalive_s })) = frames.next().await else {
        return;
    };
    let writing = tokio::spawn(write_all(helper, queue));
    let (accept, accepted) = mpsc::channel(1);
    let (signatures, signed) = mpsc::channel(1);
    let (answers, answered) = mpsc::channel(1);
    let mut connection = Connection {
        login: Arc::new(Login {
            handle: RwLock::default(),
            replies: Mutex::new(Replies { signatures: signed, answers: answered }),
        }),
        reports: reports.clone(),
        channels: Channels::new(reports.clone()),
        arrivals: Arrivals::default(),
        accept,
        signatures,
        answers,
        tasks: JoinSet::new(),
    };
    let client = Client {
        reports,
        accepted,
        channels: connection.channels.clone(),
        arrivals: connection.arrivals.clone(),
        held: Vec::new(),
    };
    connection.exchange(config(&algorithms, certificates, keepalive_s), server, client);
    while let Ok(Some(order)) = frames.next().await {
        if let Err(over) = connection.follow(order) {
            connection.tell(over).await;
            break;
        }
    }
    connection.end().await;
    // What was reported last is written, if the helper still reads.
    let _ = tokio::time::timeout(GOODBYE, writing).await;
    // russh works in a task of its own, and would wait for ever for a server that takes nothing.
    let _ = shutdown(&cut, Shutdown::Both);
}

struct Connection {
    login: Arc<Login>,
    reports: mpsc::Sender<Report>,
    channels: Channels,
    arrivals: Arrivals,
    accept: mpsc::Sender<bool>,
    signatures: mpsc::Sender<Vec<u8>>,
    answers: mpsc::Sender<Vec<Option<SecretBytes>>>,
    /// What takes its time and ends with the connection.
    tasks: JoinSet<()>,
}

/// russh's end of the connection: one writes while it logs in, many read afterwards.
struct Login {
    handle: RwLock<Option<Handle<Client>>>,
    replies: Mutex<Replies>,
}

impl Connection {
    /// Exchanges keys, beside the orders that this makes necessary.
    fn exchange<S>(&mut self, config: client::Config, server: S, client: Client)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (login, reports) = (self.login.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let report = match client::connect_stream(Arc::new(config), server, client).await {
                Ok(handle) => {
                    *login.handle.write().await = Some(handle);
                    Report::Exchanged
                }
                Err(error) => Report::NotExchanged(fault(&error)),
            };
            // Without the helper nobody wants to know.
            let _ = reports.send(report).await;
        });
    }

    /// Carries out an order, without waiting for the server: the next one may be what it waits for.
    fn follow(&mut self, order: Order) -> Result<(), Over> {
        match order {
            Order::Exchange { .. } => return Err(Over::Nonsense),
            Order::Accept(verdict) => self.accept.try_send(verdict).map_err(|_| Over::Nonsense)?,
            Order::Signature(signature) => {
                self.signatures.try_send(signature).map_err(|_| Over::Nonsense)?;
            }
            Order::Answers(answers) => self.answers.try_send(answers).map_err(|_| Over::Nonsense)?,
            Order::AskRsaHash => self.rsa_hash(),
            Order::Prove { user, proof } => self.prove(user, proof),
            Order::Open { ask, to } => self.open(ask, to),
            Order::Listen { ask, port, begin } => self.listen(ask, port, begin),
            Order::ProveHostKeys { ask, keys } => self.prove_host_keys(ask, &keys),
            Order::Arrival { channel, wanted } => self.arrival(channel, wanted),
            Order::Command { channel, first, piece } => self.channels.command(channel, first, &piece)?,
            Order::Data { channel, bytes } => self.channels.data(channel, bytes)?,
            Order::Request { channel, request } => self.channels.request(channel, request),
            Order::Disconnect => return Err(Over::Finished),
        }
        while self.tasks.try_join_next().is_some() {}
        Ok(())
    }

    fn rsa_hash(&mut self) {
        let (login, reports) = (self.login.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let handle = login.handle.read().await;
            let Some(handle) = handle.as_ref() else { return };
            let wanted = handle.best_supported_rsa_hash().await.ok().flatten();
            // What servers that do not say take since OpenSSH 7.2.
            let hash = wanted.flatten().map_or(Some(Hash::Sha256), Hash::of);
            let _ = reports.send(Report::RsaHash(hash)).await;
        });
    }

    fn prove(&mut self, user: String, proof: Proof) {
        let (login, reports) = (self.login.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let mut handle = login.handle.write().await;
            let Some(handle) = handle.as_mut() else { return };
            let mut replies = login.replies.lock().await;
            if let Ok(verdict) = login::prove(handle, &user, proof, &reports, &mut replies).await {
                // russh answers for a host that is gone as if it had refused.
                let verdict = match verdict {
                    Verdict::Not { takes, .. } if !takes.any && handle.is_closed() => Verdict::Gone,
                    verdict => verdict,
                };
                let _ = reports.send(Report::Proven(verdict)).await;
            }
        });
    }

    fn open(&mut self, ask: Ask, to: Destination) {
        let (login, reports, channels) = (self.login.clone(), self.reports.clone(), self.channels.clone());
        self.tasks.spawn(async move {
            let handle = login.handle.read().await;
            let Some(handle) = handle.as_ref() else { return };
            let opened = match to {
                Destination::Session => handle.channel_open_session().await,
                Destination::Tcp { host, port } => {
                    handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await
                }
            };
            let report = match opened {
                Ok(channel) => Report::Opened { ask, channel: channels.add(channel) },
                Err(error) => Report::Done { ask, refused: Some(refusal(&error)) },
            };
            let _ = reports.send(report).await;
        });
    }

    fn listen(&mut self, ask: Ask, port: u16, begin: bool) {
        let (login, reports) = (self.login.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let handle = login.handle.read().await;
            let Some(handle) = handle.as_ref() else { return };
            let done = match begin {
                true => handle.tcpip_forward(LOOPBACK, u32::from(port)).await.map(|_| ()),
                false => handle.cancel_tcpip_forward(LOOPBACK, u32::from(port)).await,
            };
            let refused = done.err().map(|error| refusal(&error));
            let _ = reports.send(Report::Done { ask, refused }).await;
        });
    }

    fn prove_host_keys(&mut self, ask: Ask, keys: &[Vec<u8>]) {
        let keys: Vec<PublicKey> = keys.iter().filter_map(|key| PublicKey::from_bytes(key).ok()).collect();
        let (login, reports) = (self.login.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let handle = login.handle.read().await;
            let Some(handle) = handle.as_ref() else { return };
            let refused = handle.hostkeys_prove(keys).await.err().map(|error| refusal(&error));
            let _ = reports.send(Report::Done { ask, refused }).await;
        });
    }

    fn arrival(&mut self, channel: u32, wanted: bool) {
        // Dropping the handle refuses.
        let Some((channel, handle)) = self.arrivals.take(channel).filter(|_| wanted) else { return };
        self.channels.add(channel);
        self.tasks.spawn(handle.accept());
    }

    /// Tells the helper why it is over.
    async fn tell(&self, over: Over) {
        let why = match over {
            Over::Finished => "the connection was closed",
            Over::Nonsense => "the vault helper made no sense",
        };
        // One that is gone needs no telling.
        let _ = self.reports.send(Report::Closed(why.to_owned())).await;
    }

    /// Says goodbye, and ends what is under way.
    async fn end(mut self) {
        self.tasks.abort_all();
        let goodbye = async {
            if let Some(handle) = self.login.handle.read().await.as_ref() {
                let _ = handle.disconnect(Disconnect::ByApplication, "closed", "en").await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        self.channels.end();
    }
}

/// What we would rather speak: AES-GCM, and the host key algorithms the helper would rather see.
fn config(algorithms: &[String], certificates: bool, keepalive_s: u64) -> client::Config {
    let rank = |algorithm: &Algorithm| {
        algorithms.iter().position(|wanted| wanted == algorithm.as_str()).unwrap_or(usize::MAX)
    };
    let mut key = Preferred::DEFAULT.key.into_owned();
    key.sort_by_key(rank);
    let host_key_certificates = if certificates { key.clone() } else { Vec::new() };
    client::Config {
        window_size: WINDOW,
        // What comes on channels is taken from russh's handler; its own queue of each is read for the word that the channel is
        // open and no longer. With room for more, what a server says at once would come before we know the channel, and be
        // passed over.
        channel_buffer_size: 1,
        keepalive_interval: (keepalive_s > 0).then_some(Duration::from_secs(keepalive_s)),
        keepalive_max: KEEPALIVE_MAX,
        preferred: Preferred {
            cipher: Cow::Borrowed(CIPHERS),
            key: key.into(),
            host_key_certificates: host_key_certificates.into(),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    }
}

fn fault(error: &ClientError) -> Fault {
    let text = clip(&error.to_string());
    match error {
        ClientError::CanBeCut => Fault::CanBeCut,
        ClientError::Russh(russh::Error::Disconnect) => Fault::HungUp(text),
        ClientError::Russh(russh::Error::IO(error))
            if error.kind() == std::io::ErrorKind::ConnectionReset =>
        {
            Fault::HungUp(text)
        }
        ClientError::Russh(_) => Fault::Other(text),
    }
}

fn refusal(error: &russh::Error) -> Refusal {
    match error {
        russh::Error::ChannelOpenFailure(reason) => Refusal::Channel(clip(&format!("{reason:?}"))),
        other => Refusal::Other(clip(&other.to_string())),
    }
}
