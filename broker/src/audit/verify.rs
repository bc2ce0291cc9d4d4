//! Whether the chain holds: every record is there, as it was written, in order, and every intent has its outcome.
//!
//! A chain of hashes proves nothing about its end: who can write the file can cut it, or write a whole new chain. That
//! is what anchors are for: numbers and hashes known from elsewhere (the running helper, a note, a copy).

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::record::{Fields, number, text};
use crate::format::{hex, one_line};

/// What is wrong, in one word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No record at all.
    Torn,
    /// A record was changed.
    Edited,
    /// Records are missing.
    Gap,
    /// A record stands where it does not belong.
    Order,
    /// The log ends too early, or is another one.
    Cut,
    /// An intent without outcome.
    NoOutcome,
    /// An outcome without intent.
    NoIntent,
}

impl Kind {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Torn => "torn",
            Kind::Edited => "edited",
            Kind::Gap => "gap",
            Kind::Order => "order",
            Kind::Cut => "cut",
            Kind::NoOutcome => "no_outcome",
            Kind::NoIntent => "no_intent",
        }
    }

    /// What to do.
    pub fn hint(self) -> &'static str {
        match self {
            Kind::Torn => {
                "a crash or a full disk can cut the last line of a run; anywhere else it was tampered with"
            }
            Kind::Edited | Kind::Gap | Kind::Order => {
                "compare with a copy kept elsewhere: `sallyport audit verify --against COPY`, or the journal's"
            }
            Kind::Cut => {
                "records were removed or replaced: restore them from a copy and find out who could write there"
            }
            Kind::NoOutcome => "the helper ended while this ran: look on the host what became of it",
            Kind::NoIntent => "a record before it was removed or changed: compare with a copy kept elsewhere",
        }
    }
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// In which file.
    pub file: String,
    /// In which of its lines, from 1; 0 for the end.
    pub line: u64,
    /// What.
    pub kind: Kind,
    /// A sentence.
    pub message: String,
}

/// What is known from elsewhere about one record.
#[derive(Debug, Clone)]
pub struct Anchor {
    /// The record's number.
    pub sequence: u64,
    /// Its hash, in hex.
    pub hash: String,
    /// Who says so.
    pub source: String,
}

#[derive(Debug, Clone, Default)]
struct Place {
    file: String,
    line: u64,
}

/// The verification, fed line by line.
#[derive(Debug, Default)]
pub struct Verifier {
    place: Place,
    last: Option<Last>,
    begin: u64,
    from_the_start: bool,
    open: BTreeMap<String, (Place, String)>,
    anchors: BTreeMap<u64, Vec<Anchor>>,
    findings: Vec<Finding>,
    records: u64,
    first: Option<(u64, String)>,
}

#[derive(Debug, Clone)]
struct Last {
    sequence: u64,
    hash: String,
    time: String,
    place: Place,
}

/// What came of it.
#[derive(Debug)]
pub struct Verdict {
    /// Everything wrong, in the log's order.
    pub findings: Vec<Finding>,
    /// How many records.
    pub records: u64,
    /// Number and time of the first.
    pub first: Option<(u64, String)>,
    /// Number, hash and time of the last.
    pub last: Option<(u64, String, String)>,
    /// Operations under way in the running helper.
    pub under_way: usize,
}

impl Verifier {
    /// A verification of a log that should begin with record `begin`.
    pub fn new(begin: u64, anchors: Vec<Anchor>) -> Self {
        let mut verifier = Self { begin, ..Self::default() };
        for anchor in anchors {
            verifier.anchors.entry(anchor.sequence).or_default().push(anchor);
        }
        verifier
    }

    /// The next line.
    pub fn take(&mut self, file: &str, line: u64, bytes: &[u8], whole: bool) {
        self.place = Place { file: file.to_owned(), line };
        let fields = match serde_json::from_slice::<Value>(bytes) {
            Ok(Value::Object(fields)) if whole && fields.get("seq").is_some_and(Value::is_u64) => fields,
            _ => return self.find(Kind::Torn, "this line is no record: it was cut or changed".into()),
        };
        self.records += 1;
        let sequence = number(&fields, "seq");
        self.link(sequence, &fields);
        self.follow(&fields);
        let hash = hex(&Sha256::digest(bytes));
        for anchor in self.anchors.remove(&sequence).unwrap_or_default() {
            if anchor.hash != hash {
                self.find(
                    Kind::Cut,
                    format!("record {sequence} is not the one that {} knows", anchor.source),
                );
            }
        }
        let time = text(&fields, "time").to_owned();
        self.first.get_or_insert_with(|| (sequence, time.clone()));
        self.last = Some(Last { sequence, hash, time, place: self.place.clone() });
    }

