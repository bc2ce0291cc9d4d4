//! Output that is kept for later reading: its beginning and its end in a bounded amount of memory, and what follows
//! the beginning in a file without a name, with cursors that never change their meaning.
//!
//! The file is made when there is more output than the beginning, with mode 0600, and has lost its name before the
//! first byte is in it: the kernel frees it when the job is forgotten or the helper ends, however it ends.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

/// Bytes kept from the beginning.
pub const HEAD: usize = 128 * 1024;
/// Bytes kept from the end.
pub const TAIL: usize = 512 * 1024;
/// Bytes kept in the file.
pub const FILED: u64 = 64 * 1024 * 1024;

/// Kept output. A cursor counts bytes from the very first one.
#[derive(Debug, Default)]
pub struct Spool {
    head: Vec<u8>,
    /// What follows the head, if there is a file and it took it.
    file: Option<File>,
    filed: u64,
    /// Nothing more goes into the file: it is full, or the disk is.
    closed: bool,
    tail: VecDeque<u8>,
    total: u64,
}

/// A file of ours alone, without a name.
fn nameless(place: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(place)?;
    let name = place
        .join(format!("{:016x}", getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&name)?;
    std::fs::remove_file(&name)?;
    Ok(file)
}

/// A piece of kept output.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Cursor of its first byte.
    pub from: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Bytes between the cursor asked for and `from` that are no longer kept.
    pub dropped: u64,
}

impl Spool {
    /// Adds bytes at the end; the oldest beyond the head make room in memory. `place` is where a file may be made.
    pub fn push(&mut self, bytes: &[u8], place: Option<&Path>) {
        self.total += bytes.len() as u64;
        let into_head = bytes.len().min(HEAD - self.head.len());
        let (head, mut rest) = bytes.split_at(into_head);
        self.head.extend_from_slice(head);
        if let (false, false, Some(place)) = (rest.is_empty(), self.closed, place) {
            self.file(rest, place);
        }
        if rest.len() > TAIL {
            rest = &rest[rest.len() - TAIL..];
        }
        let excess = (self.tail.len() + rest.len()).saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// Appends to the file. A disk that takes no more costs the middle of the output, never the command.
    fn file(&mut self, bytes: &[u8], place: &Path) {
        let room = usize::try_from(FILED - self.filed).unwrap_or(usize::MAX);
        let fits = &bytes[..bytes.len().min(room)];
        let written = match &self.file {
            Some(file) => file.write_all_at(fits, self.filed),
            None => nameless(place).and_then(|file| self.file.insert(file).write_all_at(fits, 0)),
        };
        match written {
            Ok(()) => {
                self.filed += fits.len() as u64;
                self.closed = fits.len() < bytes.len();
            }
            Err(error) => {
                tracing::warn!(%error, "the middle of a job's output is not kept");
                self.closed = true;
            }
        }
    }

    /// Bytes ever added.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// At most `max` bytes from `cursor` on.
    pub fn read(&self, cursor: u64, max: usize) -> Piece {
        let tail_from = self.total - self.tail.len() as u64;
        let wanted = cursor.min(self.total);
        if let Some(rest) =
            usize::try_from(wanted).ok().and_then(|at| self.head.get(at..)).filter(|r| !r.is_empty())
        {
            return Piece { from: wanted, bytes: rest[..rest.len().min(max)].to_vec(), dropped: 0 };
        }
        let in_file = wanted.saturating_sub(HEAD as u64);
        if let (Some(file), true) = (&self.file, wanted >= HEAD as u64 && in_file < self.filed) {
            let there = usize::try_from(self.filed - in_file).unwrap_or(usize::MAX);
            let mut bytes = vec![0; max.min(there)];
            if file.read_exact_at(&mut bytes, in_file).is_ok() {
                return Piece { from: wanted, bytes, dropped: 0 };
            }
        }
        let from = wanted.max(tail_from);
        let skip = usize::try_from(from - tail_from).unwrap_or(usize::MAX);
        Piece {
            from,
            bytes: self.tail.iter().skip(skip).take(max).copied().collect(),
            dropped: from - wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_read_back_whole_in_any_pages() {
        let mut spool = Spool::default();
        let all: Vec<u8> = (0..HEAD + 1000).map(|i| (i % 251) as u8).collect();
        for piece in all.chunks(777) {
            spool.push(piece, None);
        }
        let (mut cursor, mut read) = (0, Vec::new());
        while cursor < spool.total() {
            let page = spool.read(cursor, 5000);
            assert_eq!(page.dropped, 0);
            cursor = page.from + page.bytes.len() as u64;
            read.extend(page.bytes);
        }
        assert_eq!(read, all);
    }

    #[test]
    fn the_middle_of_too_much_is_dropped_and_said() {
        let mut spool = Spool::default();
        let total = HEAD + 3 * TAIL;
        spool.push(&vec![1; HEAD], None);
        spool.push(&vec![2; 2 * TAIL], None);
        spool.push(&vec![3; TAIL], None);
        let page = spool.read(HEAD as u64, 10);
        assert_eq!(page, Piece { from: (total - TAIL) as u64, bytes: vec![3; 10], dropped: 2 * TAIL as u64 });
    }

    #[test]
    fn a_cursor_beyond_the_end_waits_at_the_end() {
        let mut spool = Spool::default();
        spool.push(b"abc", None);
        assert_eq!(spool.read(99, 10), Piece { from: 3, bytes: Vec::new(), dropped: 0 });
    }

    #[test]
    fn with_a_place_nothing_of_the_middle_is_lost_and_no_name_stays_behind() {
        let place = tempfile::tempdir().unwrap();
        let mut spool = Spool::default();
        let all: Vec<u8> = (0..HEAD + 3 * TAIL).map(|i| (i % 251) as u8).collect();
        for piece in all.chunks(10_007) {
            spool.push(piece, Some(place.path()));
        }
        let (mut cursor, mut read) = (0, Vec::new());
        while cursor < spool.total() {
            let page = spool.read(cursor, 70_001);
            assert_eq!((page.dropped, page.from), (0, cursor));
            cursor = page.from + page.bytes.len() as u64;
            read.extend(page.bytes);
        }
        assert_eq!(read, all);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn beyond_the_file_the_end_is_kept_and_the_gap_is_said() {
        let place = tempfile::tempdir().unwrap();
        let mut spool = Spool::default();
        let block = vec![7; 1 << 20];
        for _ in 0..70 {
            spool.push(&block, Some(place.path()));
        }
        let end = HEAD as u64 + FILED;
        assert_eq!(spool.read(end - 5, 100), Piece { from: end - 5, bytes: vec![7; 5], dropped: 0 });
        let page = spool.read(end, 1);
        assert_eq!(page.from, spool.total() - TAIL as u64);
        assert_eq!(page.dropped, page.from - end);
    }

    #[test]
    fn a_place_that_takes_nothing_costs_the_middle_only() {
        let mut spool = Spool::default();
        spool.push(&vec![1; HEAD + 2 * TAIL], Some(Path::new("/proc/none")));
        assert_eq!(spool.read(0, 1).bytes, [1]);
        assert_eq!(spool.read(HEAD as u64, 1).dropped, TAIL as u64);
    }
}
