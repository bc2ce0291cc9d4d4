//! The table of results.

use std::fmt::Write;
use std::time::Duration;

/// What an aim is measured by.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// Ours must be at least this many times faster.
    Faster(f64),
    /// Ours must reach at least this part of the other's rate.
    Part(f64),
    /// Ours, in the row's unit, must stay under this. A time is meant for the machine of [`PACE`].
    Under(f64),
}

/// What `ssh -S` took for `true` on the machine that aims in milliseconds were set on. Another machine has as much more time
/// for everything as it takes longer for that.
const PACE: Duration = Duration::from_micros(5600);

/// A row.
#[derive(Debug)]
struct Row {
    what: &'static str,
    ours: String,
    theirs: String,
    result: String,
    aim: String,
    met: bool,
}

/// All rows so far.
#[derive(Debug)]
pub struct Report {
    rows: Vec<Row>,
    /// How many times slower than the machine of [`PACE`] this one is, at the moment.
    slower: f64,
}

impl Report {
    /// A report on a machine on which `ssh -S` takes this long for `true`.
    pub fn new(pace: Duration) -> Self {
        let slower = pace.as_secs_f64() / PACE.as_secs_f64();
        eprintln!(
            "`ssh -S` takes {} for `true`, {slower:.1} times what it took where times were aimed at",
            shown(pace)
        );
        Self { rows: Vec::new(), slower }
    }

    /// Two times of the same thing: medians, and how many times faster ours is.
    pub fn times(&mut self, what: &'static str, ours: &[Duration], theirs: &[Duration], aim: Aim) {
        let (ours, theirs) = (median(ours), median(theirs));
        let faster = theirs.as_secs_f64() / ours.as_secs_f64();
        self.row(what, shown(ours), shown(theirs), format!("{faster:.2} x"), aim, faster);
    }

    /// Two rates in bytes a second.
    pub fn rates(&mut self, what: &'static str, ours: f64, theirs: f64, aim: Aim) {
        let megabytes = |rate: f64| format!("{:.0} MB/s", rate / 1e6);
        let part = ours / theirs;
        self.row(what, megabytes(ours), megabytes(theirs), format!("{part:.2} x"), aim, part);
    }

    /// A time of ours alone, that must stay under so many milliseconds at [`PACE`].
    pub fn time(&mut self, what: &'static str, ours: Duration, limit: f64) {
        let milliseconds = ours.as_secs_f64() * 1e3;
        let here = Aim::Under((limit * self.slower * 10.0).round() / 10.0);
        self.row(what, shown(ours), "-".into(), format!("{milliseconds:.1} ms"), here, milliseconds);
    }

    /// An amount of memory of ours alone, in bytes.
    pub fn memory(&mut self, what: &'static str, bytes: u64, aim: Aim) {
        let megabytes = bytes as f64 / f64::from(1 << 20);
        self.row(
            what,
            format!("{megabytes:.1} MiB"),
            "-".into(),
            format!("{megabytes:.1} MiB"),
            aim,
            megabytes,
        );
    }

    /// An amount of memory of ours alone, in bytes, for one of many.
    pub fn each(&mut self, what: &'static str, bytes: u64, aim: Aim) {
        let kilobytes = bytes as f64 / 1024.0;
        let shown = format!("{kilobytes:.1} KiB");
        self.row(what, shown.clone(), "-".into(), shown, aim, kilobytes);
    }

    fn row(
        &mut self,
        what: &'static str,
        ours: String,
        theirs: String,
        result: String,
        aim: Aim,
        value: f64,
    ) {
        let (aim, met) = match aim {
            Aim::Faster(times) => (format!(">= {times} x"), value >= times),
            Aim::Part(part) => (format!(">= {part} x"), value >= part),
            Aim::Under(limit) => (format!("< {limit}"), value < limit),
        };
        eprintln!("{what}: {result}");
        self.rows.push(Row { what, ours, theirs, result, aim, met });
    }

    /// Prints the table.
    pub fn print(&self) {
        let mut text =
            String::from("\n| what | Sallyport | OpenSSH | result | aim | |\n|---|---|---|---|---|---|\n");
        for Row { what, ours, theirs, result, aim, met } in &self.rows {
            let met = if *met { "met" } else { "missed" };
            // Writing into a string cannot fail.
            let _ = writeln!(text, "| {what} | {ours} | {theirs} | {result} | {aim} | {met} |");
        }
        println!("{text}");
    }
}

/// The middle one; zero of none.
pub fn median(samples: &[Duration]) -> Duration {
    percentile(samples, 50)
}

/// The one that this many of a hundred are below; zero of none.
pub fn percentile(samples: &[Duration], part: usize) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() * part / 100).copied().unwrap_or_default()
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
