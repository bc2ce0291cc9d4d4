//! The bytes of every message of protocol version 1, in `pinned.txt`.
//!
//! Two builds of one version must agree on every byte, so when a test here fails
//! the code is wrong, not the file. New variants go at the end of their enum and
//! their lines are added; a line that is there never changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

mod samples;

use std::collections::BTreeMap;

use sallyport_protocol::Scrub;
use sallyport_protocol::frame::encode;
use serde::Serialize;

fn hex(message: &impl Serialize) -> String {
    encode(message).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn all() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut add =
        |name: &str, bytes: String| assert_eq!(all.insert(name.to_owned(), bytes), None, "{name} twice");
    for (name, message) in samples::handshakes() {
        add(
            name,
            match message {
                Ok(hello) => hex(&hello),
                Err(reply) => hex(&reply),
            },
        );
    }
    samples::to_helper().iter().for_each(|(name, message)| add(name, hex(message)));
    samples::to_broker().iter().for_each(|(name, message)| add(name, hex(message)));
    samples::admin_requests().iter().for_each(|(name, message)| add(name, hex(message)));
    samples::to_admin().iter().for_each(|(name, message)| add(name, hex(message)));
    all
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let pinned: BTreeMap<String, String> = include_str!("pinned.txt")
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, bytes)| (name.to_owned(), bytes.to_owned()))
        .collect();
    let differing: Vec<String> = all()
        .into_iter()
        .filter(|(name, bytes)| pinned.get(name) != Some(bytes))
        .map(|(name, bytes)| format!("{name} = {bytes}\n"))
        .collect();
    assert!(differing.is_empty(), "these differ:\n{}", differing.concat());
    assert_eq!(pinned.len(), all().len(), "a pinned message is no longer made");
}

/// Every variant of an enum must have a sample: a new one without breaks this match.
#[test]
fn every_outgoing_variant_has_a_sample() {
    use sallyport_protocol::admin::{AdminEvent, AdminOutcome};
    use sallyport_protocol::reply::{Event, Outcome};
    let _ = |event: Event| match event {
        Event::Started { .. }
        | Event::Host(_)
        | Event::Segment(_)
        | Event::Active(_)
        | Event::Forward(_)
        | Event::File(_)
        | Event::Transfer(_) => {}
    };
    let _ = |outcome: Outcome| match outcome {
        Outcome::Hosts { .. }
        | Outcome::Checked(_)
        | Outcome::Exited(_)
        | Outcome::Detached { .. }
        | Outcome::NeedsConfirmation(_)
        | Outcome::Blocked { .. }
        | Outcome::Page(_)
        | Outcome::Stopped { .. }
        | Outcome::Session(_)
        | Outcome::Closed { .. }
        | Outcome::Listed
        | Outcome::Cancelled { .. }
        | Outcome::Failed(_)
        | Outcome::SudoCache(_)
        | Outcome::Secrets(_)
        | Outcome::Noted
        | Outcome::Terminal(_)
        | Outcome::Forward(_)
        | Outcome::File(_)
        | Outcome::Transferred(_) => {}
    };
    let _ = |event: AdminEvent| match event {
        AdminEvent::Record(_)
        | AdminEvent::HostKey(_)
        | AdminEvent::Approval(_)
        | AdminEvent::InDoubt { .. }
        | AdminEvent::Person(_)
        | AdminEvent::Terminal(_) => {}
    };
    let _ = |outcome: AdminOutcome| match outcome {
        AdminOutcome::Status(_)
        | AdminOutcome::Unlocked { .. }
        | AdminOutcome::Done
        | AdminOutcome::Added { .. }
        | AdminOutcome::Removed { .. }
        | AdminOutcome::Listed
        | AdminOutcome::Failed(_)
        | AdminOutcome::AuditHead { .. } => {}
    };
    use sallyport_protocol::person::Tell;
    let _ = |tell: Tell| match tell {
        Tell::Check(_)
        | Tell::Step(_)
        | Tell::Planned(_)
        | Tell::Asked(_)
        | Tell::Question(_)
        | Tell::Settled { .. }
        | Tell::Grant(_)
        | Tell::Paused { .. } => {}
    };
    assert_eq!((samples::events().len(), samples::outcomes().len(), samples::to_admin().len()), (16, 25, 23));
}

#[test]
fn scrubbing_reaches_every_text_of_every_outgoing_message() {
    fn check<T: Scrub + Serialize>(messages: Vec<(&str, T)>) {
        for (name, mut message) in messages {
            message.scrub(&mut |text| *text = "-".into());
            let bytes = encode(&message).unwrap();
            let kept = bytes.windows(samples::MARK.len()).any(|window| window == samples::MARK.as_bytes());
            assert!(!kept, "{name} keeps a text that was never visited");
        }
    }
    check(samples::to_broker());
    check(samples::to_admin());
}
