//! A download from beginning to end.

use std::collections::{HashSet, VecDeque};
use std::io::Read;

use bytes::Bytes;
use sallyport_protocol::frame;
use sallyport_protocol::name;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::Request;
use sallyport_protocol::rope::Rope;
use sallyport_protocol::transfer::{Ask, Change, Deed, Ended, EntryKind, Found, Note, Transfer, Want};
use sallyport_protocol::{ErrorCode, Failure};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::folder::{Folder, Kind};
use super::roots::Located;
use super::stage::{How, Item as Piece, Stage, names};
use super::upload::{ended, in_thread};
use super::{Ending, Meter, Report};
use crate::link::{Broker, Item, Link};

/// Pieces on their way to the disk.
const AHEAD: usize = 4;
/// Bytes that are written together, when so many are there at once.
const BATCH: usize = 256 * 1024;

/// What the writing thread is told.
enum Work {
    Item(Piece),
    Bytes(Rope),
    End,
    Land,
}

/// Brings what is at the host to `local`. Nothing stands under a final name before all of it is good.
///
/// # Errors
/// As the local files, the helper and the host say.
pub async fn download(
    link: &Link<Broker>,
    local: &Located,
    ask: &Transfer,
    meter: &Meter,
) -> Result<Ending, Failure> {
    let mut operation = link.start(Request::Transfer(Ask::Download(ask.clone()))).await?;
    let mut found: Vec<Found> = Vec::new();
    let mut changes: Vec<Change> = Vec::new();
    let decision = loop {
        match operation.next().await? {
            Item::Event(Event::Transfer(Note::Found(one))) => found.push(one),
            Item::Event(Event::Transfer(Note::Change(change))) => changes.push(change),
            Item::Event(Event::Transfer(Note::Complete)) => {
                let (local, ask) = (local.clone(), ask.clone());
                let found = std::mem::take(&mut found);
                break in_thread(move || Decision::make(&local, &ask, found)).await?;
            }
            Item::Event(_) | Item::Data(..) => {}
            Item::Done(outcome) => return ended(outcome),
        }
    };
    let dry = ask.mirror.as_ref().is_some_and(|mirror| mirror.dry_run);
    let Decision { found, wanted, remove, skipped } = decision;
    let note = |path: &[u8], deed| Change { path: name::to_text(path).into(), deed };
    if dry {
        changes.extend(wanted.iter().map(|n| Change { path: found[*n].path.clone(), deed: Deed::Send }));
    }
    changes.extend(remove.iter().map(|path| note(path, Deed::Remove)));
    let files = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    let bytes = wanted.iter().map(|n| found[*n].size).sum();
    let removed = u32::try_from(remove.len()).unwrap_or(u32::MAX);

    let input = operation.input();
    if !dry {
        meter.expect(bytes);
        let mut frames = Vec::new();
        for (from, count) in ranges(&wanted) {
            frames.extend(frame::encode(&Want { from, count }).unwrap_or_default());
        }
        // The list is short; the helper reads all of it before it sends a byte.
        input.send_some(frames).await;
    }
    input.end();
    let (work, hands) = mpsc::channel(AHEAD);
    let writer = {
        let (local, ask) = (local.clone(), ask.clone());
        let pieces: Vec<Piece> = found.iter().map(piece).collect();
        let tree = found.first().is_some_and(|one| one.kind == EntryKind::Directory);
        in_thread(move || if dry { Ok(None) } else { write(&local, &ask, tree, pieces, &remove, hands) })
    };
    let all = &found;
    let reading = async move {
        let mut incoming = Files {
            found: all,
            wanted: wanted.into(),
            ends: VecDeque::new(),
            got: 0,
            open: false,
            kept: Rope::new(),
        };
        loop {
            let item = tokio::select! {
                biased;
                item = operation.next() => item?,
                // Nothing more is here yet.
                () = std::future::ready(()), if !incoming.kept.is_empty() => {
                    incoming.flush(&work).await?;
                    continue;
                }
            };
            match item {
                Item::Data(_, bytes) => {
                    meter.add(bytes.len());
                    incoming.bytes(bytes, &work).await?;
                }
                Item::Event(Event::Transfer(Note::Sent { entry, bytes })) => {
                    incoming.ends.push_back((entry, bytes));
                    incoming.settle(&work).await?;
                }
                Item::Event(_) => {}
                Item::Done(Outcome::Transferred(Ended::Done(done))) => {
                    if !dry && !incoming.wanted.is_empty() {
                        return Err(strange());
                    }
                    say(&work, Work::Land).await?;
                    return Ok(Ok(done));
                }
                Item::Done(outcome) => return Ok(Err(ended(outcome)?)),
            }
        }
    };
    // Whichever fails first, the other ends with it: the channel between them closes.
    let (read, written): (Result<_, Failure>, _) = tokio::join!(reading, writer);
    let mut done = match (read, written) {
        // The disk's own words are better than "nobody took it".
        (_, Err(failure)) => return Err(failure),
        (Err(failure), _) => return Err(failure),
        (Ok(Err(ending)), _) => return Ok(ending),
        (Ok(Ok(mut done)), Ok(hash)) => {
            done.sha256 = hash;
            done
        }
    };
    if dry {
        (done.files, done.bytes) = (files, bytes);
    }
    done.skipped = skipped + u32::try_from(changes.iter().filter(|c| left_out(c.deed)).count()).unwrap_or(0);
    done.removed = removed;
    Ok(Ending::Done(Report { done, changes }))
}