    /// Whether this record follows the one before it.
    fn link(&mut self, sequence: u64, fields: &Fields) {
        let Some(last) = self.last.clone() else {
            self.from_the_start = sequence == 1;
            match sequence {
                first if first == self.begin && (first > 1 || text(fields, "prev").is_empty()) => {}
                first if first > self.begin => {
                    let missing = range(self.begin, first - 1);
                    self.find(Kind::Gap, format!("the log begins with record {first}: {missing} before it"));
                }
                _ => self.find(Kind::Order, format!("record {sequence} cannot be the first")),
            }
            return;
        };
        if sequence > last.sequence.saturating_add(1) {
            self.find(Kind::Gap, format!("{} before this line", range(last.sequence + 1, sequence - 1)));
        } else if sequence <= last.sequence {
            let message = format!(
                "record {sequence} stands behind record {}: repeated, moved or put in",
                last.sequence
            );
            self.find(Kind::Order, message);
        } else if text(fields, "prev") != last.hash {
            let here = std::mem::replace(&mut self.place, last.place);
            let message = format!(
                "record {} is not what record {sequence} was chained to: one of the two was changed",
                last.sequence
            );
            self.find(Kind::Edited, message);
            self.place = here;
        }
    }

    /// Intents and outcomes.
    fn follow(&mut self, fields: &Fields) {
        let id = text(fields, "id").to_owned();
        match text(fields, "kind") {
            "intent" => {
                let what = format!(
                    "{} {} on {}@{} ({id}), begun {}",
                    text(fields, "action"),
                    one_line(text(fields, "command")),
                    text(fields, "user"),
                    text(fields, "host"),
                    text(fields, "time"),
                );
                self.open.insert(id, (self.place.clone(), what));
            }
            // Where the log's beginning is missing or archived, so may be the intent.
            "outcome" if self.open.remove(&id).is_none() && self.from_the_start => {
                self.find(Kind::NoIntent, format!("an outcome of {id}, of which no intent is open"));
            }
            // Whatever the run before left open will never have an outcome.
            "event" if text(fields, "event") == "started" => self.close_open(),
            _ => {}
        }
    }

    fn close_open(&mut self) {
        let here = self.place.clone();
        for (place, what) in std::mem::take(&mut self.open).into_values() {
            self.place = place;
            self.find(Kind::NoOutcome, format!("no outcome of {what}"));
        }
        self.place = here;
    }

    fn find(&mut self, kind: Kind, message: String) {
        let Place { file, line } = self.place.clone();
        self.findings.push(Finding { file, line, kind, message: one_line(&message) });
    }

    /// The end of the log. While a helper runs, what is open is under way.
    pub fn end(mut self, helper_runs: bool) -> Verdict {
        let under_way = if helper_runs { self.open.len() } else { 0 };
        if !helper_runs {
            self.close_open();
        }
        let last = self.last.as_ref().map_or(0, |last| last.sequence);
        self.place.line = 0;
        for anchor in std::mem::take(&mut self.anchors).into_values().flatten() {
            let message = if anchor.sequence > last {
                format!(
                    "the log ends with record {last}, but {} knows record {}",
                    anchor.source, anchor.sequence
                )
            } else {
                format!("record {} is missing, which {} knows", anchor.sequence, anchor.source)
            };
            self.find(Kind::Cut, message);
        }
        Verdict {
            findings: self.findings,
            records: self.records,
            first: self.first,
            last: self.last.map(|last| (last.sequence, last.hash, last.time)),
            under_way,
        }
    }
}

/// The hash of a line, as the next one carries it.
pub fn hash(line: &[u8]) -> String {
    hex(&Sha256::digest(line))
}

