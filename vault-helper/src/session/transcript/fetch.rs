//! One recording, as it stands on disk or as text.

use std::fs::File;
use std::io::{BufRead, BufReader};

use serde_json::Value;

use crate::session::terminal::plain::Plain;

/// What was read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The asciicast, or the text.
    pub bytes: Vec<u8>,
    /// How many events it has.
    pub entries: u64,
}

/// Reads a recording. A line that is no event is left out of the text: a crash may have cut the last one.
///
/// # Errors
/// When the file cannot be read.
pub fn read(file: File, asciicast: bool) -> std::io::Result<Fetched> {
    let mut lines = BufReader::new(file).split(b'\n');
    let mut bytes = Vec::new();
    let mut entries = 0;
    let mut keep = |line: &[u8]| {
        if asciicast {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
    };
    let header: Value = match lines.next().transpose()? {
        Some(line) => {
            keep(&line);
            serde_json::from_slice(&line).unwrap_or_default()
        }
        None => Value::Null,
    };
    let cols = header["width"].as_u64().and_then(|width| u16::try_from(width).ok()).unwrap_or(120);
    let mut plain = Plain::new(cols, 0);
    for line in lines {
        let line = line?;
        let Ok(event) = serde_json::from_slice::<Value>(&line) else { continue };
        entries += 1;
        keep(&line);
        if !asciicast && event[1] == "o" {
            let mut data = event[2].as_str().unwrap_or_default().as_bytes();
            while !data.is_empty() {
                let taken = plain.feed(data, true, usize::MAX);
                data = &data[taken.max(1)..];
            }
        }
    }
    if !asciicast {
        bytes = plain.text().into_bytes();
    }
    Ok(Fetched { bytes, entries })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn fetched(text: &str, asciicast: bool) -> Fetched {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        read(file.reopen().unwrap(), asciicast).unwrap()
    }

    const CAST: &str = "{\"version\":2,\"width\":80}\n[0.1,\"o\",\"\\u001b[31m$ \"]\n[0.2,\"i\",\"ls\\r\"]\n[0.3,\"o\",\"ls\\r\\na b\\r\\n\"]\n[0.4,\"o\",\"cut of";

    #[test]
    fn a_recording_is_read_back_as_text_or_as_it_is_and_a_cut_line_is_left_out() {
        let text = fetched(CAST, false);
        assert_eq!((String::from_utf8(text.bytes).unwrap().as_str(), text.entries), ("$ ls\na b\n", 3));
        let cast = fetched(CAST, true);
        assert_eq!(cast.entries, 3);
        assert!(CAST.as_bytes().starts_with(&cast.bytes));
    }

    #[test]
    fn what_is_no_recording_is_empty_text() {
        assert_eq!(fetched("", false), Fetched { bytes: Vec::new(), entries: 0 });
        assert_eq!(fetched("not json\n{\n", false), Fetched { bytes: Vec::new(), entries: 0 });
    }
}