fn left_out(deed: Deed) -> bool {
    matches!(deed, Deed::Link | Deed::Special | Deed::Name)
}

fn piece(found: &Found) -> Piece {
    Piece {
        path: name::to_bytes(found.path.as_str()),
        kind: found.kind,
        mode: found.mode,
        mtime: found.mtime,
    }
}

async fn say(work: &mpsc::Sender<Work>, what: Work) -> Result<(), Failure> {
    work.send(what).await.map_err(|_| strange())
}

fn strange() -> Failure {
    Failure::new(
        ErrorCode::InternalError,
        "the download ended before it was complete",
        "call again; if it stays so, install both programs from one release",
    )
}

/// Which of the incoming bytes belong to which file.
struct Files<'a> {
    found: &'a [Found],
    wanted: VecDeque<usize>,
    /// Files that were sent to their end, with their lengths.
    ends: VecDeque<(u32, u64)>,
    got: u64,
    open: bool,
    /// What is still to be handed to whoever writes.
    kept: Rope,
}

impl Files<'_> {
    async fn bytes(&mut self, mut bytes: Bytes, work: &mpsc::Sender<Work>) -> Result<(), Failure> {
        while !bytes.is_empty() {
            self.settle(work).await?;
            self.begin(work).await?;
            // An end that is known overtook these bytes; behind it the next file begins.
            let rest = match self.ends.front() {
                Some((_, length)) => {
                    let left = usize::try_from(length - self.got.min(*length)).unwrap_or(usize::MAX);
                    bytes.split_off(left.min(bytes.len()))
                }
                None => Bytes::new(),
            };
            self.got += bytes.len() as u64;
            self.kept.push(bytes);
            if self.kept.len() >= BATCH {
                self.flush(work).await?;
            }
            bytes = rest;
        }
        self.settle(work).await
    }

    async fn flush(&mut self, work: &mpsc::Sender<Work>) -> Result<(), Failure> {
        match std::mem::take(&mut self.kept) {
            nothing if nothing.is_empty() => Ok(()),
            kept => say(work, Work::Bytes(kept)).await,
        }
    }

    async fn begin(&mut self, work: &mpsc::Sender<Work>) -> Result<(), Failure> {
        if !self.open {
            let number = *self.wanted.front().ok_or_else(strange)?;
            say(work, Work::Item(piece(&self.found[number]))).await?;
            self.open = true;
        }
        Ok(())
    }

    /// Ends every file whose bytes are all here.
    async fn settle(&mut self, work: &mpsc::Sender<Work>) -> Result<(), Failure> {
        while let Some((entry, length)) = self.ends.front().copied() {
            if self.wanted.front() != Some(&(entry as usize)) || self.got > length {
                return Err(strange());
            }
            if self.got < length {
                break;
            }
            self.begin(work).await?;
            self.flush(work).await?;
            say(work, Work::End).await?;
            self.ends.pop_front();
            self.wanted.pop_front();
            (self.got, self.open) = (0, false);
        }
        Ok(())
    }
}

