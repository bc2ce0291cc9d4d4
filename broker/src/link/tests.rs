//! The link against a helper that does what the test says.

use sallyport_protocol::envelope::{FromHelper, Stream, ToHelper};
use sallyport_protocol::flow::STREAM_CREDIT;
use sallyport_protocol::frame;
use sallyport_protocol::handshake::{Refused, Reply};
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::request::Request;
use sallyport_protocol::text::Chunk;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::io::AsyncWriteExt;

use super::fake::Fake;
use super::{Broker, Item, Operation};

const ASK: Request = Request::ListActive { kind: None };

async fn end(mut operation: Operation<Broker>) -> Result<Outcome, Failure> {
    loop {
        if let Item::Done(outcome) = operation.next().await? {
            return Ok(outcome);
        }
    }
}

fn unavailable(result: Result<impl std::fmt::Debug, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.code, ErrorCode::HelperUnavailable);
    failure.message.into_string()
}

#[tokio::test]
async fn operations_side_by_side_get_their_own_answers_in_any_order() {
    let fake = Fake::new();
    let link = fake.link();
    let helper = async {
        let mut client = fake.accept().await;
        let (first, _) = client.started().await;
        let (second, _) = client.started().await;
        assert!(first < second, "ids increase");
        client.done(second, Outcome::Stopped { gone: true }).await;
        client.done(first, Outcome::Listed).await;
    };
    let broker = async {
        let (first, second) = (link.start(ASK).await.unwrap(), link.start(ASK).await.unwrap());
        assert_eq!(end(first).await.unwrap(), Outcome::Listed);
        assert_eq!(end(second).await.unwrap(), Outcome::Stopped { gone: true });
    };
    tokio::join!(helper, broker);
}

#[tokio::test]
async fn output_flows_as_long_as_it_is_taken() {
    const TOTAL: usize = 4 * STREAM_CREDIT as usize;
    let fake = Fake::new();
    let link = fake.link();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = client.started().await;
        let (mut credit, mut sent) = (STREAM_CREDIT as usize, 0);
        while sent < TOTAL {
            if credit < Chunk::MAX {
                match client.next().await.unwrap() {
                    ToHelper::Credit { stream: Stream::Output, bytes, .. } => credit += bytes as usize,
                    other => panic!("{other:?}"),
                }
                continue;
            }
            let bytes = Chunk::new(vec![b'x'; Chunk::MAX]).unwrap();
            client.send(FromHelper::Data { op, stream: Stream::Output, bytes }).await;
            (credit, sent) = (credit - Chunk::MAX, sent + Chunk::MAX);
        }
        client.done(op, Outcome::Listed).await;
    };
    let broker = async {
        let mut operation = link.start(ASK).await.unwrap();
        let mut taken = 0;
        loop {
            match operation.next().await.unwrap() {
                Item::Data(Stream::Output, bytes) => taken += bytes.len(),
                Item::Done(_) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(taken, TOTAL);
    };
    tokio::join!(helper, broker);
}

#[tokio::test]
async fn input_keeps_to_its_credit_and_ends_after_its_last_byte() {
    let fake = Fake::new();
    let link = fake.link();
    let content: Vec<u8> = (0..STREAM_CREDIT * 3).map(|n| (n % 251) as u8).collect();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = client.started().await;
        let (mut received, mut credit) = (Vec::new(), STREAM_CREDIT as usize);
        loop {
            match client.next().await.unwrap() {
                ToHelper::Data { bytes, .. } => {
                    credit = credit.checked_sub(bytes.as_bytes().len()).expect("within the credit");
                    received.extend(bytes.into_bytes());
                    if credit < Chunk::MAX {
                        let bytes = STREAM_CREDIT - u32::try_from(credit).unwrap();
                        credit = STREAM_CREDIT as usize;
                        client.send(FromHelper::Credit { op, bytes }).await;
                    }
                }
                ToHelper::End { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(received == content);
        client.done(op, Outcome::Listed).await;
    };
    let broker = async {
        let operation = link.start(ASK).await.unwrap();
        let feeding = operation.input().send_all(&content);
        let (outcome, ()) = tokio::join!(end(operation), feeding);
        assert_eq!(outcome.unwrap(), Outcome::Listed);
    };
    tokio::join!(helper, broker);
}

#[tokio::test]
async fn input_of_an_operation_that_ended_early_is_given_up() {
    let fake = Fake::new();
    let link = fake.link();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = client.started().await;
        client.done(op, Outcome::Listed).await;
        let (next, _) = client.started().await;
        client.done(next, Outcome::Listed).await;
    };
    let broker = async {
        let operation = link.start(ASK).await.unwrap();
        let feeding = operation.input();
        let outcome = end(operation).await;
        feeding.send_all(&vec![0; 1 << 20]).await;
        assert_eq!(outcome.unwrap(), Outcome::Listed);
        assert_eq!(end(link.start(ASK).await.unwrap()).await.unwrap(), Outcome::Listed);
    };
    tokio::join!(helper, broker);
}

#[tokio::test]
async fn an_operation_that_nobody_waits_for_is_cancelled() {
    let fake = Fake::new();
    let link = fake.link();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = client.started().await;
        assert_eq!(client.next().await, Some(ToHelper::Cancel { op }));
        // What was under way already is dropped without harm.
        let bytes = Chunk::new(vec![0; 10]).unwrap();
        client.send(FromHelper::Data { op, stream: Stream::Output, bytes }).await;
        client.done(op, Outcome::Cancelled { gone: true }).await;
        let (next, _) = client.started().await;
        client.done(next, Outcome::Listed).await;
    };
    let broker = async {
        drop(link.start(ASK).await.unwrap());
        assert_eq!(end(link.start(ASK).await.unwrap()).await.unwrap(), Outcome::Listed);
    };
    tokio::join!(helper, broker);
}

#[tokio::test]
async fn a_helper_that_dies_fails_what_was_under_way_and_nothing_is_sent_again() {
    let fake = Fake::new();
    let link = fake.link();
    let helper = async {
        let mut client = fake.accept().await;
        client.started().await;
        drop(client);
        let mut client = fake.accept().await;
        let (op, request) = client.started().await;
        assert!(matches!(request, Request::Stop { .. }), "the first request is not repeated: {request:?}");
        client.done(op, Outcome::Listed).await;
    };
    let broker = async {
        let lost = unavailable(end(link.start(ASK).await.unwrap()).await);
        assert!(lost.contains("not known"), "{lost}");
        let job = sallyport_protocol::text::JobId::new("j1").unwrap();
        let again = link.start(Request::Stop { job, signal: None }).await.unwrap();
        assert_eq!(end(again).await.unwrap(), Outcome::Listed);
    };
    tokio::join!(helper, broker);
}

#[tokio::test]
async fn a_helper_that_sends_beyond_its_credit_is_not_listened_to_any_longer() {
    let fake = Fake::new();
    let link = fake.link();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = client.started().await;
        for _ in 0..=STREAM_CREDIT as usize / Chunk::MAX {
            let bytes = Chunk::new(vec![0; Chunk::MAX]).unwrap();
            client.send(FromHelper::Data { op, stream: Stream::ErrorOutput, bytes }).await;
        }
        assert_eq!(client.next().await, None, "the connection is closed");
    };
    // Nothing is taken before all of it has come.
    let (operation, ()) = tokio::join!(link.start(ASK), helper);
    unavailable(end(operation.unwrap()).await);
}

