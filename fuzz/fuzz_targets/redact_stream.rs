//! The stream: any order of pushes, pauses, ends and enrolments. Nothing panics, nothing is held past its
//! deadline, no byte appears that was not pushed or is not part of a mask.
#![no_main]

// The module takes its memory from there.
use sallyport_vault_helper::harden;

#[allow(dead_code)]
mod common;
#[allow(dead_code, unused_imports)]
#[path = "../../vault-helper/src/redact/mod.rs"]
mod redact;

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use redact::{MASK, Redactor};

fuzz_target!(|input: &[u8]| {
    let redactor = Redactor::new();
    let mut guards = Vec::new();
    let mut stream = redactor.stream();
    let mut now = Instant::now();
    let (mut pushed, mut out) = (Vec::new(), Vec::new());
    for step in input.chunks(8) {
        match step[0] {
            0 => guards = common::enroll(&redactor),
            1 => drop(guards.pop()),
            2 => out.extend(stream.finish().into_vec()),
            3..32 => {
                now += Duration::from_millis(u64::from(step[0]) * 6);
                out.extend(stream.tick(now).into_vec());
                if step[0] >= 25 {
                    assert_eq!(stream.deadline(), None, "held past 150 ms");
                }
            }
            _ => {
                let bytes = common::expand(step);
                out.extend(stream.push(now, &bytes).into_vec());
                pushed.extend(bytes);
                if stream.deadline().is_none() {
                    continue;
                }
                assert!(stream.deadline().is_some_and(|due| due <= now + Duration::from_millis(150)));
            }
        }
    }
    out.extend(stream.finish().into_vec());
    let mut rest = pushed.as_slice();
    let plain = String::from_utf8_lossy(&out).into_owned();
    if stream.redactions() == 0 {
        assert_eq!(out, pushed);
    }
    // What is shown between masks was pushed, in that order.
    if !String::from_utf8_lossy(&pushed).contains(MASK) {
        for byte in plain.replace(MASK, "").bytes().filter(u8::is_ascii) {
            let at = rest.iter().position(|pushed| *pushed == byte);
            assert!(at.is_some(), "a byte from nowhere");
            rest = &rest[at.map_or(0, |at| at + 1)..];
        }
    }
});
