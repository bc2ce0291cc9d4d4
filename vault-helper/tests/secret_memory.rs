//! Memory for secrets, from within and from without. Alone in its file: it has the helper's allocator, and reads the
//! memory of the whole process. Linux only.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::Once;

use sallyport_vault_helper::harden::memory::{self, Allocator, secretly};
use sallyport_vault_helper::redact::{Redactor, SecretKind};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Whether the kernel here has it; the arena is made once.
fn opened() -> bool {
    static OPENED: Once = Once::new();
    OPENED.call_once(|| {
        if let Err(error) = memory::open() {
            println!("{error}");
        }
    });
    // What it is instead, where the kernel has none, can be read.
    let here = memory::usage().size > 0 && !readable(&secretly(|| vec![1; 16]));
    if !here {
        println!("skipped: no secret memory here");
    }
    here
}

/// Whether a debugger would find bytes at their place.
fn readable(bytes: &[u8]) -> bool {
    let mut found = vec![0; bytes.len()];
    let memory = File::open("/proc/self/mem").unwrap();
    memory.read_exact_at(&mut found, bytes.as_ptr().addr() as u64).is_ok()
}

#[test]
fn what_is_allocated_in_secret_cannot_be_read_from_without_and_all_else_can() {
    if !opened() {
        return;
    }
    let plain = || vec![7_u8; 100];
    assert!(readable(&plain()), "the control");
    assert!(!readable(&secretly(|| vec![7; 100])));
    // Also what grows afterwards, and what another thread has.
    let mut grows = secretly(|| vec![7_u8; 100]);
    grows.resize(100_000, 8);
    assert!(!readable(&grows));
    let elsewhere = std::thread::spawn(|| vec![7; 100]).join().unwrap();
    assert!(readable(&elsewhere));
    drop(grows);
    let after_a_panic = std::panic::catch_unwind(|| secretly(|| panic!("as a parser might")));
    assert!(after_a_panic.is_err() && readable(&plain()));
}

#[test]
fn what_is_given_back_is_wiped_and_zeroed_memory_is_zero() {
    if !opened() {
        return;
    }
    for size in [1, 24, 4096, 300_000] {
        let block = secretly(|| vec![0xa5_u8; size]);
        let place = block.as_ptr().addr();
        drop(block);
        let again = secretly(|| vec![0_u8; size]);
        assert!(again.iter().all(|byte| *byte == 0), "{size} at {place:x}");
    }
}

#[test]
fn what_does_not_fit_is_in_ordinary_memory_and_counted() {
    if !opened() {
        return;
    }
    let before = memory::usage();
    let large = secretly(|| vec![1_u8; before.size + 1]);
    assert!(readable(&large));
    assert_eq!(memory::usage().spilled, before.spilled + 1);
}

/// What the kernel says of the mapping that holds an address (`VmFlags` of proc_pid_smaps(5)); the mapping beside it,
/// whose permissions are whatever another thread has just mapped there, says nothing of it.
fn flags_of(address: usize) -> String {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let range = |line: &str| {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
    };
    let holds = |line: &&str| range(line).is_some_and(|range| range.contains(&address));
    let ours = maps.lines().skip_while(|line| !holds(line));
    ours.take_while(|line| holds(line) || range(line).is_none())
        .find_map(|line| line.strip_prefix("VmFlags:"))
        .unwrap()
        .to_owned()
}

#[test]
fn no_process_that_is_started_has_it() {
    if !opened() {
        return;
    }
    let block = secretly(|| vec![1_u8; 64]);
    let flags = flags_of(block.as_ptr().addr());
    for flag in ["lo", "dc", "dd"] {
        assert!(flags.split(' ').any(|known| known == flag), "locked, not copied, not dumped: {flags}");
    }
}

/// Runs one of the tests below, which is nothing by itself, as a user like any other.
fn where_eight_mebibytes_may_be_locked(test: &str) {
    let mut child = Command::new("prlimit");
    child.args(["--memlock=8388608:8388608", "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]);
    child.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env("LIMITED", "1");
    let done = child.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    println!("{said}");
    assert!(done.status.success() && said.contains("it was limited"), "{done:?}");
}

#[test]
fn thirty_two_records_fit_where_eight_mebibytes_may_be_locked() {
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: only root can become a user whose limits are known");
    }
    if opened() {
        where_eight_mebibytes_may_be_locked("the_child_of_the_test_of_32_records");
    }
}

#[test]
fn the_child_of_the_test_of_32_records() {
    if std::env::var_os("LIMITED").is_none() || !opened() {
        return;
    }
    println!("it was limited to {}", memory::usage().size);
    let redactor = Redactor::new();
    let letters = |number: usize, length: usize| -> Vec<u8> {
        let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(state >> 58) as usize]
        };
        (0..length).map(|_| next()).collect()
    };
    let mut kept = Vec::new();
    for number in 0..32 {
        let (secret, kind) = match number {
            // As of a key of Ed25519; its public part is not looked for.
            0..8 => (letters(number, 300), SecretKind::PrivateKey),
            _ => (letters(number, 24), SecretKind::Password),
        };
        kept.push(redactor.enroll("s", &secret, kind).unwrap());
    }
    println!("8 keys of Ed25519 and 24 passwords: {:?}", memory::usage());
    assert_eq!(memory::usage().spilled, 0);
    for number in 32..36 {
        // As of a key of RSA with 3072 bits.
        kept.push(redactor.enroll("s", &letters(number, 1900), SecretKind::PrivateKey).unwrap());
        println!("and {} keys of RSA: {:?}", number - 31, memory::usage());
    }
}
