//! The server: host key, the one login, and a task for every channel.

use std::fs::File;
use std::io::Read;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Server, Session, VerifiedPublicKey,
};
use russh::{Channel, MethodKind, MethodSet};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::command;

/// A new Ed25519 key pair, from the kernel's randomness.
pub fn fresh_key() -> PrivateKey {
    let mut seed = [0; 32];
    let mut random = File::open("/dev/urandom").expect("the kernel gives randomness");
    random.read_exact(&mut seed).expect("as much as is asked for");
    PrivateKey::from(Ed25519Keypair::from_seed(&seed))
}

/// Where commands run.
#[derive(Debug, Clone)]
pub struct Place {
    /// The home directory, where commands start.
    pub home: PathBuf,
    /// The whole environment commands get.
    pub environment: Vec<(String, String)>,
}

/// A running server; dropping it closes its connections and ends their commands.
#[derive(Debug)]
pub struct Embedded {
    port: u16,
    host_key: PublicKey,
    // Dropped with the server: its tasks end, and their commands with them.
    _runtime: Runtime,
}

impl Embedded {
    /// Starts a server on a free port of loopback that lets in `user` with the private half of `key`.
    pub fn start(user: &str, key: &PublicKey, place: Place) -> std::io::Result<Self> {
        Self::start_asking(user, key, None, place)
    }

    /// Like [`Embedded::start`]; with `code` it asks for a verification code after the key, as a second factor.
    pub fn start_asking(
        user: &str,
        key: &PublicKey,
        code: Option<&str>,
        place: Place,
    ) -> std::io::Result<Self> {
        let host = fresh_key();
        let host_key = host.public_key().clone();
        let config = Arc::new(Config {
            methods: MethodSet::from(&[MethodKind::PublicKey, MethodKind::KeyboardInteractive][..]),
            auth_rejection_time: Duration::ZERO,
            keys: vec![host],
            nodelay: true,
            ..Config::default()
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        let mut doors = Doors(Login {
            user: user.to_owned(),
            key: key.clone(),
            code: code.map(str::to_owned),
            keyed: false,
            place: Arc::new(place),
        });
        runtime.spawn(async move {
            // An accept that fails ends the server; its clients see the connection refused.
            if let Err(error) = doors.run_on_socket(config, &listener).await {
                eprintln!("the embedded SSH server stopped: {error}");
            }
        });
        Ok(Self { port, host_key, _runtime: runtime })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The public host key.
    pub fn host_key(&self) -> &PublicKey {
        &self.host_key
    }
}

#[derive(Debug, Clone)]
struct Login {
    user: String,
    key: PublicKey,
    /// What the second factor wants to hear.
    code: Option<String>,
    /// Whether the key was shown already.
    keyed: bool,
    place: Arc<Place>,
}

struct Doors(Login);

impl Server for Doors {
    type Handler = Login;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Login {
        self.0.clone()
    }
}

impl Handler for Login {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = user == self.user && key.public_key.key_data() == self.key.key_data();
        if known && self.code.is_some() {
            self.keyed = true;
            return Ok(Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[MethodKind::KeyboardInteractive][..])),
                partial_success: true,
            });
        }
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(code) = self.code.as_ref().filter(|_| self.keyed) else { return Ok(Auth::reject()) };
        Ok(match response.and_then(|mut texts| texts.next()) {
            None => Auth::Partial {
                name: "Second factor".into(),
                instructions: "Look at your token.".into(),
                prompts: vec![("Verification code: ".into(), false)].into(),
            },
            Some(text) if text == code.as_bytes() => Auth::Accept,
            Some(_) => Auth::reject(),
        })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        tokio::spawn(command::serve(channel, session.handle(), Arc::clone(&self.place)));
        Ok(())
    }
}
