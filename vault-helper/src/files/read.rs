//! Reading a file.

use std::time::Instant;

use sallyport_protocol::envelope::Stream;
use sallyport_protocol::file::{Outcome, Part, Read, ReadEnd};
use sallyport_protocol::reply;
use sallyport_protocol::{ErrorCode, Failure};

use super::digest::Digesting;
use super::request::{Desk, Done};
use crate::serve::connection::Operation;
use crate::ssh::sftp::bulk::Reading;

/// Files up to this size are read to their end, for their lines and digest.
const SCANNED: u64 = 64 << 20;
/// Bytes of the asked lines that are held at most.
const HELD: usize = 4 << 20;
/// The longest answer.
const MOST: u32 = HELD as u32;

/// Reads, masks and sends what was asked for.
pub async fn run(desk: &Desk<'_>, op: &Operation, ask: &Read) -> Result<Done, Failure> {
    let (handle, attrs) = desk.sftp.open_to_read(&desk.path).await?;
    let size = attrs.size.unwrap_or(0);
    let whole = size <= SCANNED;
    // What the kernel makes up (/proc) says that it is empty.
    let end = if size == 0 { HELD as u64 } else { size.min(SCANNED) };
    let from = match ask.part {
        Part::Tail(_) if !whole => size - HELD as u64,
        _ => 0,
    };
    let end = if from > 0 { size } else { end };
    let mut reading = Reading::new(&desk.sftp, handle.clone(), from, end).await;
    let mut digest = Digesting::new(&desk.helper.redactor);
    let mut picked = Picked::new(ask.part);
    while let Some(piece) = reading.next().await.map_err(|error| error.failure("read", &desk.shown()))? {
        digest.push(&piece);
        picked.push(&piece);
    }
    let _ = desk.sftp.start_close(&handle).await;
    let size = size.max(picked.seen);
    let total = picked.lines();
    let binary = picked.binary;
    let (content, first_line, mut truncated) = picked.finish();
    truncated |= !whole && !matches!(ask.part, Part::Tail(_));
    let mut sieve = match ask.exact {
        true => desk.helper.redactor.with_shapes(false).stream(),
        false => desk.sftp.lease().redactor().stream(),
    };
    let mut clean = sieve.push(Instant::now(), &content);
    clean.append(sieve.finish());
    let redactions = sieve.redactions();
    if ask.exact && redactions > 0 {
        return Err(Failure::new(
            ErrorCode::SecretInFile,
            format!("{} holds a vault secret; base64 is exact or nothing", desk.shown()),
            "read it as text (encoding = utf8): secrets are masked there",
        ));
    }
    let unread = binary && !ask.exact;
    let most = ask.max_bytes.clamp(1, MOST) as usize;
    if clean.len() > most {
        truncated = true;
        let _ = clean.split_off(if ask.exact { most } else { boundary(clean.as_bytes(), most) });
    }
    let sent = if unread { 0 } else { clean.len() as u64 };
    if !unread {
        op.out.data(op.id, Stream::Output, clean).await;
    }
    let end = ReadEnd {
        size,
        total_lines: whole.then_some(total),
        first_line,
        digest: whole.then(|| digest.finish()),
        truncated: truncated && !unread,
        binary,
        redactions: if unread { 0 } else { redactions },
    };
    Ok(Done { outcome: reply::Outcome::File(Outcome::Read(end)), sent, redactions })
}

/// The last place at or before `at` where a character begins.
pub fn boundary(bytes: &[u8], at: usize) -> usize {
    let mut cut = at;
    while cut > 0 && at - cut < 4 && bytes.get(cut).is_some_and(|byte| byte & 0xc0 == 0x80) {
        cut -= 1;
    }
    cut
}

/// Whether bytes are no text: they hold NUL near their beginning, as git and grep decide.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8 * 1024).any(|byte| *byte == 0)
}

