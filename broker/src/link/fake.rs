//! A helper for tests: it speaks the protocol and does what the test says.

use sallyport_protocol::envelope::{Caller, FromHelper, OpId, ToHelper};
use sallyport_protocol::flow;
use sallyport_protocol::frame::{self, Deframer};
use sallyport_protocol::handshake::{self, Hello, Limits, Profile, Reply, Role, Welcome};
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::Request;
use sallyport_protocol::text::PrincipalName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::{Broker, Link, Place, Trust};

/// A listening broker socket in a directory of its own.
pub struct Fake {
    directory: tempfile::TempDir,
    listener: UnixListener,
}

impl Fake {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("broker.sock")).unwrap();
        Self { directory, listener }
    }

    pub fn place(&self) -> Place {
        Place {
            directory: self.directory.path().to_owned(),
            autostart: false,
            trust: Trust::default(),
            porter: None,
        }
    }

    pub fn link(&self) -> Link<Broker> {
        Link::new(self.place(), Caller { principal: PrincipalName::new("local").unwrap(), client: 7 })
    }

    /// The next client, not greeted yet.
    pub async fn accept_raw(&self) -> UnixStream {
        self.listener.accept().await.unwrap().0
    }

    /// The next client, which has said its greeting and waits for ours.
    pub async fn accept_hello(&self) -> Client {
        let mut client = Client { stream: self.accept_raw().await, deframer: Deframer::new() };
        let hello: Hello = frame::decode(&client.body().await.unwrap()).unwrap();
        assert_eq!(handshake::agree(&hello, Role::Broker), Ok(handshake::HIGHEST));
        client
    }

    /// The next client, greeted.
    pub async fn accept(&self) -> Client {
        let mut client = self.accept_hello().await;
        let limits = Limits {
            operations: 3,
            stream_credit: flow::STREAM_CREDIT,
            connection_credit: flow::CONNECTION_CREDIT,
        };
        let welcome = Welcome {
            version: handshake::HIGHEST,
            limits,
            policy_digest: [0; 32],
            profile: Profile::SameUser,
            hardening: 0,
            build: handshake::build(),
        };
        client.write(&frame::encode(&Reply::Welcome(welcome)).unwrap()).await;
        client
    }
}

/// One client of the fake helper.
pub struct Client {
    stream: UnixStream,
    deframer: Deframer,
}

impl Client {
    /// The next frame; `None` when the client is gone.
    pub async fn next(&mut self) -> Option<ToHelper<Request>> {
        Some(frame::decode(&self.body().await?).unwrap())
    }

    /// The next operation, whatever comes before it left aside.
    pub async fn started(&mut self) -> (OpId, Request) {
        loop {
            if let ToHelper::Start { op, request, .. } = self.next().await.unwrap() {
                return (op, request);
            }
        }
    }

    pub async fn send(&mut self, message: FromHelper<Event, Outcome>) {
        self.write(&frame::encode(&message).unwrap()).await;
    }

    pub async fn done(&mut self, op: OpId, outcome: Outcome) {
        self.send(FromHelper::Done { op, outcome }).await;
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn body(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(body) = self.deframer.next_body().unwrap() {
                return Some(body.to_vec());
            }
            let mut buffer = [0; 8192];
            match self.stream.read(&mut buffer).await.unwrap_or(0) {
                0 => return None,
                n => self.deframer.push(&buffer[..n]),
            }
        }
    }
}
