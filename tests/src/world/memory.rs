//! Looking for bytes in another process's memory, as a debugger would (proc(5): `/proc/PID/maps`, `/proc/PID/mem`).

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

/// How much is read at a time.
const CHUNK: usize = 1 << 20;

/// The memory regions of `pid` that can be read and hold what the program made: not the files it maps read-only.
fn regions(pid: i32) -> io::Result<Vec<(u64, u64)>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    Ok(maps
        .lines()
        .filter_map(|line| {
            // from-to permissions offset device inode path
            let mut fields = line.split_whitespace();
            let (from, to) = fields.next()?.split_once('-')?;
            let writable = fields.next()?.starts_with("rw");
            let parse = |text| u64::from_str_radix(text, 16).ok();
            writable.then_some((parse(from)?, parse(to)?))
        })
        .collect())
}

/// Which of `needles` are in the writable memory of `pid`, by index. Fails when it may not be read.
pub fn find(pid: i32, needles: &[&[u8]]) -> io::Result<Vec<usize>> {
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let overlap = needles.iter().map(|needle| needle.len()).max().unwrap_or(0);
    let index = Index::new(needles);
    let mut found = vec![false; needles.len()];
    let mut buffer = vec![0; CHUNK + overlap];
    let mut read = 0;
    for (from, to) in regions(pid)? {
        let mut at = from;
        while at < to {
            let wanted = usize::try_from(to - at).unwrap_or(usize::MAX).min(buffer.len());
            // A region may be unmapped meanwhile, or be one of the kernel's that nobody reads ([vvar]).
            let Ok(count @ 1..) = memory.read_at(&mut buffer[..wanted], at) else { break };
            read += count;
            index.search(&buffer[..count], &mut found);
            at += count.saturating_sub(if at + (count as u64) < to { overlap } else { 0 }).max(1) as u64;
        }
    }
    if read == 0 {
        return Err(io::Error::other("no region could be read"));
    }
    Ok(found.iter().enumerate().filter(|(_, found)| **found).map(|(index, _)| index).collect())
}

/// The runs of bytes by which a secret is recognised (docs/redaction.md): of 12 bytes, or of a shorter secret about
/// three quarters and at least 8.
pub fn runs(secret: &[u8]) -> impl Iterator<Item = &[u8]> {
    secret.windows(if secret.len() >= 16 { 12 } else { (secret.len() * 3).div_ceil(4).max(8) })
}

/// Needles by their first two bytes: most places of memory are passed by with one look.
struct Index<'a> {
    needles: Vec<Vec<(usize, &'a [u8])>>,
}

impl<'a> Index<'a> {
    fn new(all: &[&'a [u8]]) -> Self {
        let mut needles = vec![Vec::new(); 1 << 16];
        for (number, needle) in all.iter().enumerate() {
            let &[first, second, ..] = *needle else { panic!("a needle of two bytes or more") };
            needles[usize::from(u16::from_ne_bytes([first, second]))].push((number, *needle));
        }
        Self { needles }
    }

    fn search(&self, haystack: &[u8], found: &mut [bool]) {
        for (at, pair) in haystack.windows(2).enumerate() {
            for (number, needle) in &self.needles[usize::from(u16::from_ne_bytes([pair[0], pair[1]]))] {
                found[*number] |= haystack[at..].starts_with(needle);
            }
        }
    }
}
