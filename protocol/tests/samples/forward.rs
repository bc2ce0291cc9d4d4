//! Samples of what is said about forwards.

use sallyport_protocol::forward::*;
use sallyport_protocol::reply;
use sallyport_protocol::request::{Consent, Request};
use sallyport_protocol::text::*;

use super::text;

fn id() -> ForwardId {
    ForwardId::new("f-1").unwrap()
}

pub fn requests() -> Vec<(&'static str, Request)> {
    let open = Open {
        target: TargetName::new("web1").unwrap(),
        direction: Direction::Local,
        listen_port: 15432,
        listening: Some(Word::new("127.0.0.1:15432").unwrap()),
        dest_host: DestHost::new("db.internal").unwrap(),
        dest_port: 5432,
        consent: Consent::None,
        confirmation: None,
    };
    let remote = Open { direction: Direction::Remote, listen_port: 300, listening: None, ..open.clone() };
    vec![
        ("open a local forward", Request::Forward(Ask::Open(open))),
        ("open a remote forward", Request::Forward(Ask::Open(remote))),
        ("connect through a forward", Request::Forward(Ask::Connect { forward: id() })),
        ("take a forwarded connection", Request::Forward(Ask::Take { forward: id(), connection: 3 })),
        ("close a forward", Request::Forward(Ask::Close { forward: id() })),
    ]
}

pub fn events() -> Vec<(&'static str, reply::Event)> {
    let event = reply::Event::Forward;
    vec![
        ("forward opened", event(Event::Opened { forward: text(), target: text() })),
        ("forwarded connection", event(Event::Incoming { connection: 3 })),
        ("forwarded stream finished", event(Event::Finished { bytes: 300 })),
    ]
}

pub fn outcomes() -> Vec<(&'static str, reply::Outcome)> {
    let outcome = reply::Outcome::Forward;
    vec![
        ("forward closed", outcome(Outcome::Closed { reason: text(), bytes: 300 })),
        ("forwarded connection ended", outcome(Outcome::Ended { received: 1, sent: 2 })),
    ]
}
