//! How long one judgement takes: every command of the corpus, many times over, on one thread.
//!
//! `cargo bench -p sallyport-policy` prints the median, the 99th percentile and commands a second. Nothing fails.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sallyport_policy::{Mode, Policy, ShellState, Subject};
use serde::Deserialize;

/// Times the corpus is judged, after one round that does not count.
const ROUNDS: usize = 20;

#[derive(Deserialize)]
struct Line {
    command: String,
    mode: Mode,
}

#[expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark of this project's own files prints"
)]
fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut lines: Vec<Line> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        lines.extend(text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap()));
    }
    let policy = Policy::builtin();
    let state = ShellState::default();
    let mut times: Vec<Duration> = Vec::with_capacity(lines.len() * ROUNDS);
    for round in 0..=ROUNDS {
        for line in &lines {
            let subject = Subject { mode: Some(line.mode), ..Subject::anywhere("local") };
            let start = Instant::now();
            let _ = std::hint::black_box(policy.judge(&subject, &state, &line.command));
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    times.sort_unstable();
    let whole: Duration = times.iter().sum();
    let at = |percent: usize| times[times.len() * percent / 100].as_nanos() as f64 / 1000.0;
    println!(
        "{} commands: p50 {:.1} us, p99 {:.1} us, {:.0} a second",
        lines.len(),
        at(50),
        at(99),
        times.len() as f64 / whole.as_secs_f64()
    );
}
