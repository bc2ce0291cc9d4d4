//! Carrying a jump host's channel to the carrier of the host behind it, which takes it for its server's socket.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::channel::{Channel, ChannelMsg};

/// Bytes taken from the carrier at once.
const PIECE: usize = 32 * 1024;

/// Begins to carry; the carrier's end.
///
/// # Errors
/// When there are no sockets left.
pub fn begin(channel: Channel) -> io::Result<StdUnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    tokio::spawn(carry(channel, ours));
    theirs.into_std()
}

/// Carries until either side has nothing more to say: SSH has no use for half a connection.
async fn carry(channel: Channel, socket: UnixStream) {
    let (mut said, to_host) = channel.split();
    let (mut from_carrier, mut to_carrier) = socket.into_split();
    let up = async {
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = from_carrier.read(&mut piece).await {
            if to_host.data_bytes(piece[..count].to_vec()).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        while let Some(message) = said.wait().await {
            match message {
                ChannelMsg::Data { data } if to_carrier.write_all(&data).await.is_ok() => {}
                ChannelMsg::Data { .. } | ChannelMsg::Eof | ChannelMsg::Close => return,
                _ => {}
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    // A host that is gone needs no goodbye.
    let _ = to_host.close().await;
}
