//! Credits, order and fairness of outgoing frames, without IO.
//!
//! [`Outbox`] decides which frame goes next: control frames before data, streams
//! in turn, nothing beyond the credit the peer gave. [`Window`] is the receiving
//! side's bookkeeping: it tells a peer that overdraws from one that does not.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::rope::Rope;

/// Credit of a fresh stream, in bytes, in each direction.
pub const STREAM_CREDIT: u32 = 256 * 1024;
/// Bytes that may be under way over all streams of a connection, in each direction.
pub const CONNECTION_CREDIT: u32 = 8 * 1024 * 1024;
/// Operations under way at once on a connection.
pub const OPERATIONS: u32 = 1024;

/// The peer broke the rules; the connection must close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// More credit than was ever taken.
    #[error("credit for bytes that were never sent")]
    OverCredit,
    /// More data than credit allowed.
    #[error("data beyond the credit")]
    Overdraft,
    /// An operation id that is not above all earlier ones.
    #[error("an operation id used twice or out of order")]
    StaleId,
    /// Too many operations at once.
    #[error("too many operations at once")]
    Operations,
    /// Data after its end, input where none was announced, or beyond what was announced.
    #[error("input that was not announced")]
    Input,
    /// Credit of 0 bytes, an empty chunk: a message that can mean nothing.
    #[error("an empty message")]
    Empty,
}

/// What a queued frame takes at least, in bytes: a stream of tiny ones must not be allowed many times what one of large ones
/// is.
const LEAST: usize = 256;

/// What a frame counts for while it is queued.
fn weight(frame: &Rope) -> usize {
    frame.len().max(LEAST)
}

/// One stream's waiting frames.
#[derive(Debug)]
struct Lane {
    /// Encoded frames with the credit each costs.
    queue: VecDeque<(Rope, u32)>,
    queued: usize,
    credit: u32,
    /// Bytes sent and not yet credited.
    owed: u32,
    in_turn: bool,
}

/// Outgoing frames of one connection. `K` names a stream.
#[derive(Debug)]
pub struct Outbox<K> {
    control: VecDeque<Rope>,
    lanes: HashMap<K, Lane>,
    turn: VecDeque<K>,
    credit: u32,
    /// Frames to be sent as control once all their lanes are empty.
    last: Vec<(Vec<K>, Rope)>,
}

impl<K: Copy + Eq + Hash> Default for Outbox<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Eq + Hash> Outbox<K> {
    /// An empty outbox with full connection credit.
    pub fn new() -> Self {
        Self {
            control: VecDeque::new(),
            lanes: HashMap::new(),
            turn: VecDeque::new(),
            credit: CONNECTION_CREDIT,
            last: Vec::new(),
        }
    }

    /// Opens a stream with [`STREAM_CREDIT`].
    pub fn open(&mut self, key: K) {
        self.lanes.entry(key).or_insert(Lane {
            queue: VecDeque::new(),
            queued: 0,
            credit: STREAM_CREDIT,
            owed: 0,
            in_turn: false,
        });
    }

    /// Queues a control frame: it goes before all data.
    pub fn control(&mut self, frame: impl Into<Rope>) {
        self.control.push_back(frame.into());
    }

    /// Queues an encoded data frame that costs `cost` bytes of credit. Frames for
    /// a stream that is not open are dropped: its operation is over.
    pub fn data(&mut self, key: K, frame: impl Into<Rope>, cost: u32) {
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        let frame = frame.into();
        lane.queued += weight(&frame);
        lane.queue.push_back((frame, cost));
        if !lane.in_turn {
            lane.in_turn = true;
            self.turn.push_back(key);
        }
    }

    /// Bytes queued on a stream and not yet sent, tiny frames counted for what they take; producers wait while this is high.
    pub fn queued(&self, key: K) -> usize {
        self.lanes.get(&key).map_or(0, |lane| lane.queued)
    }

