//! What Sallyport adds: to a command, against the same command over an open connection of the same SSH library with
//! nothing else around it (no second process, no policy, no log, no masks); and to memory, for each host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::client::{self, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{ChannelMsg, Error};
use sallyport_tests::world::sshd::own_name;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::bed::{Bed, HOSTS};
use crate::report::{Aim, Report, percentile};

/// Calls of one kind before the other kind's turn.
const TURN: usize = 10;

/// `true` by ssh_exec and bare, in turns: the difference at the median, and of the slowest in a hundred.
pub fn time(bed: &Bed, report: &mut Report, samples: usize) {
    let bare = Bare::log_in(bed);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for turn in 0..=samples.div_ceil(TURN) {
        let ours: Vec<_> = (0..TURN).map(|_| bed.exec(1, "true")).collect();
        let theirs: Vec<_> = (0..TURN).map(|_| bare.exec("true")).collect();
        // The first turn logs in and warms up.
        if turn > 0 {
            with.extend(ours);
            without.extend(theirs);
        }
    }
    let added = |part| percentile(&with, part).saturating_sub(percentile(&without, part));
    report.time("added to `true` over an open connection, at the median", added(50), 1.0);
    report.time("added to `true` over an open connection, at the 99th percentile", added(99), 5.0);
}

/// Resident memory of a helper that has logged in nowhere, and what each host adds.
pub fn memory(report: &mut Report) {
    let bed = Bed::make();
    bed.call("ssh_list_hosts", json!({}));
    let before = bed.world.helper_memory();
    for number in 1..=HOSTS {
        bed.exec(number, "true");
    }
    report.memory("helper that has logged in nowhere", before, Aim::Under(20.0));
    let each = bed.world.helper_memory().saturating_sub(before) / HOSTS as u64;
    report.each("helper memory for a host that is logged in to, 32 of them", each, Aim::Under(4096.0));
}

/// An open connection of the library's.
struct Bare {
    runtime: Runtime,
    handle: Handle<AnyKey>,
}

impl Bare {
    fn log_in(bed: &Bed) -> Self {
        let (port, key) = bed.first();
        let key = decode_secret_key(&key, None).expect("a key of ssh-keygen's");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.block_on(connection(port, key));
        Self { runtime, handle }
    }

    fn exec(&self, command: &str) -> Duration {
        let start = Instant::now();
        self.runtime.block_on(async {
            let mut channel = self.handle.channel_open_session().await.expect("a channel");
            channel.exec(true, command).await.expect("a command");
            let mut status = None;
            while let Some(message) = channel.wait().await {
                if let ChannelMsg::ExitStatus { exit_status } = message {
                    status = Some(exit_status);
                }
            }
            assert_eq!(status, Some(0));
        });
        start.elapsed()
    }
}

async fn connection(port: u16, key: PrivateKey) -> Handle<AnyKey> {
    let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
    let mut handle = client::connect(config, ("127.0.0.1", port), AnyKey).await.expect("a connection");
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    let login = handle.authenticate_publickey(own_name(), key).await.expect("an answer");
    assert!(login.success());
    handle
}

/// The bed's server, on loopback.
struct AnyKey;

impl client::Handler for AnyKey {
    type Error = Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Error> {
        Ok(true)
    }
}
