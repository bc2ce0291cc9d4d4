//! Text as models and people get it: long output clipped to its head and tail,
//! bytes that are no text shown as such, and commands shown so that what is
//! seen is what would run.

use std::collections::VecDeque;
use std::fmt::Write as _;

pub use sallyport_protocol::show::{for_judgement, one_line};

/// Keeps the beginning and the end of a stream of any length in bounded memory.
#[derive(Debug)]
pub struct HeadTail {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl HeadTail {
    /// Keeps enough for an answer of `chars` characters, whatever their width.
    pub fn for_chars(chars: usize) -> Self {
        // A character takes at most 4 bytes, and each end shows half of them.
        Self { half: chars.saturating_mul(2), head: Vec::new(), tail: VecDeque::new(), total: 0 }
    }

    /// Takes the next piece.
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let excess = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// How many bytes came in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many characters the text would need to be shown whole; at least this
    /// many when the middle is gone already.
    pub fn chars(&self) -> usize {
        match self.missing() {
            0 => readable(&self.joined()).chars().count(),
            _ => usize::MAX,
        }
    }

    /// The text in at most `limit` characters (the mark of what is left out
    /// aside), and whether anything was left out.
    pub fn render(&self, limit: usize) -> (String, bool) {
        let missing = self.missing();
        if missing == 0 {
            let text = readable(&self.joined());
            return match clip(&text, limit) {
                Some(clipped) => (clipped, true),
                None => (text, false),
            };
        }
        let (a, b) = self.tail.as_slices();
        let tail = readable(&[a, b].concat());
        let head = readable(&self.head);
        let (head, tail) = (first_chars(&head, limit.div_ceil(2)), last_chars(&tail, limit / 2));
        let left_out = self.total.saturating_sub((head.len() + tail.len()) as u64);
        (join(head, tail, left_out), true)
    }

    fn missing(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }

    fn joined(&self) -> Vec<u8> {
        let (a, b) = self.tail.as_slices();
        [&self.head, a, b].concat()
    }
}

/// Two streams that share one answer: a stream that needs less than half leaves
/// the rest to the other. Gives both texts and whether anything was left out.
pub fn render_pair(first: &HeadTail, second: &HeadTail, limit: usize) -> (String, String, bool) {
    let (a, b) = (first.chars(), second.chars());
    let half = limit / 2;
    let (for_first, for_second) = if a <= half {
        (a, limit - a)
    } else if b <= half {
        (limit - b, b)
    } else {
        (limit - half, half)
    };
    let (first, first_cut) = first.render(for_first);
    let (second, second_cut) = second.render(for_second);
    (first, second, first_cut || second_cut)
}

fn clip(text: &str, limit: usize) -> Option<String> {
    // A text of few bytes has few characters.
    if text.len() <= limit || text.chars().count() <= limit {
        return None;
    }
    let (head, tail) = (first_chars(text, limit.div_ceil(2)), last_chars(text, limit / 2));
    Some(join(head, tail, (text.len() - head.len() - tail.len()) as u64))
}

fn join(head: &str, tail: &str, left_out: u64) -> String {
    format!("{head}\n[... {left_out} bytes left out ...]\n{tail}")
}

fn first_chars(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(at, _)| &text[..at])
}

fn last_chars(text: &str, count: usize) -> &str {
    match count.checked_sub(1) {
        None => "",
        Some(back) => text.char_indices().nth_back(back).map_or(text, |(at, _)| &text[at..]),
    }
}

/// Bytes as text; what is not UTF-8 is shown as `\xNN`.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// How many bytes at the end begin a character that is not complete yet.
pub fn unfinished(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.len() - error.valid_up_to(),
        _ => 0,
    }
}

/// Seconds as people say them, to the nearest unit.
pub fn span(seconds: u64) -> String {
    let in_units = |unit: u64| seconds.saturating_add(unit / 2) / unit;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", in_units(60)),
        7200..=172_799 => format!("{} h", in_units(3600)),
        _ => format!("{} days", in_units(86_400)),
    }
}

/// Bytes as lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, text: &[u8]) -> HeadTail {
        let mut keep = HeadTail::for_chars(limit);
        for piece in text.chunks(7) {
            keep.push(piece);
        }
        keep
    }

    #[test]
    fn a_short_output_is_shown_whole() {
        assert_eq!(kept(10, b"0123456789").render(10), ("0123456789".into(), false));
        assert_eq!(kept(10, b"").render(10), (String::new(), false));
    }

    #[test]
    fn a_long_output_keeps_its_head_and_tail() {
        let (text, cut) = kept(10, b"0123456789abcdef").render(10);
        assert!(cut);
        insta::assert_snapshot!(text, @r"
        01234
        [... 6 bytes left out ...]
        bcdef
        ");
    }

    #[test]
    fn an_endless_output_is_kept_in_bounded_memory() {
        let mut keep = HeadTail::for_chars(100);
        for _ in 0..10_000 {
            keep.push(&[b'x'; 1000]);
        }
        keep.push(b"end");
        assert!(keep.head.capacity() + keep.tail.capacity() < 8 * 1024);
        let (text, cut) = keep.render(100);
        assert!(cut && text.ends_with("end") && text.contains("9999903 bytes left out"), "{text}");
    }

    #[test]
    fn wide_characters_count_as_one_and_are_never_split() {
        let text = "ä".repeat(50);
        assert_eq!(kept(50, text.as_bytes()).render(50), (text.clone(), false));
        let (clipped, cut) = kept(4, text.as_bytes()).render(4);
        assert!(cut && clipped.starts_with("ää\n") && clipped.ends_with("\nää"), "{clipped}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(readable(b"a\xff\xc3\xa4\xc3"), "a\\xffä\\xc3");
    }

    #[test]
    fn a_small_stream_leaves_its_share_to_the_other() {
        let (out, err, cut) = render_pair(&kept(20, &[b'o'; 18]), &kept(20, b"!!"), 20);
        assert_eq!((out.len(), err.as_str(), cut), (18, "!!", false));
        let (out, err, cut) = render_pair(&kept(20, &[b'o'; 50]), &kept(20, &[b'e'; 50]), 20);
        assert!(cut && out.starts_with("ooooo\n[... 40 bytes") && err.starts_with("eeeee\n[... 40 bytes"));
    }

    #[test]
    fn times_are_told_to_the_nearest_unit() {
        let told = [59, 1799, 7200, 172_800, u64::MAX].map(span);
        assert_eq!(told, ["59 s", "30 min", "2 h", "2 days", "213503982334601 days"]);
    }

    #[test]
    fn an_unfinished_character_is_told_from_a_broken_one() {
        assert_eq!(unfinished("aä".as_bytes()), 0);
        assert_eq!(unfinished(&"aä".as_bytes()[..2]), 1);
        assert_eq!(unfinished(b"a\xff"), 0);
        assert_eq!(unfinished(b""), 0);
    }

    #[test]
    fn what_hides_or_reorders_a_command_is_spelled_out_for_the_one_who_judges() {
        let command = "echo ok\rrm -rf /\u{202e}#\u{200b}\n\x1b[2Jecho done";
        insta::assert_snapshot!(for_judgement(command), @r"
          | echo ok\rrm -rf /\u{202e}#\u{200b}
          | \u{1b}[2Jecho done
        ");
        assert_eq!(one_line("a\tb\nc"), "a\\tb\\nc");
    }
}