/// The writing thread: the SHA-256 of a single file.
fn write(
    local: &Located,
    ask: &Transfer,
    tree: bool,
    pieces: Vec<Piece>,
    remove: &[Vec<u8>],
    mut work: mpsc::Receiver<Work>,
) -> Result<Option<[u8; 32]>, Failure> {
    let how = How {
        overwrite: ask.overwrite || ask.mirror.is_some(),
        keep_permissions: ask.keep_permissions,
        keep_times: ask.keep_times || ask.mirror.is_some(),
    };
    let mut stage = Stage::begin(local, ask.create_parents, tree, how)?;
    for directory in pieces.into_iter().filter(|piece| piece.kind == EntryKind::Directory) {
        stage.item(directory)?;
    }
    let mut hash = None;
    while let Some(work) = work.blocking_recv() {
        match work {
            Work::Item(item) => stage.item(item)?,
            Work::Bytes(bytes) => stage.write(bytes)?,
            Work::End => hash = stage.end()?,
            Work::Land => {
                stage.land(remove)?;
                return Ok(hash);
            }
        }
    }
    // Nobody said that it is good: what is there goes.
    Ok(None)
}

fn ranges(wanted: &[usize]) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in wanted {
        let number = u32::try_from(*number).unwrap_or(u32::MAX);
        match ranges.last_mut() {
            Some((from, count)) if *from + *count == number => *count += 1,
            _ => ranges.push((number, 1)),
        }
    }
    ranges
}

/// What is to be brought, and what is to go.
struct Decision {
    found: Vec<Found>,
    wanted: Vec<usize>,
    remove: Vec<Vec<u8>>,
    skipped: u32,
}

impl Decision {
    fn make(local: &Located, ask: &Transfer, found: Vec<Found>) -> Result<Self, Failure> {
        check(&found)?;
        let tree = found.first().is_some_and(|one| one.kind == EntryKind::Directory);
        let top = match local.open(false) {
            Ok((folder, last)) => Some((folder, last)),
            // Nothing can be there.
            Err(failure) if failure.code == ErrorCode::MissingParent && ask.create_parents => None,
            Err(failure) => return Err(failure),
        };
        let mut decision = Self { found, wanted: Vec::new(), remove: Vec::new(), skipped: 0 };
        for number in 0..decision.found.len() {
            let one = &decision.found[number];
            let path = name::to_bytes(one.path.as_str());
            let shown = || local.below(one.path.as_str());
            let fail = |error: std::io::Error| super::roots::failure(&error, &shown());
            let place = match &top {
                Some(top) => at(top, &path).map_err(fail)?,
                None => None,
            };
            let old = match &place {
                Some((folder, last)) => folder.look(last).map_err(fail)?,
                None => None,
            };
            let kind = old.map(|old| old.kind);
            match (one.kind, kind) {
                (EntryKind::Directory, None | Some(Kind::Directory)) => {}
                (EntryKind::File, None) if tree || !path.is_empty() || !is_root(&top) => {
                    decision.wanted.push(number)
                }
                (EntryKind::File, Some(Kind::File)) => match (&ask.mirror, &place, old) {
                    (Some(mirror), Some((folder, last)), Some(old)) => {
                        let same = old.size == one.size
                            && match (mirror.by_content, one.sha256) {
                                (false, _) => old.mtime == one.mtime,
                                (true, Some(hash)) => hash == sha256(folder, last).map_err(fail)?,
                                (true, None) => false,
                            };
                        if same { decision.skipped += 1 } else { decision.wanted.push(number) }
                    }
                    _ if ask.overwrite => decision.wanted.push(number),
                    _ => return Err(fail(nix::errno::Errno::EEXIST.into())),
                },
                (_, Some(Kind::Link)) => return Err(fail(nix::errno::Errno::ELOOP.into())),
                (EntryKind::File, _) => return Err(fail(nix::errno::Errno::EISDIR.into())),
                (EntryKind::Directory, _) => return Err(fail(nix::errno::Errno::EEXIST.into())),
            }
        }
        if let (Some(mirror), Some(top), true) = (&ask.mirror, &top, tree)
            && mirror.delete
        {
            let known: HashSet<Vec<u8>> =
                decision.found.iter().map(|one| name::to_bytes(one.path.as_str())).collect();
            let mut extra = Vec::new();
            if let Some((folder, last)) = at(top, b"").map_err(|error| local.failure(&error))?
                && folder.look(&last).is_ok_and(|meta| meta.is_some_and(|meta| meta.kind == Kind::Directory))
            {
                let folder = match last.as_os_str() {
                    last if last == "." => folder.enter(&[]),
                    last => folder.enter(&[last.to_owned()]),
                };
                let folder = folder.map_err(|error| local.failure(&error))?;
                extras(&folder, &[], &known, mirror, &mut extra).map_err(|error| local.failure(&error))?;
            }
            extra.reverse();
            decision.remove = extra;
        }
        Ok(decision)
    }
}

