//! The test is the carrier: one that was taken over says what it likes.

use std::time::Duration;

use sallyport_protocol::frame;
use sallyport_protocol::text::Chunk;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::pipe;

use super::*;

/// The carrier's end of a connection, and the helper's.
struct Both {
    link: Link,
    login: LoginReports,
    orders: Frames,
    reports: Sender,
}

impl Both {
    fn new() -> Self {
        let ((give, orders), (reports, take)) = (pipe().unwrap(), pipe().unwrap());
        let judge = Judge { expected: None, found: Arc::default() };
        let (link, login) = Link::over((give, take), judge, None);
        Self { link, login, orders: Frames::new(orders), reports }
    }

    async fn report(&mut self, report: Report) {
        self.reports.write_all(&frame::encode(&report).unwrap()).await.unwrap();
    }

    async fn order(&mut self) -> Order {
        self.orders.next().await.unwrap().expect("an order")
    }

    /// A channel that was asked for.
    async fn channel(&mut self, number: u32) -> Channel {
        let (desk, orders) = (self.link.desk.clone(), self.link.orders.clone());
        let (sender, answer) = oneshot::channel();
        desk.waiting().asks.insert(number, sender);
        drop(orders);
        self.report(Report::Opened { ask: number, channel: number }).await;
        answer.await.unwrap().unwrap().expect("a channel")
    }
}

fn chunk(size: usize) -> Chunk {
    Chunk::new(vec![b'x'; size]).unwrap()
}

#[tokio::test]
async fn channels_that_nobody_asked_for_are_closed_and_never_kept() {
    let mut both = Both::new();
    for channel in 0..100 {
        both.report(Report::Opened { ask: channel, channel }).await;
        assert_eq!(both.order().await, Order::Request { channel, request: Request::Close });
    }
    assert!(both.link.desk.waiting().channels.is_empty());
}

#[tokio::test]
async fn a_channel_that_is_given_twice_is_given_once() {
    let mut both = Both::new();
    let _first = both.channel(7).await;
    let (sender, answer) = oneshot::channel();
    both.link.desk.waiting().asks.insert(8, sender);
    both.report(Report::Opened { ask: 8, channel: 7 }).await;
    assert!(answer.await.is_err(), "whoever asked for the second one gets none");
}

#[tokio::test]
async fn connections_on_ports_that_nobody_listens_on_are_refused() {
    let mut both = Both::new();
    for (channel, port) in [(1, 8080), (2, 0), (3, 70_000)] {
        both.report(Report::Arrived { channel, port }).await;
        assert_eq!(both.order().await, Order::Arrival { channel, wanted: false });
    }
    let mut wanted = both.link.incoming().expect(8080).unwrap();
    both.report(Report::Arrived { channel: 4, port: 8080 }).await;
    assert_eq!(both.order().await, Order::Arrival { channel: 4, wanted: true });
    assert!(wanted.recv().await.is_some());
}

#[tokio::test]
async fn what_is_said_of_channels_that_are_not_there_is_dropped() {
    let mut both = Both::new();
    both.report(Report::Data { channel: 1, errors: false, bytes: chunk(9) }).await;
    both.report(Report::Said { channel: 1, saying: Saying::Close }).await;
    both.report(Report::Took { channel: 1, bytes: 9 }).await;
    both.report(Report::Done { ask: 1, refused: None }).await;
    // The connection goes on.
    let (mut read, _write) = both.channel(2).await.split();
    both.report(Report::Said { channel: 2, saying: Saying::Eof }).await;
    assert_eq!(read.wait().await, Some(ChannelMsg::Eof));
}

#[tokio::test]
async fn a_carrier_that_speaks_another_language_ends_the_connection_and_all_on_it() {
    for nonsense in [&b"\xff\xff\xff\xff"[..], b"\x01\0\0\0\xff", b"\0\0\0\0"] {
        let mut both = Both::new();
        let (mut read, write) = both.channel(1).await.split();
        both.reports.write_all(nonsense).await.unwrap();
        both.link.lost().await;
        assert!(both.link.closed().unwrap().contains("made no sense"), "{:?}", both.link.closed());
        assert_eq!(read.wait().await, None);
        assert_eq!(write.data_bytes(vec![0; 1]).await, Err(ChannelError::Closed));
        assert!(matches!(both.link.channel(Destination::Session).await, Err(ChannelError::Closed)));
        assert!(both.login.recv().await.is_none(), "nothing of it reached a login");
    }
}

