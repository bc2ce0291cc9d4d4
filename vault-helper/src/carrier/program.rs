//! The process itself: what it takes from itself, and the connections it is handed.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::process::ExitCode;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use sallyport_sandbox::files::Files;
use sallyport_sandbox::{SandboxError, attributes, calls, files};
use tokio::io::Interest;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

use super::connection;
use super::stream::QuickStream;

/// A server is reached over TCP.
pub const BY_TCP: u8 = b't';
/// A server is reached over a Unix socket, at whose other end the helper carries bytes to and from a jump host.
pub const BY_HELPER: u8 = b'u';

/// Is a carrier: takes connections on standard input until the helper is gone and the last of them has ended. Says first
/// how many of its steps of hardening succeeded, as one byte.
pub fn run() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    // Nobody reads what is said here: the helper sees that the process is gone.
    match runtime.block_on(take_connections()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// How many steps there are: `process`, `files` and `calls`, as the helper's own.
pub const STEPS: u8 = 3;

/// Takes everything from this process that it has no use for, step by step until one fails.
fn harden() -> u8 {
    let steps: [fn() -> Result<(), SandboxError>; STEPS as usize] = [
        || attributes::close().and_then(|()| attributes::end_with_parent()),
        || files::restrict(&Files::default()),
        calls::keep_those_of_a_carrier,
    ];
    // Where any amount may be locked, as the helper's; passwords pass through here.
    let _ = attributes::lock_memory();
    steps.iter().take_while(|step| step().is_ok()).count() as u8
}

async fn take_connections() -> io::Result<()> {
    let control = stream(io::stdin().as_fd().try_clone_to_owned()?)?;
    // After the runtime has what it needs, and before a server's first byte.
    let level = harden();
    send(&control, &[level], SendFlags::NOSIGNAL)?;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            handed = control.async_io(Interest::READABLE, || receive(&control)) => match handed? {
                Handed::Connection(kind, descriptors) => {
                    // One that cannot be taken up is dropped: the helper sees its pipes closed.
                    if let Ok(serving) = serve(kind, descriptors) {
                        connections.spawn(serving);
                    }
                }
                Handed::Broken => {}
                Handed::Nothing => break,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(control);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// What came from the helper.
enum Handed {
    /// A connection: how the server is reached, the pipe of orders, the pipe for reports, the socket to the server.
    Connection(u8, [OwnedFd; 3]),
    /// A connection of which not all descriptors could be taken.
    Broken,
    /// The helper is gone.
    Nothing,
}

/// Takes a connection up. The helper has seen to it that its pipes are pipes and do not block.
fn serve(
    kind: u8,
    [orders, reports, server]: [OwnedFd; 3],
) -> io::Result<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let orders = Receiver::from_owned_fd_unchecked(orders)?;
    let reports = Sender::from_owned_fd_unchecked(reports)?;
    let cut = server.try_clone()?;
    Ok(match kind {
        BY_TCP => Box::pin(connection::serve(orders, reports, QuickStream::new(tcp(server)?), cut)),
        _ => Box::pin(connection::serve(orders, reports, stream(server)?, cut)),
    })
}

fn stream(descriptor: OwnedFd) -> io::Result<UnixStream> {
    let stream = StdUnixStream::from(descriptor);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn tcp(descriptor: OwnedFd) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::from(descriptor);
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

fn receive(socket: &impl AsFd) -> io::Result<Handed> {
    let mut kind = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let got = recvmsg(socket, &mut [io::IoSliceMut::new(&mut kind)], &mut control, flags)?;
    if got.bytes == 0 {
        return Ok(Handed::Nothing);
    }
    let passed = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptors: Vec<OwnedFd> = passed.flatten().collect();
    Ok(descriptors.try_into().map_or(Handed::Broken, |three| Handed::Connection(kind[0], three)))
}
