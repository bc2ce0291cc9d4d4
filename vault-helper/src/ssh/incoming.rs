//! Connections that a host opens towards us, on ports it was asked to listen on. All others are refused.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{self, OwnedPermit};

use super::channel::Channel;

/// Connections of one port that wait to be looked at; more are refused.
const WAITING: usize = 16;

/// The ports one transport listens on, and who hears of connections there.
#[derive(Default)]
pub struct Incoming {
    ports: Mutex<HashMap<u16, mpsc::Sender<Channel>>>,
}

impl Incoming {
    fn ports(&self) -> MutexGuard<'_, HashMap<u16, mpsc::Sender<Channel>>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Expects connections on a port; nothing if somebody does already.
    pub fn expect(&self, port: u16) -> Option<mpsc::Receiver<Channel>> {
        let mut ports = self.ports();
        if ports.get(&port).is_some_and(|sender| !sender.is_closed()) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        ports.insert(port, sender);
        Some(receiver)
    }

    /// Expects none there any more.
    pub fn forget(&self, port: u16) {
        self.ports().remove(&port);
    }

    /// A place for a channel that the host opens, where somebody expects one.
    pub(super) fn place(&self, port: u32) -> Option<OwnedPermit<Channel>> {
        let port = u16::try_from(port).ok()?;
        self.ports().get(&port)?.clone().try_reserve_owned().ok()
    }
}
