//! Starting a carrier, and handing it connections.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::Stdio;
use std::sync::{Arc, Weak};
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    recv, sendmsg, socketpair,
};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::{Receiver, Sender, pipe};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, Command};

use crate::afterwards::afterwards;
use crate::carrier::program::{BY_HELPER, BY_TCP, STEPS};

/// The hidden option that makes the helper's program a carrier.
pub const OPTION: &str = "--carrier";
/// How long a carrier may take to be ready: a busy machine starts it late.
const START: Duration = Duration::from_secs(10);
/// Bytes a pipe to or from a carrier holds, where the kernel gives as many to this user (pipe(7)).
const PIPE: i32 = 512 * 1024;
/// How long a carrier may take to end.
const GRACE: Duration = Duration::from_secs(5);
/// Descriptors that should be enough for everybody: a connection takes two, a carrier two more.
const DESCRIPTORS: u64 = 16 * 1024;

/// Raises the limit of open files as far as it may be raised, but not beyond what is of use: gpg looks at each.
pub fn make_room() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = hard.min(DESCRIPTORS);
        if soft < wanted { setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) } else { Ok(()) }
    });
    if let Err(error) = raised {
        tracing::info!(%error, "the limit of open files could not be raised");
    }
}

/// A process that speaks SSH with one host; it ends with the last of its connections.
pub struct Carrier {
    control: UnixStream,
    /// Taken when it is to end.
    child: Option<Child>,
}

impl Drop for Carrier {
    /// It ends by itself when its socket is closed. One that does not was taken over, or hangs.
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        afterwards(async move {
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                // It may just have ended.
                let _ = child.kill().await;
            }
        });
    }
}

/// The socket to a server.
pub enum Server {
    /// Straight.
    Tcp(TcpStream),
    /// By way of a jump host: the other end is carried there.
    Carried(StdUnixStream),
}

impl Carrier {
    /// Starts one, and waits until it has taken from itself what it has no use for.
    ///
    /// # Errors
    /// When no process can be had, or it could be hardened less than `min_hardening` asks.
    pub async fn start(min_hardening: u8) -> Result<Self, Failure> {
        let started = tokio::time::timeout(START, Self::begin()).await;
        let (carrier, level) =
            started.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(failed)?;
        if level < min_hardening.min(STEPS) {
            return Err(Failure::new(
                ErrorCode::InternalError,
                format!(
                    "the process that would speak SSH reached hardening level {level}, and min_hardening is {min_hardening}"
                ),
                "restart the vault helper; its audit log has what could be hardened at its start",
            ));
        }
        Ok(carrier)
    }

    async fn begin() -> io::Result<(Self, u8)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // This very program, also when its file was replaced meanwhile.
        let child = Command::new("/proc/self/exe")
            .arg0("sallyport-vault-helper")
            .arg(OPTION)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            // What it says could quote a server, and nobody would redact it.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let ours = StdUnixStream::from(ours);
        ours.set_nonblocking(true)?;
        let mut control = UnixStream::from_std(ours)?;
        let level = control.read_u8().await?;
        Ok((Self { control, child: Some(child) }, level))
    }

    /// Whether the process is there: it says nothing more, so that only its end can be read.
    fn is_alive(&self) -> bool {
        let mut nothing = [0];
        // Past the runtime, which may not have heard of it yet.
        let read = recv(&self.control, &mut nothing[..], RecvFlags::DONTWAIT | RecvFlags::PEEK);
        matches!(read, Err(Errno::AGAIN))
    }

    /// Hands a connection over; the pipe on which it takes orders, and that of its reports.
    ///
    /// # Errors
    /// When the carrier is gone.
    pub async fn hand_over(&self, server: Server) -> Result<(Sender, Receiver), Failure> {
        let hand = async {
            let ((give, orders), (reports, take)) = (pipe()?, pipe()?);
            for wide in [give.as_fd(), take.as_fd()] {
                // A pipe as it comes costs speed where much goes through it, and nothing else (fcntl(2), `F_SETPIPE_SZ`).
                let _ = fcntl(wide, FcntlArg::F_SETPIPE_SZ(PIPE));
            }
            let (orders, reports) = (orders.into_nonblocking_fd()?, reports.into_nonblocking_fd()?);
            let (kind, server) = match server {
                Server::Tcp(stream) => (BY_TCP, OwnedFd::from(stream.into_std()?)),
                Server::Carried(stream) => (BY_HELPER, OwnedFd::from(stream)),
            };
            let writable = tokio::io::Interest::WRITABLE;
            self.control
                .async_io(writable, || send(&self.control, kind, [&orders, &reports, &server]))
                .await?;
            Ok((give, take))
        };
        hand.await.map_err(failed)
    }
}

fn send(socket: &impl AsFd, kind: u8, descriptors: [&OwnedFd; 3]) -> io::Result<()> {
    let descriptors = descriptors.map(AsFd::as_fd);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(&[kind])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn failed(error: io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            "it is started from /proc/self/exe: mount /proc where the vault helper runs"
        }
        io::ErrorKind::BrokenPipe => {
            "it ended at once; try again, and look at the system's log if that does not help"
        }
        _ => {
            "see that this user may start more processes (ulimit -u, TasksMax=) and open more files (ulimit -n)"
        }
    };
    let message = format!("no process to speak SSH could be had: {error}");
    Failure::new(ErrorCode::InternalError, message, hint)
}

/// The carrier of one account on one host, as long as it has connections.
#[derive(Default)]
pub struct Shared(tokio::sync::Mutex<Weak<Carrier>>);

impl Shared {
    /// The carrier there is, or a new one.
    ///
    /// # Errors
    /// As [`Carrier::start`].
    pub async fn get(&self, min_hardening: u8) -> Result<Arc<Carrier>, Failure> {
        let mut known = self.0.lock().await;
        if let Some(carrier) = known.upgrade().filter(|carrier| carrier.is_alive()) {
            return Ok(carrier);
        }
        let carrier = Arc::new(Carrier::start(min_hardening).await?);
        *known = Arc::downgrade(&carrier);
        Ok(carrier)
    }
}
