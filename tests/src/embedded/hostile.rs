//! An SSH server that lets everybody in and then does what no server should.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Server, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, Limits, Preferred, Sig, cipher, kex, keys::PublicKey};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::server::fresh_key;
use crate::world::World;

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malice {
    /// Leaves the opening of a channel without an answer.
    NeverOpens,
    /// Takes a command and says nothing more.
    NeverAnswers,
    /// Sends output without end.
    Floods,
    /// Opens channels towards the client: an agent, X11, forwarded ports, sessions.
    OpensChannels,
    /// Ends a command several times, with data and codes after the end.
    EndsTwice,
    /// Wants new keys after every few bytes, with output in between.
    Rekeys,
    /// Ends a command by a signal of its own making, with a text that goes on and on.
    ForgesSignals,
    /// Closes a channel that it never answered a request on.
    ClosesUnanswered,
    /// Sends terminal sequences that would rename windows, answer queries, clear the screen.
    Escapes,
    /// Hangs up as soon as a command comes.
    HangsUp,
    /// Speaks ChaCha20 alone, without strict key exchange, as before CVE-2023-48795 was known.
    CanBeCut,
    /// Speaks ChaCha20 alone, and is otherwise as it should be.
    Strict,
}

/// A running server; it ends when dropped.
#[derive(Debug)]
pub struct Hostile {
    port: u16,
    host_key: PublicKey,
    accepted: Arc<AtomicUsize>,
    logins: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Hostile {
    /// Starts a server on a free port of loopback.
    pub fn start(malice: Malice) -> std::io::Result<Self> {
        let host = fresh_key();
        let host_key = host.public_key().clone();
        let limits = match malice {
            Malice::Rekeys => Limits::new(64, 64, Duration::from_secs(3600)),
            _ => Limits::default(),
        };
        let mut preferred = Preferred::default();
        if [Malice::CanBeCut, Malice::Strict].contains(&malice) {
            preferred.cipher = (&[cipher::CHACHA20_POLY1305]).into();
        }
        if malice == Malice::CanBeCut {
            preferred.kex.to_mut().retain(|name| *name != kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER);
        }
        let config = Arc::new(Config {
            preferred,
            auth_rejection_time: Duration::ZERO,
            keys: vec![host],
            limits,
            ..Config::default()
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        let (accepted, logins) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut doors = Doors(malice, accepted.clone(), logins.clone());
        runtime.spawn(async move {
            // Its clients see the connection refused when this ends.
            drop(doors.run_on_socket(config, &listener).await);
        });
        Ok(Self { port, host_key, accepted, logins, _runtime: runtime })
    }

    /// Makes it a host of the world's: in the inventory as `alias`, its key known, and a login key in the store.
    pub fn join(&self, world: &World, alias: &str, user: &str) {
        let place = format!("127.0.0.1:{}", self.port);
        world.record("ssh", &place, user, "key", world.key("ed25519", None).private().as_bytes());
        let and = |path: &Path, more: String| std::fs::read_to_string(path).unwrap_or_default() + &more;
        let key = self.host_key.to_openssh().expect("a key is written");
        let line = format!("[127.0.0.1]:{} {key}\n", self.port);
        world.known_hosts(&and(&world.state().join("known_hosts"), line));
        let entry =
            format!("[hosts.{alias}]\nhostname = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\n", self.port);
        world.write_hosts(&and(&world.config().join("hosts.toml"), entry));
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many of the channels that it opened were accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many keys it was shown by those who wanted to log in.
    pub fn logins(&self) -> usize {
        self.logins.load(Ordering::Relaxed)
    }

    /// The public host key.
    pub fn host_key(&self) -> &PublicKey {
        &self.host_key
    }
}

struct Doors(Malice, Arc<AtomicUsize>, Arc<AtomicUsize>);

impl Server for Doors {
    type Handler = Visit;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Visit {
        Visit { malice: self.0, accepted: self.1.clone(), logins: self.2.clone(), unanswered: Vec::new() }
    }
}

struct Visit {
    malice: Malice,
    accepted: Arc<AtomicUsize>,
    logins: Arc<AtomicUsize>,
    unanswered: Vec<ChannelOpenHandle>,
}

impl Handler for Visit {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.logins.fetch_add(1, Ordering::Relaxed);
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.malice {
            Malice::NeverOpens => self.unanswered.push(reply),
            _ => reply.accept().await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.malice == Malice::HangsUp {
            return Err(russh::Error::Disconnect);
        }
        if self.malice == Malice::ClosesUnanswered {
            return session.close(channel);
        }
        session.channel_success(channel)?;
        tokio::spawn(act(self.malice, channel, session.handle(), self.accepted.clone()));
        Ok(())
    }
}

/// Whether the client accepts a channel; one that gives no answer for a second does not.
async fn answered(opening: impl Future<Output = Result<Channel<Msg>, russh::Error>>) -> bool {
    matches!(tokio::time::timeout(Duration::from_secs(1), opening).await, Ok(Ok(_)))
}

/// What is sent once a command was taken. A client that hangs up ends it.
async fn act(malice: Malice, channel: ChannelId, handle: Handle, accepted: Arc<AtomicUsize>) {
    match malice {
        Malice::NeverOpens | Malice::NeverAnswers | Malice::HangsUp | Malice::ClosesUnanswered => return,
        Malice::Floods => {
            while handle.data(channel, vec![b'x'; 32 * 1024]).await.is_ok() {}
            return;
        }
        Malice::Rekeys => {
            for _ in 0..40 {
                drop(handle.data(channel, vec![b'k'; 100]).await);
            }
        }
        Malice::ForgesSignals => {
            let text = "\u{1b}[2Jkilled ".repeat(1000);
            for _ in 0..3 {
                let odd = Sig::Custom("\u{1b}]0;KILL\u{7}".into());
                let _ = handle.exit_signal_request(channel, odd, true, text.clone(), "xx".into()).await;
            }
        }
        Malice::OpensChannels => {
            for _ in 0..20 {
                let opened = [
                    answered(handle.channel_open_agent()).await,
                    answered(handle.channel_open_session()).await,
                    answered(handle.channel_open_x11("attacker", 1)).await,
                    answered(handle.channel_open_forwarded_tcpip("127.0.0.1", 1, "attacker", 1)).await,
                    answered(handle.channel_open_direct_tcpip("127.0.0.1", 22, "attacker", 1)).await,
                ];
                accepted.fetch_add(opened.iter().filter(|yes| **yes).count(), Ordering::Relaxed);
            }
        }
        // A command that ends well.
        Malice::CanBeCut | Malice::Strict => {}
        Malice::EndsTwice => {
            for code in [0, 7, u32::MAX] {
                let _ = handle.exit_status_request(channel, code).await;
                drop(handle.data(channel, "after the end\n").await);
                let _ = handle.eof(channel).await;
            }
        }
        Malice::Escapes => {
            let text =
                "\u{1b}]0;renamed\u{7}\u{1b}[6n\u{1b}[2J\u{1b}]52;c;c3RvbGVu\u{7}\u{9b}31m\u{202e}gone\r\n";
            drop(handle.data(channel, text).await);
        }
    }
    let _ = handle.exit_status_request(channel, 0).await;
    let _ = handle.eof(channel).await;
    let _ = handle.close(channel).await;
}
