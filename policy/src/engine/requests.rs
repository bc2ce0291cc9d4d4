//! Requests that only look, spoken to a service on this machine: `echo ruok | nc localhost 2181`.

use super::Engine;
use super::shell::Stdin;

/// First words of requests that services answer without changing anything.
const LOOKING: &[&str] = &[
    "stats",
    "stat",
    "ping",
    "info",
    "version",
    "ruok",
    "mntr",
    "conf",
    "cons",
    "srvr",
    "envi",
    "isro",
    "quit",
    "show",
    "help",
    "get",
    "gets",
    "list",
    "status",
    "nick",
    "noop",
    "capa",
    "head",
    "options",
    "host:",
    "connection:",
    "user-agent:",
    "accept:",
    "exit",
];

impl Engine<'_> {
    /// Whether all that is said, to a socket or a port of this machine, asks for something.
    pub(super) fn only_asks(&self, place: &[&str]) -> bool {
        let here = place.iter().any(|word| {
            matches!(*word, "localhost" | "127.0.0.1" | "::1")
                || word.starts_with("/run/")
                || word.starts_with("/var/run/")
        });
        let Stdin::Known(text) = &self.stdin else { return false };
        here && text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()).all(|line| {
            let first = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
            LOOKING.contains(&first.as_str())
        })
    }
}