/// The part that was asked for, picked from what passes.
struct Picked {
    part: Part,
    kept: Vec<u8>,
    seen: u64,
    /// Line ends so far.
    ends: u64,
    last: u8,
    over: bool,
    binary: bool,
}

impl Picked {
    fn new(part: Part) -> Self {
        Self { part, kept: Vec::new(), seen: 0, ends: 0, last: b'\n', over: false, binary: false }
    }

    fn push(&mut self, piece: &[u8]) {
        if self.seen == 0 {
            self.binary = is_binary(piece);
        }
        self.seen += piece.len() as u64;
        if let Some(last) = piece.last() {
            self.last = *last;
        }
        match self.part {
            Part::All => {
                self.keep(piece);
                self.ends += count(piece);
            }
            Part::Lines(from, to) => {
                for line in piece.split_inclusive(|byte| *byte == b'\n') {
                    if (from..=to).contains(&(self.ends + 1)) {
                        self.keep(line);
                    }
                    self.ends += u64::from(line.ends_with(b"\n"));
                }
            }
            Part::Tail(_) => {
                self.kept.extend_from_slice(piece);
                self.ends += count(piece);
                if self.kept.len() > 2 * HELD {
                    self.kept.drain(..self.kept.len() - HELD);
                    self.over = true;
                }
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = HELD - self.kept.len();
        self.over |= bytes.len() > room;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Lines so far; a last one without an end counts.
    fn lines(&self) -> u64 {
        self.ends + u64::from(self.last != b'\n')
    }

    /// The bytes, the number of their first line, and whether some are missing.
    fn finish(mut self) -> (Vec<u8>, u64, bool) {
        let total = self.lines();
        match self.part {
            Part::All => (self.kept, 1, self.over),
            Part::Lines(from, _) => (self.kept, from, self.over),
            Part::Tail(wanted) => {
                let wanted = u64::from(wanted).min(total);
                let held: Vec<&[u8]> = self.kept.split_inclusive(|byte| *byte == b'\n').collect();
                // The first line held may be the end of one.
                let usable = held.len() - usize::from(self.over && !held.is_empty());
                let take = usize::try_from(wanted).unwrap_or(usize::MAX).min(usable);
                let skip: usize = held[..held.len() - take].iter().map(|line| line.len()).sum();
                let first = total - take as u64 + 1;
                (self.kept.split_off(skip), first, (take as u64) < wanted)
            }
        }
    }
}

fn count(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(part: Part, pieces: &[&str]) -> (String, u64, u64) {
        let mut picked = Picked::new(part);
        pieces.iter().for_each(|piece| picked.push(piece.as_bytes()));
        let total = picked.lines();
        let (bytes, first, _) = picked.finish();
        (String::from_utf8(bytes).unwrap(), first, total)
    }

    #[test]
    fn lines_are_picked_wherever_the_pieces_are_cut() {
        for pieces in [&["1\n2\n3\n4"][..], &["1", "\n2", "\n", "3\n4"], &["1\n2\n3", "\n4"]] {
            assert_eq!(pick(Part::Lines(2, 3), pieces), ("2\n3\n".into(), 2, 4));
            assert_eq!(pick(Part::Lines(4, 99), pieces), ("4".into(), 4, 4));
            assert_eq!(pick(Part::Lines(7, 9), pieces), (String::new(), 7, 4));
            assert_eq!(pick(Part::Tail(2), pieces), ("3\n4".into(), 3, 4));
            assert_eq!(pick(Part::Tail(99), pieces), ("1\n2\n3\n4".into(), 1, 4));
            assert_eq!(pick(Part::All, pieces), ("1\n2\n3\n4".into(), 1, 4));
        }
        assert_eq!(pick(Part::Tail(3), &[]), (String::new(), 1, 0));
        assert_eq!(pick(Part::Tail(0), &["a\n"]), (String::new(), 2, 1));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(boundary("aä".as_bytes(), 2), 1);
        assert_eq!(boundary("aä".as_bytes(), 3), 3);
        assert_eq!(boundary(b"ab", 1), 1);
    }
}