#[tokio::test]
async fn a_carrier_that_goes_away_ends_the_connection_with_a_reason() {
    let both = Both::new();
    let Both { link, orders, reports, .. } = both;
    drop((orders, reports));
    link.lost().await;
    assert_eq!(link.closed().as_deref(), Some(GONE));
}

#[tokio::test]
async fn a_sender_waits_for_room_and_is_given_no_more_than_it_had() {
    let mut both = Both::new();
    let (mut read, write) = both.channel(1).await.split();
    // Credit for what was never sent is none.
    both.report(Report::Took { channel: 1, bytes: u32::MAX }).await;
    both.report(Report::Said { channel: 1, saying: Saying::Eof }).await;
    assert_eq!(read.wait().await, Some(ChannelMsg::Eof));
    let sending = tokio::spawn(async move {
        write.data_bytes(vec![0; CREDIT + 1]).await.unwrap();
        write
    });
    let mut came = 0;
    while came < CREDIT {
        match both.order().await {
            Order::Data { channel: 1, bytes } => came += bytes.as_bytes().len(),
            other => panic!("{other:?}"),
        }
    }
    assert!(!sending.is_finished(), "the last byte has no room yet");
    both.report(Report::Took { channel: 1, bytes: 1 }).await;
    assert_eq!(both.order().await, Order::Data { channel: 1, bytes: chunk_of(&[0]) });
    let write = sending.await.unwrap();
    let waiting = tokio::spawn(async move { write.data_bytes(vec![0; 1]).await });
    both.report(Report::Said { channel: 1, saying: Saying::Close }).await;
    assert_eq!(
        waiting.await.unwrap(),
        Err(ChannelError::Closed),
        "nothing is waited for on a closed channel"
    );
}

fn chunk_of(bytes: &[u8]) -> Chunk {
    Chunk::new(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_channel_that_comes_too_late_is_closed() {
    let mut both = Both::new();
    let opening = tokio::time::timeout(Duration::ZERO, both.link.channel(Destination::Session)).await;
    assert!(opening.is_err(), "nobody waited");
    let Order::Open { ask, .. } = both.order().await else { panic!("it was asked for") };
    both.report(Report::Opened { ask, channel: 5 }).await;
    assert_eq!(both.order().await, Order::Request { channel: 5, request: Request::Close });
}

#[tokio::test]
async fn a_key_is_refused_where_none_is_expected_or_it_cannot_be_read() {
    let mut both = Both::new();
    for key in [&b""[..], b"\0\0\0\x0bssh-ed25519", &[0xff; 64]] {
        for certificate in [false, true] {
            both.report(Report::HostKey { key: key.to_vec(), certificate }).await;
            assert_eq!(both.order().await, Order::Accept(false));
        }
    }
}

#[tokio::test]
async fn a_command_goes_in_pieces_and_in_order() {
    let mut both = Both::new();
    let (_read, write) = both.channel(1).await.split();
    let command = "x".repeat(Chunk::MAX + 1);
    write.exec(&command).await.unwrap();
    assert_eq!(both.order().await, Order::Command { channel: 1, first: true, piece: chunk(Chunk::MAX) });
    assert_eq!(both.order().await, Order::Command { channel: 1, first: false, piece: chunk(1) });
    assert_eq!(both.order().await, Order::Request { channel: 1, request: Request::Exec });
}

#[tokio::test]
async fn a_carrier_that_reports_without_end_and_takes_no_orders_is_given_up() {
    let mut both = Both::new();
    // Far more than the queue, the socket's buffers and what may be late hold.
    let report = frame::encode(&Report::HostKey { key: Vec::new(), certificate: false }).unwrap();
    let flood = report.repeat(1000);
    while both.link.closed().is_none() && both.reports.write_all(&flood).await.is_ok() {}
    both.link.lost().await;
    assert!(both.link.closed().unwrap().contains("takes no orders"), "{:?}", both.link.closed());
}
