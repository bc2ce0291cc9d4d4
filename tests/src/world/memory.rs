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
            for (needle, found) in needles.iter().zip(&mut found) {
                *found = *found || contains(&buffer[..count], needle);
            }
            at += count.saturating_sub(if at + (count as u64) < to { overlap } else { 0 }).max(1) as u64;
        }
    }
    if read == 0 {
        return Err(io::Error::other("no region could be read"));
    }
    Ok(found.iter().enumerate().filter(|(_, found)| **found).map(|(index, _)| index).collect())
}

/// Whether `needle` is in `haystack`; by its first byte first, which is fast enough on mostly empty memory.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if haystack[from..].starts_with(rest) {
            return true;
        }
    }
    false
}
