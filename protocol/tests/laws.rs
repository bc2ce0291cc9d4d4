//! What holds for every input: round trips, and hostile bytes that cost nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

mod samples;

use proptest::prelude::*;
use sallyport_protocol::flow::{CONNECTION_CREDIT, Outbox, STREAM_CREDIT, Violation, Window};
use sallyport_protocol::frame::{Deframer, FrameError, MAX_BODY, decode, encode, encode_around};
use sallyport_protocol::handshake::{self, Hello, Role, agree};
use sallyport_protocol::text::*;
use sallyport_protocol::{AdminToHelper, BrokerToHelper, OpId, Stream, Text, ToAdmin, ToBroker};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn body<T: Serialize>(message: &T) -> Vec<u8> {
    encode(message).unwrap()[4..].to_vec()
}

#[test]
fn every_sample_comes_back_as_it_was() {
    fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(messages: Vec<(&str, T)>) {
        for (name, message) in messages {
            assert_eq!(decode::<T>(&body(&message)).as_ref(), Ok(&message), "{name}");
        }
    }
    check(samples::to_helper());
    check(samples::to_broker());
    check(samples::admin_requests());
    check(samples::to_admin());
}

#[test]
fn every_cut_of_every_sample_is_refused() {
    for (name, message) in samples::to_helper() {
        let whole = body(&message);
        for cut in 0..whole.len() {
            assert!(decode::<BrokerToHelper>(&whole[..cut]).is_err(), "{name} cut at {cut}");
        }
        let longer = [whole.as_slice(), &[0]].concat();
        assert_eq!(decode::<BrokerToHelper>(&longer), Err(FrameError::Trailing(1)), "{name}");
    }
}

#[test]
fn lengths_out_of_bounds_are_refused_before_anything_is_stored() {
    for length in [0u32, MAX_BODY as u32 + 1, u32::MAX] {
        let mut frames = Deframer::new();
        frames.push(&length.to_le_bytes());
        assert_eq!(frames.next_body(), Err(FrameError::Length(length)));
    }
}

#[test]
fn there_is_room_for_much_while_much_comes_and_little_is_held_afterwards() {
    let mut frames = Deframer::new();
    let frame = encode(&vec![0_u8; 60_000]).unwrap();
    let mut take = |bytes: &[u8]| {
        let room = frames.room();
        let had = room.capacity() - room.len();
        let count = bytes.len().min(had);
        room.extend_from_slice(&bytes[..count]);
        frames.filled(count);
        while frames.next_body().unwrap().is_some() {}
        had
    };
    let stream = frame.repeat(100);
    let (mut at, mut most) = (0, 0);
    while at < stream.len() {
        let had = take(&stream[at..]);
        (at, most) = ((at + had).min(stream.len()), most.max(had));
    }
    assert!((128 * 1024..=512 * 1024).contains(&most), "{most} bytes of room");
    let small = encode(&1_u8).unwrap();
    take(&small);
    assert!(take(&small) <= 4 * 1024);
}

#[test]
fn a_list_that_claims_to_be_huge_takes_no_memory() {
    // Start, op 1, principal "a", client 0, Exec on target "h", command "c", no cwd, then an env list of 2^60 entries.
    let mut bytes = vec![0, 1, 1, b'a', 0, 2, 0, 1, b'h', 1, b'c', 0];
    bytes.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    assert_eq!(decode::<BrokerToHelper>(&bytes), Err(FrameError::Malformed));
}

#[test]
fn names_that_could_be_options_or_break_out_are_refused() {
    for bad in ["", "-oProxyCommand=x", "a b", "a\nb", "a;b", "a/b", "ü", "a\0"] {
        assert!(TargetName::new(bad).is_err(), "{bad:?}");
    }
    for good in ["web1", "deploy@web1", "db.internal:5432", "root@[fe80::1%eth0]:2222"] {
        assert!(TargetName::new(good).is_ok(), "{good:?}");
    }
    assert!(CommandText::new("a\0b").is_err());
    assert!(CommandText::new("x".repeat(CommandText::MAX + 1)).is_err());
    assert!(EnvName::new("1A").is_err());
    assert!(EnvName::new("A=B").is_err());
    assert!(UserName::new("-l").is_err());
}

#[test]
fn a_secret_is_silent_in_debug_output() {
    let secret = SecretBytes::new(b"correct horse battery staple".to_vec()).unwrap();
    assert_eq!(format!("{secret:?}"), "SecretBytes");
}

