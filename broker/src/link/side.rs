//! The two roles a client can speak in, each on its own socket.

use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::handshake::Role;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A role: its socket and the words it may use.
pub trait Side: Send + Sync + 'static {
    /// What it may ask.
    type Request: Serialize + Send + 'static;
    /// What it is told on the way.
    type Event: DeserializeOwned + Send + 'static;
    /// How its operations end.
    type Outcome: DeserializeOwned + Send + 'static;
    /// What it says it is.
    const ROLE: Role;
    /// The name of its socket in the runtime directory.
    const SOCKET: &'static str;
}

/// The side of agents: `serve`, `exec`.
#[derive(Debug)]
pub enum Broker {}

impl Side for Broker {
    type Request = Request;
    type Event = Event;
    type Outcome = Outcome;
    const ROLE: Role = Role::Broker;
    const SOCKET: &'static str = "broker.sock";
}

/// The side of people: `credential`, `unlock`, `approve`, `host`.
#[derive(Debug)]
pub enum Admin {}

impl Side for Admin {
    type Request = AdminRequest;
    type Event = AdminEvent;
    type Outcome = AdminOutcome;
    const ROLE: Role = Role::Admin;
    const SOCKET: &'static str = "admin.sock";
}
