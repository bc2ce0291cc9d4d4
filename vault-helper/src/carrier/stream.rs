//! A TCP stream that acknowledges at once while a login is under way.
//!
//! sshd holds its reply to the first channel until the client's delayed
//! acknowledgement arrives, some 40 ms; TCP_QUICKACK (tcp(7)) avoids that, but
//! the kernel forgets the option, so it is set again after each early read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Reads after which the option is left alone: a login and a first command take about 20.
const EARLY_READS: u32 = 64;

/// See the module.
pub struct QuickStream {
    inner: TcpStream,
    reads: u32,
}

impl QuickStream {
    /// Wraps a connected stream.
    pub fn new(inner: TcpStream) -> Self {
        Self { inner, reads: 0 }
    }
}

impl AsyncRead for QuickStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        #[cfg(target_os = "linux")]
        if polled.is_ready() && self.reads < EARLY_READS {
            self.reads += 1;
            // An option the kernel does not take costs speed, nothing else.
            let _ = socket2::SockRef::from(&self.inner).set_tcp_quickack(true);
        }
        polled
    }
}

impl AsyncWrite for QuickStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