#[test]
fn no_common_version_is_refused_in_a_sentence_that_names_both() {
    let hello = Hello { lowest: 7, highest: 9, ..Hello::new(Role::Broker) };
    let refused = agree(&hello, Role::Broker).unwrap_err();
    let sentence = refused.sentence.as_str();
    assert!(sentence.contains("7 to 9") && sentence.contains("1 to 1"), "{sentence}");
}

#[test]
fn the_wrong_magic_and_the_wrong_socket_are_refused() {
    let stranger = Hello { magic: *b"HTTP/1.1", ..Hello::new(Role::Broker) };
    assert!(agree(&stranger, Role::Broker).is_err());
    assert!(agree(&Hello::new(Role::Broker), Role::Admin).is_err());
    assert_eq!(agree(&Hello::new(Role::Admin), Role::Admin), Ok(handshake::HIGHEST));
}

#[test]
fn a_newer_client_is_met_at_our_highest_version() {
    let hello = Hello { highest: 40, ..Hello::new(Role::Broker) };
    assert_eq!(agree(&hello, Role::Broker), Ok(handshake::HIGHEST));
}

fn first_bytes(out: &mut Outbox<u32>) -> Vec<u8> {
    std::iter::from_fn(|| out.next_frame()).map(|frame| frame.into_bytes()[0]).collect()
}

#[test]
fn a_stream_without_credit_waits_and_others_go_on() {
    let mut out = Outbox::new();
    out.open(1);
    out.open(2);
    for _ in 0..(STREAM_CREDIT / 1024 + 5) {
        out.data(1, vec![1], 1024);
    }
    out.data(2, vec![2], 1024);
    let sent = first_bytes(&mut out);
    assert_eq!(sent.iter().filter(|stream| **stream == 1).count(), 256);
    // Round robin: the second stream did not wait for the first one's credit to run out.
    assert_eq!(sent[1], 2);
    out.credit(1, 2048).unwrap();
    assert_eq!(std::iter::from_fn(|| out.next_frame()).count(), 2);
}

#[test]
fn tiny_frames_count_for_what_they_take() {
    let mut out = Outbox::new();
    out.open(1);
    (0..1024).for_each(|_| out.data(1, vec![1; 10], 1));
    assert!(out.queued(1) >= STREAM_CREDIT as usize, "{} bytes are queued", out.queued(1));
    while out.next_frame().is_some() {}
    assert_eq!(out.queued(1), 0);
}

#[test]
fn control_frames_go_before_data_and_the_last_frame_after_it() {
    let mut out = Outbox::new();
    out.open(1);
    out.data(1, vec![1], 10);
    out.finish(vec![1], vec![9]);
    out.control(vec![0]);
    assert_eq!(first_bytes(&mut out), [0, 1, 9]);
}

#[test]
fn abandoned_data_does_not_hold_the_last_frame_back() {
    let mut out = Outbox::new();
    out.open(1);
    out.data(1, vec![1], STREAM_CREDIT + 1);
    out.finish(vec![1], vec![9]);
    assert_eq!(out.next_frame(), None);
    out.abandon(&[1]);
    assert_eq!(out.next_frame(), Some(vec![9].into()));
}

#[test]
fn credit_for_what_was_never_sent_is_a_violation() {
    let mut out = Outbox::new();
    out.open(1);
    out.data(1, vec![1], 10);
    out.next_frame().unwrap();
    assert_eq!(out.credit(1, 11), Err(Violation::OverCredit));
    assert_eq!(out.credit(1, 0), Err(Violation::Empty));
}

#[test]
fn an_ended_operation_returns_its_credit_to_the_connection() {
    let mut out = Outbox::new();
    let streams = 3 * CONNECTION_CREDIT / STREAM_CREDIT;
    for key in 0..streams {
        out.open(key);
        out.data(key, vec![1], STREAM_CREDIT);
        assert_eq!(out.next_frame(), Some(vec![1].into()), "stream {key}");
        out.finish(vec![key], vec![9]);
        assert_eq!(out.next_frame(), Some(vec![9].into()));
    }
}

#[test]
fn data_beyond_the_window_and_empty_data_are_violations() {
    let mut window = Window::new();
    assert_eq!(window.receive(STREAM_CREDIT as usize), Ok(()));
    assert_eq!(window.receive(1), Err(Violation::Overdraft));
    assert_eq!(window.receive(0), Err(Violation::Empty));
    assert_eq!(window.take(STREAM_CREDIT as usize), Some(STREAM_CREDIT));
    assert_eq!(window.receive(1), Ok(()));
}

