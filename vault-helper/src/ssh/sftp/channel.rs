//! An open SFTP channel.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sallyport_protocol::rope::Rope;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::AbortHandle;

use super::error::SftpError;
use super::packet::{self, Cutter, Reply, Request, kind};
use crate::guard::target::Target;
use crate::helper::Helper;
use crate::ssh::channel::{Channel, ChannelError, ChannelMsg, ReadHalf, WriteHalf};
use crate::ssh::transport::Lease;

/// The longest a server may think about one request.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Requests that wait for the channel's window before their senders wait too.
const QUEUE: usize = 8;

/// What the server says it can do beyond the protocol.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extensions {
    /// `posix-rename@openssh.com`: rename over what is there, atomically.
    pub posix_rename: bool,
    /// `fsync@openssh.com`.
    pub fsync: bool,
    /// `hardlink@openssh.com`.
    pub hardlink: bool,
    /// `statvfs@openssh.com`.
    pub statvfs: bool,
    /// `limits@openssh.com`.
    pub limits: bool,
    /// `lsetstat@openssh.com`: attributes of a link itself.
    pub lsetstat: bool,
}

/// How much one request may carry.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes a read asks for.
    pub read: u32,
    /// Bytes a write carries.
    pub write: u32,
}

/// Without `limits@openssh.com`: what every server takes (draft-ietf-secsh-filexfer-02, section 3).
pub(super) const MODEST: Limits = Limits { read: 32 * 1024, write: 32 * 1024 };

/// An open SFTP channel; clones share it. Requests are answered in any order, and dropping the last clone closes
/// the channel and what is open on it.
#[derive(Clone)]
pub struct Sftp {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    requests: mpsc::Sender<Rope>,
    desk: Arc<Desk>,
    next: AtomicU32,
    tasks: [AbortHandle; 1],
    pub(super) extensions: Extensions,
    pub(super) limits: OnceCell<Limits>,
    lease: Lease,
}

/// Who waits for which answer.
#[derive(Default)]
struct Desk {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    replies: HashMap<u32, oneshot::Sender<Reply>>,
    lost: Option<SftpError>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing will be answered any more.
    fn end(&self, why: SftpError) {
        let mut waiting = self.lock();
        waiting.lost.get_or_insert(why);
        waiting.replies.clear();
    }

    fn why(&self) -> SftpError {
        self.lock().lost.clone().unwrap_or_else(|| SftpError::Lost("the channel is closed".into()))
    }
}

/// An answer that is under way.
#[must_use]
pub struct Pending {
    reply: oneshot::Receiver<Reply>,
    desk: Arc<Desk>,
}

impl Pending {
    /// The answer.
    ///
    /// # Errors
    /// When the connection is gone or the server is silent for [`PATIENCE`].
    pub async fn reply(mut self) -> Result<Reply, SftpError> {
        self.wait().await
    }

    async fn wait(&mut self) -> Result<Reply, SftpError> {
        match tokio::time::timeout(PATIENCE, &mut self.reply).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(self.desk.why()),
            Err(_) => Err(SftpError::Silent),
        }
    }

    /// That it went well, without taking the request away before it is known. Not to be asked again afterwards.
    pub(super) async fn wait_ok(&mut self) -> Result<(), SftpError> {
        match self.wait().await? {
            Reply::Status(packet::Code::Ok, _) => Ok(()),
            other => Err(refused(other)),
        }
    }

    /// That it went well.
    ///
    /// # Errors
    /// When it did not.
    pub async fn ok(self) -> Result<(), SftpError> {
        match self.reply().await? {
            Reply::Status(packet::Code::Ok, _) => Ok(()),
            other => Err(refused(other)),
        }
    }

    /// Bytes of a file; none at its end.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn data(self) -> Result<Rope, SftpError> {
        match self.reply().await? {
            Reply::Data(data) => Ok(data),
            Reply::Status(packet::Code::Eof, _) => Ok(Rope::new()),
            other => Err(refused(other)),
        }
    }
}

