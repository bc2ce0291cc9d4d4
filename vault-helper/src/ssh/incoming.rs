//! Connections that a host opens towards us, on ports it was asked to listen on. All others are refused.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use russh::Channel;
use russh::client::{ChannelOpenHandle, Msg};
use tokio::sync::mpsc;

/// Connections of one port that wait to be looked at; more are refused.
const WAITING: usize = 16;

/// The ports one transport listens on, and who hears of connections there.
#[derive(Default)]
pub struct Incoming {
    ports: Mutex<HashMap<u32, mpsc::Sender<Channel<Msg>>>>,
}

impl Incoming {
    fn ports(&self) -> MutexGuard<'_, HashMap<u32, mpsc::Sender<Channel<Msg>>>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Expects connections on a port; nothing if somebody does already.
    pub fn expect(&self, port: u32) -> Option<mpsc::Receiver<Channel<Msg>>> {
        let mut ports = self.ports();
        if ports.get(&port).is_some_and(|sender| !sender.is_closed()) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        ports.insert(port, sender);
        Some(receiver)
    }

    /// Expects none there any more.
    pub fn forget(&self, port: u32) {
        self.ports().remove(&port);
    }

    /// Takes a channel that the host opens. Dropping its handle refuses it.
    pub async fn arrive(&self, channel: Channel<Msg>, port: u32, handle: ChannelOpenHandle) {
        let place = self.ports().get(&port).and_then(|sender| sender.clone().try_reserve_owned().ok());
        if let Some(place) = place {
            handle.accept().await;
            place.send(channel);
        }
    }
}
