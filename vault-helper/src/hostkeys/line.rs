//! Lines of known_hosts files (sshd(8)): an optional mark, the hosts, the key's type, the key, a comment.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use russh::keys::PublicKey;
use russh::keys::ssh_key::public::KeyData;

use super::name::Hosts;

/// Longest line that is looked at, in bytes. An RSA key of 16384 bits takes a third of it.
const MAX_LINE: usize = 8 * 1024;
/// Largest file that is read, in bytes; about a hundred thousand hosts.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// What a line says about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The host's own key.
    Host,
    /// `@cert-authority`: the key signs host certificates.
    Authority,
    /// `@revoked`: the key must never be accepted, as a host's or as an authority's.
    Revoked,
}

/// One understood line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// What it says about the key.
    pub mark: Mark,
    /// The key.
    pub key: PublicKey,
    pub(super) hosts: Hosts,
}

/// What was not understood in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Lines with an unknown mark, hosts, key type or key, or longer than 8 KiB.
    pub lines: usize,
    /// The file is larger than 16 MiB; the rest was not read.
    pub truncated: bool,
}

impl Line {
    /// Reads one line; `Ok(None)` when it is empty or a comment, an error when it is not understood.
    pub(super) fn parse(number: usize, text: &str) -> Result<Option<Self>, ()> {
        let mut fields = text.split_ascii_whitespace().peekable();
        let mark = match fields.peek() {
            None => return Ok(None),
            Some(field) if field.starts_with('#') => return Ok(None),
            Some(&"@cert-authority") => Mark::Authority,
            Some(&"@revoked") => Mark::Revoked,
            // A mark that is not known may mean "do not trust": the line must not count as a host's.
            Some(field) if field.starts_with('@') => return Err(()),
            Some(_) => Mark::Host,
        };
        if mark != Mark::Host {
            fields.next();
        }
        let hosts = fields.next().and_then(Hosts::parse).ok_or(())?;
        let (kind, blob) = fields.next().zip(fields.next()).ok_or(())?;
        let key = PublicKey::from_openssh(&format!("{kind} {blob}")).map_err(|_| ())?;
        match key.key_data() {
            KeyData::Other(_) => Err(()),
            _ => Ok(Some(Self { number, mark, key, hosts })),
        }
    }
}

/// Reads a file; one that is not there is empty.
pub(super) fn read_file(path: &Path) -> io::Result<(Vec<Line>, Skipped)> {
    match File::open(path) {
        Ok(file) => read_lines(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Default::default()),
        Err(error) => Err(error),
    }
}

pub(super) fn read_lines(input: impl Read) -> io::Result<(Vec<Line>, Skipped)> {
    let mut input = BufReader::new(input.take(MAX_FILE + 1));
    let (mut lines, mut skipped) = (Vec::new(), Skipped::default());
    let mut buffer = Vec::with_capacity(MAX_LINE);
    let (mut number, mut total) = (0, 0);
    loop {
        buffer.clear();
        let length = read_line(&mut input, &mut buffer)?;
        if length == 0 {
            return Ok((lines, skipped));
        }
        number += 1;
        total += length as u64;
        if total > MAX_FILE {
            skipped.truncated = true;
            return Ok((lines, skipped));
        }
        let text = std::str::from_utf8(&buffer).ok().filter(|_| length <= MAX_LINE);
        match text.ok_or(()).and_then(|text| Line::parse(number, text)) {
            Ok(line) => lines.extend(line),
            Err(()) => skipped.lines += 1,
        }
    }
}

/// Reads up to and with a line feed, keeping at most [`MAX_LINE`] bytes; returns the line's whole length.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        let chunk = input.fill_buf()?;
        let end = chunk.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
        let taken = end.unwrap_or(chunk.len());
        let room = (MAX_LINE - line.len()).min(taken);
        line.extend_from_slice(&chunk[..room]);
        input.consume(taken);
        length += taken;
        if end.is_some() || taken == 0 {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn a_line_too_long_is_skipped_whole_and_counted_once() {
        let text = format!("web1 {KEY} {}\nweb2 {KEY}\n", "x".repeat(3 * MAX_LINE));
        let (lines, skipped) = read_lines(text.as_bytes()).unwrap();
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2]);
        assert_eq!(skipped, Skipped { lines: 1, truncated: false });
    }

    #[test]
    fn a_file_too_large_is_read_in_part_and_says_so() {
        let endless = io::repeat(b'#').take(MAX_FILE + 10);
        let (lines, skipped) = read_lines(endless).unwrap();
        assert!(lines.is_empty() && skipped.truncated);
    }

    #[test]
    fn a_last_line_without_a_line_feed_counts() {
        assert_eq!(read_lines(format!("web1 {KEY}").as_bytes()).unwrap().0.len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_skipped(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            read_lines(bytes.as_slice()).unwrap();
        }

        #[test]
        fn every_line_is_understood_or_skipped_or_empty(text in "(@?[a-z-]{0,8} )?[a-z*?!|1,\\[\\]:.#]{0,12} ?[ -~]{0,40}") {
            match Line::parse(1, &format!("{text} {KEY}")) {
                Ok(Some(line)) => prop_assert_eq!(line.number, 1),
                Ok(None) => prop_assert!(text.trim_start().starts_with('#')),
                Err(()) => {}
            }
        }
    }
}