fn is_root(top: &Option<(Folder, Option<std::ffi::OsString>)>) -> bool {
    top.as_ref().is_some_and(|(_, last)| last.is_none())
}

/// Where a path below the transfer's path would be; none when a folder on the way is missing.
fn at(
    top: &(Folder, Option<std::ffi::OsString>),
    path: &[u8],
) -> std::io::Result<Option<(Folder, std::ffi::OsString)>> {
    let mut names: Vec<_> = top.1.iter().cloned().chain(names(path)).collect();
    let Some(last) = names.pop() else { return Ok(Some((top.0.enter(&[])?, ".".into()))) };
    match top.0.enter(&names) {
        Ok(folder) => Ok(Some((folder, last))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Paths that lead nowhere else, each once, below a directory when there are several.
fn check(found: &[Found]) -> Result<(), Failure> {
    let mut known = HashSet::new();
    for (number, one) in found.iter().enumerate() {
        let path = name::to_bytes(one.path.as_str());
        let plain = path.split(|byte| *byte == b'/').all(|name| !matches!(name, b"" | b"." | b".."));
        let good = if number == 0 { path.is_empty() } else { plain && !path.contains(&0) };
        if !good || !known.insert(path) {
            return Err(strange());
        }
    }
    match found {
        [] => Err(strange()),
        [first, _, ..] if first.kind == EntryKind::File => Err(strange()),
        _ => Ok(()),
    }
}

/// What is below a folder and not at the source, parents first.
fn extras(
    folder: &Folder,
    above: &[u8],
    known: &HashSet<Vec<u8>>,
    mirror: &sallyport_protocol::transfer::Mirror,
    extra: &mut Vec<Vec<u8>>,
) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    for inner in folder.names()? {
        let path = match above {
            [] => inner.as_bytes().to_vec(),
            above => [above, b"/", inner.as_bytes()].concat(),
        };
        if mirror.excludes(&name::to_text(&path)) || inner.as_bytes().starts_with(b".sallyport-") {
            continue;
        }
        if !known.contains(&path) {
            extra.push(path.clone());
        }
        if folder.look(&inner)?.is_some_and(|meta| meta.kind == Kind::Directory) {
            extras(&folder.enter(&[inner])?, &path, known, mirror, extra)?;
        }
    }
    Ok(())
}

fn sha256(folder: &Folder, name: &std::ffi::OsStr) -> std::io::Result<[u8; 32]> {
    let (mut file, _) = folder.read(name)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 256 * 1024];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(&block[..read]),
        }
    }
}
