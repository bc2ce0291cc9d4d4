//! Samples of what is said about single files.

use sallyport_protocol::file::*;
use sallyport_protocol::list::List;
use sallyport_protocol::reply;
use sallyport_protocol::request::{Consent, InputPlan, Request};
use sallyport_protocol::text::{RemotePath, TargetName};

use super::{text, texts, word};

fn ask(act: Act) -> Request {
    Request::File(Ask {
        target: TargetName::new("web1").unwrap(),
        path: RemotePath::new("/etc/x").unwrap(),
        act,
        consent: Consent::None,
        confirmation: None,
    })
}

pub fn requests() -> Vec<(&'static str, Request)> {
    let plan = || InputPlan { length: 300, sha256: [1; 32] };
    let guards = || Guards { expected: Some([2; 32]), validate: word("auto"), dry_run: true };
    let read = |part, exact| Act::Read(Read { part, max_bytes: 20_480, exact });
    let write = Write {
        content: plan(),
        mode: WriteMode::Append,
        create_parents: true,
        perm: Some(0o640),
        guards: guards(),
    };
    let search = |kind| Search {
        kind,
        pattern: Pattern::new("a.*b").unwrap(),
        glob: Some(word("*.conf")),
        ignore_case: true,
        context: 2,
        limit: 100,
    };
    vec![
        ("read a file", ask(read(Part::All, false))),
        ("read lines", ask(read(Part::Lines(1, 300), false))),
        ("read a tail", ask(read(Part::Tail(10), true))),
        ("write a file", ask(Act::Write(write))),
        ("edit a file", ask(Act::Edit(Edit { changes: plan(), guards: guards() }))),
        ("list a directory", ask(Act::List(ListDir { depth: 2, hidden: true, limit: 500 }))),
        ("search lines", ask(Act::Search(search(SearchKind::Lines)))),
        ("search names", ask(Act::Search(search(SearchKind::Names)))),
    ]
}

pub fn events() -> Vec<(&'static str, reply::Event)> {
    let entry =
        Entry { name: text(), kind: EntryKind::Link, size: 300, mode: 0o644, mtime: 9, target: text() };
    let found =
        Match { path: text(), line: 3, text: text(), before: texts(), after: List::clip([text(), text()]) };
    vec![
        ("directory entry", reply::Event::File(Event::Entry(entry))),
        ("matching line", reply::Event::File(Event::Match(found))),
    ]
}

pub fn outcomes() -> Vec<(&'static str, reply::Outcome)> {
    let digest = Digest { sha256: [3; 32], keyed: true };
    let read = ReadEnd {
        size: 300,
        total_lines: Some(9),
        first_line: 1,
        digest: Some(digest),
        truncated: true,
        binary: false,
        redactions: 2,
    };
    let written =
        Written { bytes: 300, digest, edits: 2, validation: text(), notes: texts(), diff_truncated: false };
    vec![
        ("file read", reply::Outcome::File(Outcome::Read(read))),
        ("file written", reply::Outcome::File(Outcome::Written(written))),
        ("directory listed", reply::Outcome::File(Outcome::Listed { truncated: true, notes: texts() })),
    ]
}
