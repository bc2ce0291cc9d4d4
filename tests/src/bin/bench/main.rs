//! `sallyport-bench`: Sallyport through stdio MCP against OpenSSH's client, on the same server, in one run.
//!
//! Absolute times say more about the machine than about the program, so what counts is the ratio beside them. The
//! two sides of a ratio are measured in turns, a few samples each, so that a noisy minute hits both. Where a time alone is
//! aimed at, it is set against what `ssh -S` takes for `true` here and took there. See `scripts/bench`.
//! Arguments: `--quick` takes a fifth of the samples and of the bytes; names of parts measure those parts alone.
#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no result to go on with")]

mod added;
mod bed;
mod files;
mod idle;
mod latency;
mod report;
mod sessions;
mod stream;

use bed::Bed;
use report::Report;

/// One part of the benchmark, given the divisor of its samples.
type Part = fn(&Bed, &mut Report, usize);

/// The parts by name, in the order they are measured: logins first, since each needs a host nobody logged in to yet.
const PARTS: [(&str, Part); 13] = [
    ("logins", |bed, report, _| latency::logins(bed, report)),
    ("commands", |bed, report, scale| latency::commands(bed, report, 200 / scale)),
    ("added", |bed, report, scale| added::time(bed, report, 500 / scale)),
    ("at-once", |bed, report, scale| latency::at_once(bed, report, 10 / scale)),
    ("rate", |bed, report, scale| stream::rate(bed, report, 500_000_000 / scale)),
    ("redaction", |_, report, scale| stream::redaction(report, 500_000_000 / scale)),
    ("company", |bed, report, scale| stream::company(bed, report, 1_000_000_000 / scale)),
    ("large-files", |bed, report, scale| files::large(bed, report, 256_000_000 / scale)),
    ("small-files", |bed, report, scale| files::small(bed, report, 5_000 / scale)),
    ("memory", |bed, report, _| idle::memory(bed, report)),
    ("hosts", |_, report, _| added::memory(report)),
    ("start", |bed, report, scale| idle::cold_starts(bed, report, 40 / scale)),
    ("sessions", |bed, report, _| sessions::many(bed, report)),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scale = if arguments.iter().any(|argument| argument == "--quick") { 5 } else { 1 };
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !PARTS.iter().any(|(name, _)| named(name));
    let bed = Bed::make();
    let mut report = Report::new(latency::pace(&bed));
    for (name, part) in PARTS {
        if all || named(name) {
            part(&bed, &mut report, scale);
        }
    }
    report.print();
}