/// What an answer means that is not the one hoped for.
pub(super) fn refused(reply: Reply) -> SftpError {
    match reply {
        Reply::Status(packet::Code::Ok, _) => SftpError::Unasked,
        Reply::Status(code, words) => SftpError::Status(code, words),
        _ => SftpError::Unasked,
    }
}

impl Sftp {
    /// Opens an SFTP channel to a target on a pooled transport, logging in when needed. Once more when the server ends
    /// before it says anything: dropbear does that now and then to a channel opened just when another one closes.
    ///
    /// # Errors
    /// As [`crate::ssh::pool::Pool::session`]; `unsupported_operation` when the host offers no SFTP.
    pub async fn open(helper: &Arc<Helper>, principal: &str, target: &Target) -> Result<Self, Failure> {
        let once = || async {
            let (channel, lease) = helper.pool.session(helper, principal, target).await?;
            let started = tokio::time::timeout(PATIENCE, start(channel)).await;
            Ok((started.unwrap_or(Err(SftpError::Silent)), lease))
        };
        let (started, lease) = match once().await? {
            (Err(SftpError::Ended), _) => once().await?,
            other => other,
        };
        let Started { read, write, cutter, extensions } = started.map_err(|error| no_sftp(target, &error))?;
        let desk = Arc::<Desk>::default();
        let (requests, queue) = mpsc::channel(QUEUE);
        tokio::spawn(write_all(write, queue));
        let reading = tokio::spawn(read_all(read, cutter, desk.clone()));
        Ok(Self {
            inner: Arc::new(Inner {
                requests,
                desk,
                next: AtomicU32::new(1),
                tasks: [reading.abort_handle()],
                extensions,
                limits: OnceCell::new(),
                lease,
            }),
        })
    }

    /// The place on the transport, with the host key's fingerprint and the redactor.
    pub fn lease(&self) -> &Lease {
        &self.inner.lease
    }

    /// What the server can do beyond the protocol.
    pub fn extensions(&self) -> Extensions {
        self.inner.extensions
    }

