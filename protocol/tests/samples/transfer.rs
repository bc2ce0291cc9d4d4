//! Samples of transfers.

use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::{Consent, Request};
use sallyport_protocol::text::*;
use sallyport_protocol::transfer::*;
use sallyport_protocol::*;

use super::{text, texts, word};

pub fn requests() -> Vec<(&'static str, Request)> {
    let target = |name: &str| TargetName::new(name).unwrap();
    let path = |path: &str| RemotePath::new(path).unwrap();
    let transfer = Transfer {
        target: target("web1"),
        path: path("/srv/app"),
        recursive: true,
        create_parents: true,
        overwrite: false,
        keep_permissions: true,
        keep_times: true,
        mirror: Some(Mirror {
            delete: true,
            exclude: List::clip([word("*.log")]),
            dry_run: true,
            by_content: false,
        }),
        consent: Consent::None,
        confirmation: Some(ConfirmationId::new("c-1").unwrap()),
    };
    let copy = Copy {
        from_target: target("web1"),
        from_path: path("a"),
        to_target: target("web2"),
        to_path: path("b"),
        overwrite: true,
        consent: Consent::Model,
        confirmation: None,
    };
    vec![
        ("upload", Request::Transfer(Ask::Upload(transfer.clone()))),
        ("download", Request::Transfer(Ask::Download(Transfer { mirror: None, ..transfer }))),
        ("copy", Request::Transfer(Ask::Copy(copy))),
    ]
}

pub fn events() -> Vec<(&'static str, Event)> {
    let found = Found {
        path: text(),
        kind: EntryKind::File,
        size: 300,
        mode: 0o644,
        mtime: 1_700_000_000,
        sha256: Some([4; 32]),
    };
    let notes = [
        ("send", Note::Send { from: 3, count: 400 }),
        ("go", Note::Go),
        ("found", Note::Found(found)),
        ("complete", Note::Complete),
        ("sent", Note::Sent { entry: 5, bytes: 300 }),
        ("change", Note::Change(Change { path: text(), deed: Deed::Remove })),
        ("transfer progress", Note::Progress { bytes: 1 << 33 }),
    ];
    notes.into_iter().map(|(name, note)| (name, Event::Transfer(note))).collect()
}

pub fn outcomes() -> Vec<(&'static str, Outcome)> {
    let done = Done { files: 3, bytes: 900, skipped: 1, removed: 2, sha256: Some([6; 32]), remarks: texts() };
    vec![
        ("transferred", Outcome::Transferred(Ended::Done(done))),
        ("tell content", Outcome::Transferred(Ended::TellContent)),
    ]
}
