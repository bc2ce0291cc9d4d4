//! Our own commands on a host, each on a channel beside the others that no capacity counts.

use std::time::Duration;

use super::channel::{Channel, ChannelMsg, ReadHalf, WriteHalf};
use super::transport::Lease;

/// How long a command that signals may take: a busy host starts it late, and it must be started all the same.
const SIGNALLING: Duration = Duration::from_secs(5);
/// How long a command that is asked for its output may take.
const ASKING: Duration = Duration::from_secs(10);
/// Bytes of output that are taken.
const MOST: usize = 64 * 1024;

impl Lease {
    /// A channel for one of our own commands.
    pub async fn aside(&self) -> Option<(ReadHalf, WriteHalf)> {
        self.transport().open_session().await.ok().map(Channel::split)
    }

    /// Runs one of our own commands, that signals, and waits for its end, a few seconds at most from when its turn comes.
    /// Whether its end was seen.
    pub async fn run_aside(&self, command: &str) -> bool {
        let _turn = self.signalling().await;
        let run = async {
            let (mut read, write) = self.aside().await?;
            write.exec(command).await.ok()?;
            while read.wait().await.is_some() {}
            Some(())
        };
        matches!(tokio::time::timeout(SIGNALLING, run).await, Ok(Some(())))
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
