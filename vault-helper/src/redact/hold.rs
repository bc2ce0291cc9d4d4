//! What of a stream is at hand: bytes not yet let go, and where masks fall on them.

use std::borrow::Cow;
use std::mem;

use zeroize::Zeroize;

use super::MASK;
use super::clean::Clean;
use super::lane::{NOBODY, Span};

/// Bytes that are held or still being read, and the spans of them to mask.
#[derive(Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    /// Offset of the first of them in the stream.
    base: u64,
    /// Offset up to which they have left, as they were or masked.
    left: u64,
    spans: Vec<Span>,
    /// The last thing that left was a mask.
    masked: bool,
    /// Bytes of a masked character that have yet to come.
    owed: usize,
    /// Masks so far.
    pub(super) masks: u64,
    /// Whose secrets were masked, by number.
    pub(super) seen: Vec<u32>,
}

impl Held {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    pub(super) const fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// How many bytes have not left.
    pub(super) const fn waiting(&self) -> usize {
        (self.end() - self.left) as usize
    }

    /// The spans to mask among them, in order.
    pub(super) fn marked(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    /// Has room for so many more bytes.
    pub(super) fn make_room(&mut self, more: usize) {
        let room = self.bytes.len() + more;
        if self.bytes.capacity() < room {
            // Growing would leave what is held behind.
            let mut larger = Vec::with_capacity(room);
            larger.extend_from_slice(&self.bytes);
            self.bytes.zeroize();
            self.bytes = larger;
        }
    }

    /// Takes the next bytes of the stream.
    pub(super) fn take(&mut self, bytes: Cow<'_, [u8]>) {
        if bytes.is_empty() {
            return;
        }
        let owed = bytes.iter().take(self.owed).take_while(|byte| continues(**byte)).count();
        let start = self.end();
        self.owed = if owed == bytes.len() { self.owed - owed } else { 0 };
        match bytes {
            Cow::Owned(bytes) if self.bytes.is_empty() => self.bytes = bytes,
            bytes => {
                self.make_room(bytes.len());
                self.bytes.extend_from_slice(&bytes);
            }
        }
        if owed > 0 {
            self.spans.push(Span { start, end: start + owed as u64, secret: NOBODY });
        }
    }

    /// Goes past bytes that left unread.
    pub(super) const fn pass(&mut self, count: usize) {
        self.base += count as u64;
        self.left = self.base;
        if count > 0 {
            self.masked = false;
            self.owed = 0;
        }
    }

    /// Notes spans to mask, widened to whole characters.
    pub(super) fn mark(&mut self, spans: &mut Vec<Span>) {
        for span in spans.drain(..) {
            if span.end <= self.left {
                continue;
            }
            if span.secret != NOBODY && !self.seen.contains(&span.secret) {
                self.seen.push(span.secret);
            }
            let start = self.character(span.start.max(self.left)).start;
            let end = self.character(span.end).end;
            self.spans.push(Span { start, end, ..span });
            if let Some(torn) = self.torn().filter(|_| end == self.end()) {
                self.owed = length(self.bytes[(torn - self.base) as usize]) - (end - torn) as usize;
            }
        }
        self.spans.sort_unstable_by_key(|span| (span.start, span.end));
        self.spans.dedup_by(|next, last| {
            let joins = next.start <= last.end;
            if joins {
                last.end = last.end.max(next.end);
            }
            joins
        });
    }

    /// The character that offset `at` is inside of; nothing if it stands between two.
    fn character(&self, at: u64) -> std::ops::Range<u64> {
        let index = (at - self.base) as usize;
        for back in 1..=index.min(3) {
            let lead = self.bytes[index - back];
            if continues(lead) {
                continue;
            }
            let inside = length(lead) > back && at - back as u64 >= self.left;
            let rest = self.bytes[index..].iter().take(length(lead).saturating_sub(back));
            let rest = rest.take_while(|byte| continues(**byte)).count();
            let goes_on = rest > 0 || index == self.bytes.len();
            if inside && goes_on {
                return at - back as u64..at + rest as u64;
            }
            break;
        }
        at..at
    }

    /// The offset of a character at the end that is not complete, if there is one.
    pub(super) fn torn(&self) -> Option<u64> {
        let torn = self.character(self.end());
        (torn.start < torn.end).then_some(torn.start)
    }

    /// Lets everything before `to`, or the character it is inside of, go, but keeps bytes from `keep` on for reading.
    pub(super) fn release(&mut self, to: u64, keep: u64) -> Clean {
        let inside = self.left < to && to < self.end();
        let to = if inside { self.character(to).start } else { to };
        let to = self.spans.iter().find(|span| span.start <= to && to < span.end).map_or(to, |span| span.end);
        let to = to.max(self.left);
        let keep = keep.min(to);
        let spans: Vec<Span> = self.spans.extract_if(.., |span| span.start < to).collect();
        let out = if spans.is_empty() && self.left == self.base && keep == to {
            let rest = self.bytes.split_off((to - self.base) as usize);
            mem::replace(&mut self.bytes, rest)
        } else {
            let out = self.masking(&spans, to);
            self.bytes.drain(..(keep - self.base) as usize);
            return self.gone(out, to, keep, spans.last().is_some_and(|span| span.end == to));
        };
        self.gone(out, to, keep, false)
    }

    fn gone(&mut self, out: Vec<u8>, to: u64, keep: u64, ends_masked: bool) -> Clean {
        if to > self.left {
            self.masked = ends_masked;
        }
        self.left = to;
        self.base = keep;
        Clean::new(out)
    }

    fn masking(&mut self, spans: &[Span], to: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity((to - self.left) as usize + MASK.len());
        let mut at = self.left;
        for span in spans {
            let plain = &self.bytes[(at - self.base) as usize..(span.start.max(at) - self.base) as usize];
            if !plain.is_empty() {
                out.extend_from_slice(plain);
                self.masked = false;
            }
            if !self.masked {
                out.extend_from_slice(MASK.as_bytes());
                self.masked = true;
                self.masks += 1;
            }
            at = span.end;
        }
        out.extend_from_slice(&self.bytes[(at - self.base) as usize..(to - self.base) as usize]);
        out
    }
}

/// Whether a byte continues a UTF-8 character.
const fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Bytes of the UTF-8 character that begins with `lead`.
const fn length(lead: u8) -> usize {
    match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
