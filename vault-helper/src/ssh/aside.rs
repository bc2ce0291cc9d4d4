//! Our own commands on a host, each on a channel beside the others that no capacity counts.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::channel::{Channel, ChannelMsg, ReadHalf, WriteHalf};
use super::transport::Lease;
use crate::afterwards::afterwards;

/// How long a command that signals may take: a busy host starts it late, and it must be started all the same.
const SIGNALLING: Duration = Duration::from_secs(5);
/// How long a command that is asked for its output may take.
const ASKING: Duration = Duration::from_secs(10);
/// Bytes of output that are taken.
const MOST: usize = 64 * 1024;

/// The end of a channel that is written to. The channel is closed when this is dropped, however that comes (a call was
/// cancelled, a time was over): it would stay open, and what runs there would wait for input for ever.
pub struct Closing(Arc<WriteHalf>);

impl Closing {
    /// Takes a channel apart.
    pub fn split(channel: Channel) -> (ReadHalf, Self) {
        let (read, write) = channel.split();
        (read, Self(Arc::new(write)))
    }
}

impl Deref for Closing {
    type Target = WriteHalf;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let write = self.0.clone();
        afterwards(async move {
            let _ = write.close().await;
        });
    }
}

impl Lease {
    /// A channel for one of our own commands.
    pub async fn aside(&self) -> Option<(ReadHalf, Closing)> {
        self.transport().open_session().await.ok().map(Closing::split)
    }

    /// Runs one of our own commands and waits for its end, a few seconds at most.
    pub async fn run_aside(&self, command: &str) {
        let run = async {
            let (mut read, write) = self.aside().await?;
            write.exec(command).await.ok()?;
            while read.wait().await.is_some() {}
            Some(())
        };
        let _ = tokio::time::timeout(SIGNALLING, run).await;
    }

    /// Like [`Lease::run_aside`], with what it printed: at most 64 KiB of it, within ten seconds.
    pub async fn ask_aside(&self, command: &str) -> Vec<u8> {
        let mut said = Vec::new();
        let run = async {
            let (mut read, write) = self.aside().await?;
            write.exec(command).await.ok()?;
            // An account for SFTP alone gets its SFTP server instead, which ends with its input.
            write.eof().await.ok()?;
            while let Some(message) = read.wait().await {
                if let ChannelMsg::Data { data } = message {
                    said.extend_from_slice(&data);
                    if said.len() > MOST {
                        break;
                    }
                }
            }
            Some(())
        };
        let _ = tokio::time::timeout(ASKING, run).await;
        said
    }
}
