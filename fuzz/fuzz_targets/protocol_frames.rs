//! Any bytes, in any pieces, are frames or an error: never a panic, never more than a frame held. What decodes as a
//! message encodes to something that decodes to the same, and every text of it can be visited.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::envelope::{FromHelper, ToHelper};
use sallyport_protocol::frame::{Deframer, decode, encode};
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn round<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(body: &[u8]) {
    if let Ok(message) = decode::<T>(body) {
        // What is longer than a frame allows is refused on the way out too.
        if let Ok(frame) = encode(&message) {
            assert_eq!(decode::<T>(&frame[4..]).expect("what was encoded decodes"), message);
        }
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    round::<ToHelper<Request>>(bytes);
    round::<ToHelper<AdminRequest>>(bytes);
    round::<FromHelper<Event, Outcome>>(bytes);
    round::<FromHelper<AdminEvent, AdminOutcome>>(bytes);
    let mut deframer = Deframer::new();
    for piece in bytes.chunks(usize::from(size).max(1)) {
        deframer.push(piece);
        loop {
            match deframer.next_body() {
                Ok(Some(body)) => assert!(!body.is_empty() && body.len() <= 65_536),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
