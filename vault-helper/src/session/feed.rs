//! What a session's shell is fed: a command or a line of our own, with what it needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sallyport_protocol::envelope::Stream;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::job::Stop;
use super::marks::{Finder, Found};
use super::secrets::Injected;
use super::sink::Sink;

/// One command for the shell.
pub struct Feed {
    /// What runs.
    pub line: Line,
    /// Where its output goes.
    pub sink: Sink,
    /// Its stop button.
    pub stops: mpsc::Receiver<Stop>,
    /// A question to be answered while it runs.
    pub cue: Option<Cue>,
    /// Variables that are set before it runs.
    pub variables: Option<Variables>,
}

/// Variables of `env://` records for a shell.
pub struct Variables {
    /// The values.
    pub injected: Injected,
    /// Whether they are the session's from now on, or this command's alone.
    pub stay: bool,
}

/// What is fed to a shell.
pub enum Line {
    /// A judged command and its standard input.
    Command {
        /// The command.
        text: String,
        /// Its input.
        input: Vec<u8>,
    },
    /// A line of our own that may read what we write next.
    Own(String),
}

/// Bytes that are written once a sign was seen, and never otherwise.
pub struct Cue {
    stream: Stream,
    finder: Finder,
    /// The bytes.
    pub answer: Zeroizing<Vec<u8>>,
    given: Arc<AtomicBool>,
}

impl Cue {
    /// Answers `sign` on `stream` with `answer`, and tells `given`. The sign begins with what no mark begins with,
    /// or is certain to come.
    pub fn new(stream: Stream, sign: Vec<u8>, answer: Zeroizing<Vec<u8>>, given: Arc<AtomicBool>) -> Self {
        Self { stream, finder: Finder::of(sign), answer, given }
    }

    /// Takes a chunk: what is output, and whether the sign was in it.
    pub fn take(&mut self, stream: Stream, bytes: Vec<u8>) -> (Vec<u8>, bool) {
        if stream != self.stream {
            return (bytes, false);
        }
        match self.finder.push(bytes) {
            Found::Output(bytes) => (bytes, false),
            Found::Mark { mut before, after } => {
                before.extend(after);
                self.given.store(true, Ordering::Relaxed);
                (before, true)
            }
        }
    }
}
