//! One recording, as it grows: asciicast version 2 (docs.asciinema.org/manual/asciicast/v2), JSON Lines of a header and
//! events `[seconds, code, data]`. `o` is output, `i` what was typed, `r` a change of size, `m` a note of ours.

use std::fs::File;
use std::io::{self, Write};
use std::time::Instant;

use sallyport_protocol::terminal::Size;
use serde_json::json;

use super::safe::Safe;
use crate::redact::{Clean, CleanText};

/// Room for the note that says that the limit was reached, in bytes.
const NOTE: u64 = 128;

/// What the header says about a recording; the names under which the header's `env` holds them are [`KEYS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// The session's id.
    pub session: String,
    /// The session's name; empty for none.
    pub name: String,
    /// `user@alias`.
    pub target: String,
    /// Whose session.
    pub principal: String,
}

/// The header's variables, in the order of [`About`]'s fields.
pub const KEYS: [&str; 4] =
    ["SALLYPORT_SESSION", "SALLYPORT_NAME", "SALLYPORT_TARGET", "SALLYPORT_PRINCIPAL"];

/// A recording that grows.
pub struct Recorder {
    /// Its id.
    pub id: String,
    file: File,
    started: Instant,
    safe: Safe,
    /// The beginning of a character at the end of the output so far.
    partial: Vec<u8>,
    written: u64,
    limit: u64,
    entries: u64,
    over: bool,
}

impl Recorder {
    /// Begins a recording in a fresh file.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn begin(id: String, mut file: File, limit: u64, about: &About, size: Size) -> io::Result<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let header = json!({
            "version": 2,
            "width": size.cols,
            "height": size.rows,
            "timestamp": now.as_secs(),
            "title": about.target,
            "env": {
                "TERM": super::super::terminal::pty::TERM,
                KEYS[0]: about.session,
                KEYS[1]: about.name,
                KEYS[2]: about.target,
                KEYS[3]: about.principal,
            },
        });
        let header = format!("{header}\n");
        file.write_all(header.as_bytes())?;
        Ok(Self {
            id,
            file,
            started: Instant::now(),
            safe: Safe::default(),
            partial: Vec::new(),
            written: header.len() as u64,
            limit,
            entries: 0,
            over: false,
        })
    }

    /// How many events there are.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Records output of a terminal.
    pub fn output(&mut self, clean: &Clean) {
        let safe = self.safe.pass(clean.as_bytes());
        self.printed(safe);
    }

    /// Records text whose lines end as files' do.
    pub fn text(&mut self, clean: &Clean) {
        let safe = self.safe.pass(clean.as_bytes());
        self.printed(terminal_lines(&safe));
    }

    fn printed(&mut self, new: Vec<u8>) {
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend(new);
        let unfinished = match std::str::from_utf8(&bytes) {
            Err(error) if error.error_len().is_none() => bytes.len() - error.valid_up_to(),
            _ => 0,
        };
        self.partial = bytes.split_off(bytes.len() - unfinished);
        if !bytes.is_empty() {
            self.event("o", &String::from_utf8_lossy(&bytes));
        }
    }

    /// Records what was typed.
    pub fn input(&mut self, text: &CleanText) {
        self.event("i", text.as_str());
    }

    /// Records a change of size.
    pub fn resized(&mut self, size: Size) {
        self.event("r", &format!("{}x{}", size.cols, size.rows));
    }

    /// Records a note.
    pub fn note(&mut self, text: &str) {
        self.event("m", text);
    }

    fn event(&mut self, code: &str, data: &str) {
        if self.over {
            return;
        }
        let seconds = self.started.elapsed().as_micros() as f64 / 1e6;
        let line = |code: &str, data: &str| format!("{}\n", json!([seconds, code, data]));
        let mut text = line(code, data);
        if self.written + text.len() as u64 + NOTE > self.limit {
            self.over = true;
            text = line("m", "the size limit is reached: nothing more was recorded");
        }
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            tracing::warn!(%error, id = %self.id, "a transcript ended: it cannot be written");
            self.over = true;
            return;
        }
        self.written += text.len() as u64;
        self.entries += 1;
    }
}

/// Text with its lines ended as a terminal needs it: by carriage return and line feed.
pub fn terminal_lines(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for byte in text {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    fn recorded(limit: u64, drive: impl FnOnce(&mut Recorder, &Redactor)) -> Vec<serde_json::Value> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let about = About { target: "deploy@web1".into(), ..About::default() };
        let size = Size { cols: 80, rows: 24 };
        let mut recorder = Recorder::begin("r".into(), file.reopen().unwrap(), limit, &about, size).unwrap();
        drive(&mut recorder, &Redactor::new());
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.len() as u64 <= limit, "{} bytes", text.len());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_recording_is_a_header_and_events_whose_characters_are_whole() {
        let lines = recorded(10_000, |recorder, redactor| {
            recorder.output(&redactor.bytes(b"a\xc3"));
            recorder.output(&redactor.bytes(b"\xa4\x1b]0;t\x07\xff"));
            recorder.input(&redactor.text("ls\r"));
            recorder.resized(Size { cols: 100, rows: 30 });
        });
        assert_eq!(
            (&lines[0]["version"], &lines[0]["width"], &lines[0]["height"]),
            (&2.into(), &80.into(), &24.into())
        );
        let events: Vec<(&str, &str)> =
            lines[1..].iter().map(|l| (l[1].as_str().unwrap(), l[2].as_str().unwrap())).collect();
        assert_eq!(events, [("o", "a"), ("o", "\u{e4}\u{fffd}"), ("i", "ls\r"), ("r", "100x30")]);
        let times: Vec<f64> = lines[1..].iter().map(|line| line[0].as_f64().unwrap()).collect();
        assert!(times.is_sorted());
    }

    #[test]
    fn a_recording_stops_at_its_limit_and_says_so() {
        let lines = recorded(2_000, |recorder, redactor| {
            for _ in 0..100 {
                recorder.output(&redactor.bytes(&[b'x'; 100]));
            }
        });
        assert_eq!(lines.last().unwrap()[1], "m");
        assert!(lines.len() > 5, "{}", lines.len());
    }
}