fn range(from: u64, to: u64) -> String {
    if from == to {
        format!("record {from} is missing")
    } else {
        format!("records {from} to {to} are missing")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A sound log: a start, then an intent and its outcome `operations` times.
    fn log(operations: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let mut previous = String::new();
        let mut write = |mut fields: Value| {
            fields["seq"] = (lines.len() as u64 + 1).into();
            fields["time"] = "2026-01-01T00:00:00.000Z".into();
            fields["prev"] = previous.clone().into();
            let line = fields.to_string();
            previous = hash(line.as_bytes());
            lines.push(line);
        };
        write(json!({ "kind": "event", "event": "started" }));
        for id in 0..operations {
            let id = format!("j{id}");
            write(
                json!({ "kind": "intent", "id": id, "action": "exec", "command": "uptime", "user": "me", "host": "web1" }),
            );
            write(json!({ "kind": "outcome", "id": id, "result": "exited" }));
        }
        lines
    }

    fn verify_with(lines: &[String], anchors: Vec<Anchor>, helper_runs: bool) -> Vec<String> {
        let mut verifier = Verifier::new(1, anchors);
        for (index, line) in lines.iter().enumerate() {
            verifier.take("audit.jsonl", index as u64 + 1, line.as_bytes(), true);
        }
        let findings = verifier.end(helper_runs).findings;
        findings.iter().map(|f| format!("{} {}: {}", f.kind.name(), f.line, f.message)).collect()
    }

    fn verify(lines: &[String]) -> Vec<String> {
        verify_with(lines, Vec::new(), false)
    }

    #[test]
    fn a_log_nobody_touched_is_sound() {
        assert_eq!(verify(&log(5)), [""; 0]);
    }

    #[test]
    fn every_single_changed_byte_is_found() {
        let lines = log(2);
        for (line, at) in (0..4).flat_map(|line| (0..lines[line].len()).map(move |at| (line, at))) {
            let mut bytes = lines[line].clone().into_bytes();
            bytes[at] ^= 1;
            let mut changed = lines.clone();
            changed[line] = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!verify(&changed).is_empty(), "line {} byte {at}", line + 1);
        }
    }

    #[test]
    fn an_edited_record_is_named_by_its_line() {
        let mut lines = log(2);
        lines[1] = lines[1].replace("uptime", "reboot");
        insta::assert_snapshot!(verify(&lines).join("\n"), @"edited 2: record 2 is not what record 3 was chained to: one of the two was changed");
    }

    #[test]
    fn a_removed_record_is_a_gap_wherever_it_was() {
        for removed in 0..4 {
            let mut lines = log(2);
            lines.remove(removed);
            let found = verify(&lines);
            assert!(found[0].starts_with(&format!("gap {}:", removed + 1)), "{removed}: {found:?}");
        }
        let mut lines = log(4);
        lines.drain(..3);
        insta::assert_snapshot!(verify(&lines)[0], @"gap 1: the log begins with record 4: records 1 to 3 are missing before it");
    }

    #[test]
    fn exchanged_and_repeated_records_are_found() {
        let mut lines = log(3);
        lines.swap(3, 4);
        assert!(verify(&lines).iter().any(|f| f.starts_with("order")), "{:?}", verify(&lines));
        let mut lines = log(2);
        let copy = lines[2].clone();
        lines.insert(3, copy);
        insta::assert_snapshot!(verify(&lines)[0], @"order 4: record 3 stands behind record 3: repeated, moved or put in");
    }

    #[test]
    fn a_line_that_is_no_record_is_torn_and_the_chain_goes_on_behind_it() {
        let mut lines = log(2);
        lines.insert(3, "{\"seq\":4,\"kin".into());
        insta::assert_snapshot!(verify(&lines).join("\n"), @"torn 4: this line is no record: it was cut or changed");
    }

    #[test]
    fn a_cut_end_is_found_by_what_others_know() {
        let lines = log(3);
        let anchor =
            |sequence: u64, hash: String| Anchor { sequence, hash, source: "the running helper".into() };
        let head = anchor(7, hash(lines[6].as_bytes()));
        assert_eq!(verify_with(&lines, vec![head.clone()], true), [""; 0]);
        insta::assert_snapshot!(verify_with(&lines[..5], vec![head.clone()], true).join("\n"), @"cut 0: the log ends with record 5, but the running helper knows record 7");
        let forged: Vec<String> = log(4);
        let other = anchor(7, "00".into());
        insta::assert_snapshot!(verify_with(&forged, vec![other], true).join("\n"), @"cut 7: record 7 is not the one that the running helper knows");
    }

    #[test]
    fn an_intent_without_outcome_is_found_unless_its_helper_still_runs() {
        let mut lines = log(2);
        lines.pop();
        assert_eq!(verify_with(&lines, Vec::new(), true), [""; 0]);
        insta::assert_snapshot!(verify(&lines).join("\n"), @"no_outcome 4: no outcome of exec uptime on me@web1 (j1), begun 2026-01-01T00:00:00.000Z");
        let mut started = json!({ "kind": "event", "event": "started", "seq": 5, "time": "" });
        started["prev"] = hash(lines[3].as_bytes()).into();
        lines.push(started.to_string());
        assert_eq!(
            verify_with(&lines, Vec::new(), true).len(),
            1,
            "a later helper does not have it under way"
        );
    }

    #[test]
    fn an_outcome_nobody_intended_is_found() {
        let mut lines = log(1);
        let mut outcome = json!({ "kind": "outcome", "id": "j9", "seq": 4, "time": "" });
        outcome["prev"] = hash(lines[2].as_bytes()).into();
        lines.push(outcome.to_string());
        insta::assert_snapshot!(verify(&lines).join("\n"), @"no_intent 4: an outcome of j9, of which no intent is open");
    }

    #[test]
    fn garbage_is_findings_and_never_a_panic() {
        for bytes in
            [&b""[..], b"null", b"[]", b"{}", b"{\"seq\":-1}", b"{\"seq\":18446744073709551615}", &[0xff; 9]]
        {
            let mut verifier = Verifier::new(1, Vec::new());
            verifier.take("f", 1, bytes, true);
            verifier.take("f", 2, bytes, true);
            assert!(!verifier.end(false).findings.is_empty(), "{bytes:?}");
        }
    }
}
