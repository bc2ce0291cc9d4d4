//! An upload from beginning to end.

use std::sync::Arc;

use sallyport_protocol::frame;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::Request;
use sallyport_protocol::transfer::{Ask, Ended, EntryKind, Note, Offer, Transfer};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::{mpsc, oneshot};

use super::roots::Located;
use super::walk::{Offered, Way};
use super::{Ending, Meter, Report};
use crate::link::{Broker, Input, Item, Link};

/// Blocks read ahead of what the helper takes.
const AHEAD: usize = 4;

/// Sends what is at `local`. Dropped before its end, it cancels: nothing half-written stays on the host.
///
/// # Errors
/// As the local files, the helper and the host say.
pub async fn upload(
    link: &Link<Broker>,
    local: &Located,
    ask: &Transfer,
    meter: &Meter,
) -> Result<Ending, Failure> {
    let mut content = ask.mirror.as_ref().is_some_and(|mirror| mirror.by_content);
    loop {
        let offered = gather(local, ask, content).await?;
        match once(link, Arc::new(offered), ask, meter).await? {
            Some(ending) => return Ok(ending),
            // A person is to be asked: the files are offered again with their content told.
            None if !content => content = true,
            None => {
                return Err(Failure::new(
                    ErrorCode::InternalError,
                    "the vault helper asks again for what it was told",
                    "install both programs from one release",
                ));
            }
        }
    }
}

async fn gather(local: &Located, ask: &Transfer, content: bool) -> Result<Offered, Failure> {
    let (local, recursive, mirror) = (local.clone(), ask.recursive, ask.mirror.clone());
    in_thread(move || Offered::gather(&local, &Way { recursive, mirror: mirror.as_ref(), content })).await
}

/// Runs work on files in a thread that may wait for the disk.
pub async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Failure::new(ErrorCode::InternalError, format!("a part of the transfer failed: {error}"), ""))
    })
}

async fn once(
    link: &Link<Broker>,
    offered: Arc<Offered>,
    ask: &Transfer,
    meter: &Meter,
) -> Result<Option<Ending>, Failure> {
    let mut operation = link.start(Request::Transfer(Ask::Upload(ask.clone()))).await?;
    let (go, wanted) = oneshot::channel();
    let mut go = Some(go);
    let mut ranges = Vec::new();
    let mut changes = offered.left_out.clone();
    let mut feeding = std::pin::pin!(feed(operation.input(), offered.clone(), wanted, meter));
    let mut fed = None;
    loop {
        tokio::select! {
            item = operation.next() => match item? {
                Item::Event(Event::Transfer(note)) => match note {
                    Note::Send { from, count } => ranges.push((from, count)),
                    Note::Go => {
                        if let Some(go) = go.take() {
                            let _ = go.send(std::mem::take(&mut ranges));
                        }
                    }
                    Note::Change(change) => changes.push(change),
                    _ => {}
                },
                Item::Event(_) | Item::Data(..) => {}
                Item::Done(Outcome::Transferred(Ended::TellContent)) => return Ok(None),
                Item::Done(Outcome::Transferred(Ended::Done(mut done))) => {
                    // Nothing was wanted if nothing was said.
                    drop(go.take());
                    done.sha256 = match fed {
                        Some(hash) => hash,
                        None => feeding.await?,
                    };
                    done.skipped += u32::try_from(offered.left_out.len()).unwrap_or(0);
                    return Ok(Some(Ending::Done(Report { done, changes })));
                }
                Item::Done(outcome) => return ended(outcome).map(Some),
            },
            result = &mut feeding, if fed.is_none() => fed = Some(result?),
        }
    }
}

/// What the other ends of a transfer mean.
pub fn ended(outcome: Outcome) -> Result<Ending, Failure> {
    match outcome {
        Outcome::NeedsConfirmation(needs) => Ok(Ending::Needs(needs)),
        Outcome::Blocked { failure, rules } => Ok(Ending::Blocked { failure, rules }),
        Outcome::Failed(failure) => Err(failure),
        Outcome::Cancelled { .. } => {
            Err(Failure::new(ErrorCode::InternalError, "the transfer was cancelled", ""))
        }
        _ => Err(Failure::new(
            ErrorCode::InternalError,
            "the vault helper gave an answer that does not belong to a transfer",
            "install both programs from one release",
        )),
    }
}

/// Says what there is, waits to hear what is wanted, and sends it. The SHA-256 of a single file.
async fn feed(
    input: Input<Broker>,
    offered: Arc<Offered>,
    wanted: oneshot::Receiver<Vec<(u32, u32)>>,
    meter: &Meter,
) -> Result<Option<[u8; 32]>, Failure> {
    let mut frames = Vec::new();
    let last = std::iter::once(Offer::Complete);
    for offer in offered.entries.iter().cloned().map(Offer::Entry).chain(last) {
        frames.extend(frame::encode(&offer).map_err(|error| {
            Failure::new(ErrorCode::TooLarge, format!("a file's name is too long: {error}"), "shorten it")
        })?);
        if frames.len() >= 32 * 1024 {
            input.send_some(std::mem::take(&mut frames)).await;
        }
    }
    input.send_some(frames).await;
    // Nothing is wanted when the operation ends before.
    let Ok(wanted) = wanted.await else { return Ok(None) };
    let files = wanted.iter().flat_map(|(from, count)| *from as usize..*from as usize + *count as usize);
    let sizes = files.filter_map(|n| offered.entries.get(n)).filter(|e| e.kind == EntryKind::File);
    meter.expect(sizes.map(|entry| entry.size).sum());
    let (sender, mut blocks) = mpsc::channel::<Vec<u8>>(AHEAD);
    let reading = in_thread(move || offered.pour(&wanted, &sender));
    let sending = async {
        while let Some(block) = blocks.recv().await {
            let count = block.len();
            if !input.send_some(block).await {
                break;
            }
            meter.add(count);
        }
        blocks.close();
    };
    let (hash, ()) = tokio::join!(reading, sending);
    let hash = hash?;
    input.end();
    Ok(hash)
}
