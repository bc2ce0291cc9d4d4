//! `sallyport-bench`: Sallyport through stdio MCP against OpenSSH's client, on the same server, in one run.
//!
//! Absolute times say more about the machine than about the program, so what counts is the ratio beside them. The
//! two sides of a ratio are measured in turns, a few samples each, so that a noisy minute hits both. See `scripts/bench`.
//! Arguments: `--quick` takes a fifth of the samples and of the bytes.
#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no result to go on with")]

mod bed;
mod files;
mod idle;
mod latency;
mod report;
mod stream;

use report::Report;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let scale = if quick { 5 } else { 1 };
    let mut report = Report::default();
    let bed = bed::Bed::make();
    // Logins first: each needs a host nobody logged in to yet.
    latency::logins(&bed, &mut report);
    latency::commands(&bed, &mut report, 200 / scale);
    latency::at_once(&bed, &mut report, 10 / scale);
    stream::rate(&bed, &mut report, 500_000_000 / scale);
    stream::redaction(&mut report, 500_000_000 / scale);
    stream::company(&bed, &mut report, 1_000_000_000 / scale);
    files::large(&bed, &mut report, 256_000_000 / scale);
    files::small(&bed, &mut report, 5_000 / scale);
    idle::memory(&bed, &mut report);
    idle::cold_starts(&bed, &mut report, 40 / scale);
    report.print();
}