    /// Queues an operation's last frame: it goes once all of `keys` are drained,
    /// and closes them.
    pub fn finish(&mut self, keys: Vec<K>, frame: impl Into<Rope>) {
        self.last.push((keys, frame.into()));
        self.settle();
    }

    /// Drops what still waits on `keys`, so that a `finish` need not wait for a
    /// reader that stopped reading.
    pub fn abandon(&mut self, keys: &[K]) {
        for key in keys {
            if let Some(lane) = self.lanes.get_mut(key) {
                lane.queue.clear();
                lane.queued = 0;
            }
        }
        self.settle();
    }

    /// The peer took bytes off a stream. Credit for an operation that is over is
    /// ignored: the two frames crossed.
    ///
    /// # Errors
    /// When the peer returns more than it was sent, or nothing.
    pub fn credit(&mut self, key: K, bytes: u32) -> Result<(), Violation> {
        if bytes == 0 {
            return Err(Violation::Empty);
        }
        let Some(lane) = self.lanes.get_mut(&key) else { return Ok(()) };
        lane.owed = lane.owed.checked_sub(bytes).ok_or(Violation::OverCredit)?;
        lane.credit += bytes;
        self.credit += bytes;
        if !lane.queue.is_empty() && !lane.in_turn {
            lane.in_turn = true;
            self.turn.push_back(key);
        }
        Ok(())
    }

    /// The next frame to write, if one may go now.
    pub fn next_frame(&mut self) -> Option<Rope> {
        if let Some(frame) = self.control.pop_front() {
            return Some(frame);
        }
        for _ in 0..self.turn.len() {
            let key = self.turn.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            let Some((_, cost)) = lane.queue.front() else {
                lane.in_turn = false;
                continue;
            };
            let cost = *cost;
            if cost > self.credit {
                self.turn.push_back(key);
                continue;
            }
            if cost > lane.credit {
                lane.in_turn = false;
                continue;
            }
            let (frame, _) = lane.queue.pop_front()?;
            lane.queued -= weight(&frame);
            lane.credit -= cost;
            lane.owed += cost;
            self.credit -= cost;
            if lane.queue.is_empty() {
                lane.in_turn = false;
                self.settle();
            } else {
                self.turn.push_back(key);
            }
            return Some(frame);
        }
        None
    }

    /// Moves last frames whose lanes are drained to the control queue and closes
    /// the lanes; what they owed returns to the connection.
    fn settle(&mut self) {
        let lanes = &self.lanes;
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.last).into_iter().partition(|(keys, _)| {
                keys.iter().all(|key| lanes.get(key).is_none_or(|lane| lane.queue.is_empty()))
            });
        self.last = waiting;
        for (keys, frame) in ready {
            for key in keys {
                if let Some(lane) = self.lanes.remove(&key) {
                    self.credit += lane.owed;
                }
            }
            self.control.push_back(frame);
        }
    }
}

/// The receiving side of one stream: how much the peer may still send.
#[derive(Debug)]
pub struct Window {
    open: u32,
    taken: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}

impl Window {
    /// A window of [`STREAM_CREDIT`].
    pub fn new() -> Self {
        Self { open: STREAM_CREDIT, taken: 0 }
    }

    /// The peer sent a chunk.
    ///
    /// # Errors
    /// When it is empty or beyond the window.
    pub fn receive(&mut self, bytes: usize) -> Result<(), Violation> {
        let bytes = u32::try_from(bytes).map_err(|_| Violation::Overdraft)?;
        if bytes == 0 {
            return Err(Violation::Empty);
        }
        self.open = self.open.checked_sub(bytes).ok_or(Violation::Overdraft)?;
        Ok(())
    }

    /// The reader took bytes off the stream. Returns credit to give now: it is
    /// gathered until a quarter of the window is due.
    pub fn take(&mut self, bytes: usize) -> Option<u32> {
        self.taken += u32::try_from(bytes).unwrap_or(u32::MAX - self.taken);
        if self.taken < STREAM_CREDIT / 4 {
            return None;
        }
        let due = std::mem::take(&mut self.taken);
        self.open += due;
        Some(due)
    }
}