#[tokio::test]
async fn more_operations_than_the_helper_allows_are_refused_here() {
    let fake = Fake::new();
    let link = fake.link();
    let broker = async {
        let mut running = Vec::new();
        for _ in 0..3 {
            running.push(link.start(ASK).await.unwrap());
        }
        let failure = end(link.start(ASK).await.unwrap()).await.unwrap_err();
        assert_eq!(failure.code, ErrorCode::QuotaExceeded);
    };
    let (_client, ()) = tokio::join!(fake.accept(), broker);
}

#[tokio::test]
async fn a_helper_of_another_version_is_reported_in_its_own_words() {
    let fake = Fake::new();
    let link = fake.link();
    let helper = async {
        let refused = Refused { lowest: 7, highest: 9, sentence: "this helper speaks 7 to 9".into() };
        let frame = frame::encode(&Reply::Refused(refused)).unwrap();
        fake.accept_hello().await.write(&frame).await;
    };
    let (result, ()) = tokio::join!(link.warm(), helper);
    assert!(unavailable(result).contains("this helper speaks 7 to 9"));
}

#[tokio::test]
async fn a_socket_that_speaks_something_else_or_nothing_is_reported() {
    let fake = Fake::new();
    let helper = async {
        fake.accept_raw().await.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        drop(fake.accept_raw().await);
    };
    let broker = async {
        assert!(unavailable(fake.link().warm().await).contains("does not speak its protocol"));
        unavailable(fake.link().warm().await);
    };
    tokio::join!(helper, broker);
}

#[tokio::test]
async fn without_a_helper_the_socket_is_named() {
    let fake = Fake::new();
    let link = fake.link();
    let socket = fake.place().socket("broker.sock");
    drop(fake);
    let message = unavailable(link.start(ASK).await);
    assert!(message.contains(socket.to_str().unwrap()), "{message}");
}
