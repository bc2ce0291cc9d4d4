//! A peer of the helper that says what it likes: the broker as SECURITY.md assumes it, hostile.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use sallyport_protocol::frame::{Deframer, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::world::process::PATIENCE;

/// A connection to one of the helper's sockets.
#[derive(Debug)]
pub struct RawPeer {
    stream: UnixStream,
    deframer: Deframer,
}

impl RawPeer {
    /// Connects to the socket at `path`; says nothing yet.
    #[track_caller]
    pub fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).expect("the helper listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a positive time");
        Self { stream, deframer: Deframer::new() }
    }

    /// Sends bytes as they are. A helper that hung up already takes none; that shows when reading.
    pub fn bytes(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    /// Sends a well-formed frame.
    pub fn frame<T: Serialize>(&mut self, message: &T) {
        self.bytes(&encode(message).expect("the test's message fits a frame"));
    }

    /// The next message; `None` when the helper closed the connection. Panics when it stays silent.
    #[track_caller]
    pub fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        self.body().map(|body| decode(&body).expect("the helper keeps to the messages"))
    }

    /// The bytes of the next message; otherwise as [`Self::read`].
    #[track_caller]
    pub fn body(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(body) = self.deframer.next_body().expect("the helper keeps to the frames") {
                return Some(body.to_vec());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.deframer.push(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("the helper neither answers nor hangs up: {error}"),
            }
        }
    }
}