proptest! {
    #[test]
    fn garbage_never_panics_and_never_decodes_to_something_that_encodes_differently(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(message) = decode::<BrokerToHelper>(&bytes) {
            prop_assert_eq!(decode::<BrokerToHelper>(&body(&message)), Ok(message));
        }
        let _ = decode::<ToBroker>(&bytes);
        let _ = decode::<AdminToHelper>(&bytes);
        let _ = decode::<ToAdmin>(&bytes);
        let _ = decode::<Hello>(&bytes);
        let _ = decode::<handshake::Reply>(&bytes);
    }

    #[test]
    fn a_flipped_bit_is_refused_or_is_another_valid_message(which in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        let samples = samples::to_helper();
        let mut bytes = body(&samples[which.index(samples.len())].1);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(message) = decode::<BrokerToHelper>(&bytes) {
            prop_assert_eq!(decode::<BrokerToHelper>(&body(&message)), Ok(message));
        }
    }

    #[test]
    fn a_frame_around_a_chunk_is_the_frame_that_holds_it(op: u64, size in 0..=Chunk::MAX, errors: bool) {
        let stream = if errors { Stream::ErrorOutput } else { Stream::Output };
        let chunk = Chunk::new(vec![b'x'; size]).unwrap();
        let whole = |bytes| ToBroker::Data { op: OpId(op), stream, bytes };
        let frame = encode_around(&whole(Chunk::default()), chunk.clone()).unwrap();
        prop_assert_eq!(frame.into_bytes(), encode(&whole(chunk)).unwrap());
    }

    #[test]
    fn a_frame_around_input_is_the_frame_that_holds_it(op: u64, size in 0..=Chunk::MAX) {
        let chunk = Chunk::new(vec![b'x'; size]).unwrap();
        let whole = |bytes| BrokerToHelper::Data { op: OpId(op), bytes };
        let frame = encode_around(&whole(Chunk::default()), chunk.clone()).unwrap();
        prop_assert_eq!(frame.into_bytes(), encode(&whole(chunk)).unwrap());
    }

    #[test]
    fn frames_come_out_whole_however_the_stream_is_cut(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..20),
        cuts in prop::collection::vec(1usize..97, 1..40),
    ) {
        let mut stream = Vec::new();
        for body in &bodies {
            stream.extend((body.len() as u32).to_le_bytes());
            stream.extend(body);
        }
        let (mut frames, mut found, mut rest) = (Deframer::new(), Vec::new(), stream.as_slice());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, left) = rest.split_at((*cut).min(rest.len()));
            rest = left;
            frames.push(piece);
            while let Some(body) = frames.next_body().unwrap() {
                found.push(body.to_vec());
            }
        }
        prop_assert_eq!(found, bodies);
        prop_assert!(!frames.is_mid_frame());
    }

    #[test]
    fn what_is_sent_and_not_credited_never_exceeds_either_limit(steps in prop::collection::vec((0u32..6, 1u32..40_000, any::<bool>()), 1..300)) {
        let mut out = Outbox::new();
        (0..6).for_each(|key| out.open(key));
        let mut owed = [0u32; 6];
        for (key, bytes, credit) in steps {
            if credit {
                let back = bytes.min(owed[key as usize]);
                if back > 0 {
                    out.credit(key, back).unwrap();
                    owed[key as usize] -= back;
                }
            } else {
                let mut frame = key.to_le_bytes().to_vec();
                frame.extend(bytes.to_le_bytes());
                out.data(key, frame, bytes);
            }
            while let Some(frame) = out.next_frame() {
                let frame = frame.into_bytes();
                let key = u32::from_le_bytes(frame[..4].try_into().unwrap());
                owed[key as usize] += u32::from_le_bytes(frame[4..].try_into().unwrap());
            }
            prop_assert!(owed.iter().all(|owed| *owed <= STREAM_CREDIT));
            prop_assert!(owed.iter().sum::<u32>() <= CONNECTION_CREDIT);
        }
    }

    #[test]
    fn a_clipped_text_fits_and_keeps_its_ends(text in "\\PC{0,9000}") {
        let clipped = Text::clip(text.clone());
        prop_assert!(clipped.as_str().len() <= Text::MAX);
        if text.len() <= Text::MAX {
            prop_assert_eq!(clipped.as_str(), text);
        }
    }
}
