//! Signalling what runs as another user. The login account may not signal it, so `kill` goes through sudo too.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Elevation;
use super::text::Errand;
use crate::session::marks::Mark;
use crate::ssh::channel::Sig;
use crate::ssh::transport::Lease;

/// The time one signal may take: sudo asks its modules, the vault decrypts, and a busy host is slow at both.
const SIGNALLING: Duration = Duration::from_secs(10);

/// The shell that supervises a command as the other user.
pub struct Supervisor {
    /// Its process number, as it said itself.
    pub pid: u32,
    /// What it was started with: found in its argument vector, so that a number used again is never signalled.
    pub mark: Mark,
}

impl Supervisor {
    /// Signals its process group, if it is still what it was (proc(5): the fifth field of `stat` is the group).
    fn command(&self, signal: Sig) -> String {
        let (pid, (first, _)) = (self.pid, self.mark.halves());
        format!(
            "grep -qF {first} /proc/{pid}/cmdline && read -r a b c d g e </proc/{pid}/stat && kill -s {} -- -\"$g\"",
            signal.name()
        )
    }
}

impl Elevation {
    /// Sends a signal to a command's process group, with the rights it runs with. A signal that does not arrive is
    /// followed by the next one, and the end of the ladder says so. Whether it was sent to its end.
    pub async fn signal(&self, lease: &Lease, supervisor: &Supervisor, signal: Sig) -> bool {
        let _turn = lease.signalling().await;
        let run = async {
            let (mut read, write) = lease.aside().await?;
            let (_button, mut stops) = mpsc::channel(1);
            let command = supervisor.command(signal);
            let errand = Errand::Run { command: &command, input: 0 };
            // Boxed: the future of `begin` is large, and this is the rare path.
            let begun = Box::pin(self.begin(&mut read, &write, lease, errand, &mut stops)).await.ok()?;
            let _ = write.eof().await;
            while read.wait().await.is_some() {}
            drop(begun);
            Some(())
        };
        matches!(tokio::time::timeout(SIGNALLING, run).await, Ok(Some(())))
    }
}