    /// Sends a request: `fill` adds to it what its kind takes. Waits while too much is under way already. Cancel
    /// safe: a dropped call has sent all of a request or nothing.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn send(
        &self,
        kind: u8,
        room: usize,
        fill: impl FnOnce(Request) -> Request,
    ) -> Result<Pending, SftpError> {
        self.send_with(kind, room, fill, Rope::new()).await
    }

    /// As [`Sftp::send`], with bytes at the request's end that are not copied.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn send_with(
        &self,
        kind: u8,
        room: usize,
        fill: impl FnOnce(Request) -> Request,
        data: Rope,
    ) -> Result<Pending, SftpError> {
        let id = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let packet = fill(Request::new(kind, id, room)).finish_with(data);
        let permit = self.inner.requests.reserve().await.map_err(|_| self.inner.desk.why())?;
        let (sender, reply) = oneshot::channel();
        {
            let mut waiting = self.inner.desk.lock();
            if let Some(why) = &waiting.lost {
                return Err(why.clone());
            }
            waiting.replies.insert(id, sender);
        }
        permit.send(packet);
        Ok(Pending { reply, desk: self.inner.desk.clone() })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The writer ends with its queue and closes the channel.
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

struct Started {
    read: ReadHalf,
    write: WriteHalf,
    cutter: Cutter,
    extensions: Extensions,
}

/// Starts the subsystem and greets the server.
async fn start(channel: Channel) -> Result<Started, SftpError> {
    let lost = |error: ChannelError| SftpError::Lost(error.to_string());
    let (mut read, write) = channel.split();
    write.request_subsystem("sftp").await.map_err(lost)?;
    // Version 3, sent without waiting for the subsystem's start: it reads what comes after it. OpenSSH opens the window
    // only then, so where there is no subsystem this is never sent.
    let mut greeting = Box::pin(write.data_bytes(Request::new(kind::INIT, 3, 0).finish().into_bytes()));
    let mut greeted = false;
    let mut cutter = Cutter::default();
    let (version, names) = loop {
        if let Some(packet) = cutter.next_packet()? {
            break packet::greeting(packet)?;
        }
        let message = tokio::select! {
            // When it cannot be sent any more, what the host says last tells why.
            _ = &mut greeting, if !greeted => {
                greeted = true;
                continue;
            }
            message = read.wait() => message,
        };
        match message {
            Some(ChannelMsg::Data { data }) => cutter.push(data),
            Some(ChannelMsg::Failure) => {
                return Err(SftpError::Status(packet::Code::Unsupported, "no SFTP subsystem".into()));
            }
            Some(ChannelMsg::Eof | ChannelMsg::Close | ChannelMsg::ExitStatus { .. }) => {
                return Err(SftpError::Ended);
            }
            Some(_) => {}
            None => return Err(SftpError::Lost("the channel was closed".into())),
        }
    };
    drop(greeting);
    if version < 3 {
        return Err(SftpError::Malformed(packet::Malformed));
    }
    let has = |name: &str| names.iter().any(|known| known == name.as_bytes());
    let extensions = Extensions {
        posix_rename: has("posix-rename@openssh.com"),
        fsync: has("fsync@openssh.com"),
        hardlink: has("hardlink@openssh.com"),
        statvfs: has("statvfs@openssh.com"),
        limits: has("limits@openssh.com"),
        lsetstat: has("lsetstat@openssh.com"),
    };
    Ok(Started { read, write, cutter, extensions })
}

async fn write_all(write: WriteHalf, mut queue: mpsc::Receiver<Rope>) {
    while let Some(packet) = queue.recv().await {
        for piece in packet {
            if write.data_bytes(piece).await.is_err() {
                return;
            }
        }
    }
}

async fn read_all(mut read: ReadHalf, mut cutter: Cutter, desk: Arc<Desk>) {
    let why = loop {
        match cutter.next_packet() {
            Ok(Some(packet)) => match packet::reply(packet) {
                // An answer nobody waits for any more is nobody's business.
                Ok((id, reply)) => {
                    let waiting = desk.lock().replies.remove(&id);
                    if let Some(waiting) = waiting {
                        let _ = waiting.send(reply);
                    }
                    continue;
                }
                Err(malformed) => break malformed.into(),
            },
            Ok(None) => {}
            Err(malformed) => break malformed.into(),
        }
        match read.wait().await {
            Some(ChannelMsg::Data { data }) => cutter.push(data),
            Some(ChannelMsg::Eof | ChannelMsg::Close) | None => {
                break SftpError::Lost("the host closed the channel".into());
            }
            Some(_) => {}
        }
    };
    desk.end(why);
}

fn no_sftp(target: &Target, error: &SftpError) -> Failure {
    match error {
        SftpError::Status(..) | SftpError::Ended => Failure::new(
            ErrorCode::UnsupportedOperation,
            format!("{} offers no SFTP: {error}", target.alias),
            "it needs `Subsystem sftp` in its sshd_config and an SFTP server; until then use ssh_exec",
        ),
        other => Failure::new(
            ErrorCode::SshConnectionFailed,
            format!("{} opened no SFTP channel: {other}", target.alias),
            "try again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;

    use super::start;
    use crate::ssh::channel::{Channel, ChannelMsg, credit};
    use crate::ssh::sftp::error::SftpError;

    #[tokio::test]
    async fn a_server_that_ends_before_it_is_greeted_has_ended_and_the_connection_is_not_lost() {
        // Whether the greeting or the end comes first is chance.
        for _ in 0..64 {
            let (orders, _taken) = mpsc::channel(4);
            let (said, inbox) = mpsc::channel(4);
            let credit = credit();
            credit.close();
            for message in [ChannelMsg::Success, ChannelMsg::Close] {
                said.send(message).await.unwrap();
            }
            let started = start(Channel::new(1, orders, Arc::clone(&credit), inbox)).await;
            assert_eq!(started.err(), Some(SftpError::Ended));
        }
    }
}
