//! From a host to the broker's machine. Bytes leave exactly as they are, or not at all.

use std::collections::VecDeque;

use bytes::Bytes;
use sallyport_protocol::envelope::{Caller, OpId, Stream};
use sallyport_protocol::list::List;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::rope::Rope;
use sallyport_protocol::transfer::{Change, Deed as Told, Done, Ended, EntryKind, Found, Note, Transfer};
use sallyport_protocol::{ErrorCode, Failure, Text};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::errand::{Book, Errand, Line};
use super::offer::Incoming;
use super::plan::{real_path, sha256_to_tell};
use super::tree::{Seen, survey, under};
use super::{secret_in_file, tell};
use crate::guard::files::Deed;
use crate::redact::{Clean, Exact, SecretFound};
use crate::serve::connection::Operation;
use crate::serve::outbound::Outbound;
use crate::session::compose::quote;
use crate::session::exec::Early;
use crate::ssh::sftp::bulk::Reading;
use crate::ssh::sftp::landing::regular;
use crate::ssh::sftp::place::{self, shown};
use crate::ssh::sftp::{Attrs, Kind, Sftp, flag};

/// Files up to this size are read whole, several at once.
const SMALL: u64 = 64 * 1024;
/// How many at once.
const AT_ONCE: usize = 32;
/// Pieces of a large file that wait before and behind the detector: 255 KiB each from OpenSSH.
const PIECES: usize = 4;

pub async fn run(op: &mut Operation, caller: &Caller, download: Transfer) -> Result<Outcome, Early> {
    let errand =
        Errand::new(&op.helper, caller, &download.target, download.consent, download.confirmation.clone())?;
    let (id, out) = (op.id, op.out.clone());
    let root = place::wire(&download.path);
    errand.unless_blocked(&[Deed::read(download.path.as_str())], "download")?;
    let mut line = errand.connect().await?;
    let source = Source::look(&errand, &line.sftp, &download, &root).await?;
    let (text, granted) = {
        let deeds = source.deeds(&line.sftp, &download, &root).await;
        let what = format!(
            "download {} files, {} bytes, from {}:{}",
            source.files(),
            source.entries.iter().map(|entry| entry.attrs.size.unwrap_or(0)).sum::<u64>(),
            errand.target.label(),
            quote(download.path.as_str())
        );
        errand.gate(&deeds, &what, &[b"download"]).grant().map_err(Early)?
    };
    let book = errand.book("download", &text, &granted, &line.sftp).await?;
    let work = async {
        let by_content = download.mirror.as_ref().is_some_and(|mirror| mirror.by_content);
        for left_out in &source.left_out {
            tell(&out, id, Note::Change(left_out.clone()));
        }
        for entry in &source.entries {
            let sha256 = match by_content && entry.attrs.kind() == Kind::File {
                true => Some(
                    sha256_to_tell(&line.sftp, &under(&root, &entry.path), &errand.helper.redactor).await?,
                ),
                false => None,
            };
            tell(&out, id, Note::Found(found(entry, sha256)));
        }
        tell(&out, id, Note::Complete);
        let mut incoming = Incoming::new(&mut op.input);
        let wanted = incoming.wanted(source.entries.len()).await?;
        let mut ahead = Ahead::new(&source, &root, wanted);
        let mut files = 0;
        while let Some((number, small)) = ahead.next(&line.sftp) {
            let entry = &source.entries[number];
            let path = under(&root, &entry.path);
            let passage = Passage { out: &out, op: id, book: &book };
            let exact = errand.helper.redactor.exact();
            let passed = match small {
                Some(small) => passage.small(exact, small.content().await?).await,
                None => passage.large(exact, &mut line, &path).await,
            };
            let bytes = passed.map_err(|stop| match stop {
                Stop::Secret => secret_in_file(&shown(&path)),
                Stop::Failed(failure) => failure,
            })?;
            files += 1;
            tell(&out, id, Note::Sent { entry: u32::try_from(number).unwrap_or(u32::MAX), bytes });
        }
        Ok(files)
    };
    let result = work.await;
    let bytes = book.bytes();
    let files = book.close(result).await?;
    let skipped = source.files() - files + u32::try_from(source.left_out.len()).unwrap_or(0);
    Ok(Outcome::Transferred(Ended::Done(Done {
        files,
        bytes,
        skipped,
        removed: 0,
        sha256: None,
        remarks: List::default(),
    })))
}

/// What there is to download.
struct Source {
    entries: Vec<Seen>,
    left_out: Vec<Change>,
}

impl Source {
    async fn look(errand: &Errand, sftp: &Sftp, download: &Transfer, root: &[u8]) -> Result<Self, Failure> {
        // The path itself may be a link: it was named. What is below is not followed.
        let attrs = sftp.stat(root).await.map_err(|error| error.failure("read", &shown(root)))?;
        let mut source = Self { entries: vec![Seen { path: Vec::new(), attrs }], left_out: Vec::new() };
        if !download.recursive {
            regular(root, &attrs)?;
            return Ok(source);
        }
        if attrs.kind() != Kind::Directory {
            regular(root, &attrs)?;
            return Ok(source);
        }
        let excluded = |path: &[u8]| download.mirror.as_ref().is_some_and(|m| m.excludes(&shown(path)));
        let mut hidden = Vec::new();
        for seen in survey(sftp, root, |path| !excluded(path)).await? {
            if excluded(&seen.path) || hidden.iter().any(|above: &Vec<u8>| seen.path.starts_with(above)) {
                continue;
            }
            let text = shown(&seen.path);
            let deed = match seen.attrs.kind() {
                // A name that holds a secret cannot be told, so it cannot be written either.
                _ if errand.helper.redactor.text(&text).as_str() != text => Some(Told::Name),
                Kind::Link => Some(Told::Link),
                Kind::Special => Some(Told::Special),
                Kind::File | Kind::Directory => None,
            };
            match deed {
                Some(deed) => {
                    if seen.attrs.kind() == Kind::Directory {
                        hidden.push([&seen.path[..], b"/"].concat());
                    }
                    source.left_out.push(Change { path: Text::clip(text), deed });
                }
                None => source.entries.push(seen),
            }
        }
        Ok(source)
    }

    fn files(&self) -> u32 {
        let files = self.entries.iter().filter(|entry| entry.attrs.kind() == Kind::File).count();
        u32::try_from(files).unwrap_or(u32::MAX)
    }

    /// Everything that is read, under the path as given and as the host knows it.
    async fn deeds(&self, sftp: &Sftp, download: &Transfer, root: &[u8]) -> Vec<Deed> {
        let given = download.path.as_str();
        let real = real_path(sftp, root).await.filter(|real| real != given);
        let mut deeds = Vec::new();
        for root in [Some(given), real.as_deref()].into_iter().flatten() {
            deeds.extend(self.entries.iter().map(|entry| match entry.path.as_slice() {
                b"" => Deed::read(root),
                below => Deed::read(format!("{}/{}", root.trim_end_matches('/'), shown(below))),
            }));
        }
        deeds
    }
}

fn found(entry: &Seen, sha256: Option<[u8; 32]>) -> Found {
    Found {
        path: Text::clip(shown(&entry.path)),
        kind: if entry.attrs.kind() == Kind::File { EntryKind::File } else { EntryKind::Directory },
        size: entry.attrs.size.unwrap_or(0),
        mode: entry.attrs.permissions().unwrap_or(0),
        mtime: entry.attrs.mtime().unwrap_or(0),
        sha256,
    }
}

/// A task that ends when nobody waits for it any more.
struct Task(JoinHandle<Result<Bytes, Failure>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Task {
    async fn content(mut self) -> Result<Bytes, Failure> {
        match (&mut self.0).await {
            Ok(content) => content,
            Err(_) => Err(Failure::new(ErrorCode::InternalError, "a part of the download failed", "")),
        }
    }
}

/// The wanted files in order, small ones read ahead.
struct Ahead<'a> {
    source: &'a Source,
    root: &'a [u8],
    wanted: VecDeque<usize>,
    reading: VecDeque<(usize, Option<Task>)>,
}

impl<'a> Ahead<'a> {
    fn new(source: &'a Source, root: &'a [u8], wanted: Vec<usize>) -> Self {
        Self { source, root, wanted: wanted.into(), reading: VecDeque::new() }
    }

    fn next(&mut self, sftp: &Sftp) -> Option<(usize, Option<Task>)> {
        while self.reading.len() < AT_ONCE
            && let Some(number) = self.wanted.pop_front()
        {
            let entry = &self.source.entries[number];
            if entry.attrs.kind() != Kind::File {
                continue;
            }
            // A file without a size may have content all the same (/proc): it is read as a stream.
            let small = entry.attrs.size.is_some_and(|size| (1..=SMALL).contains(&size))
                && self.source.entries.len() > 1;
            let task =
                small.then(|| Task(tokio::spawn(read_small(sftp.clone(), under(self.root, &entry.path)))));
            self.reading.push_back((number, task));
        }
        self.reading.pop_front()
    }
}

/// All of a small file; more of it when it has grown meanwhile.
async fn read_small(sftp: Sftp, path: Vec<u8>) -> Result<Bytes, Failure> {
    let failure = |error: crate::ssh::sftp::SftpError| error.failure("read", &shown(&path));
    let handle = sftp.open_file(&path, flag::READ, &Attrs::default()).await.map_err(failure)?;
    // What it is and the first of its bytes, both under way at once.
    let first = sftp.start_read(&handle, 0, 64 * 1024).await.map_err(failure)?;
    let attrs = sftp.fstat(&handle).await.map_err(failure)?;
    regular(&path, &attrs)?;
    let mut content = first.data().await.map_err(failure)?.into_bytes();
    let size = attrs.size.unwrap_or(0);
    if (content.len() as u64) < size {
        let mut all = content.to_vec();
        let mut reading = Reading::new(&sftp, handle.clone(), all.len() as u64, size.min(16 * SMALL)).await;
        while let Some(piece) = reading.next().await.map_err(failure)? {
            all.extend_from_slice(&piece);
        }
        content = all.into();
    }
    let _ = sftp.start_close(&handle).await;
    Ok(content)
}

/// Why a file did not pass.
enum Stop {
    Secret,
    Failed(Failure),
}

impl From<SecretFound> for Stop {
    fn from(SecretFound: SecretFound) -> Self {
        Self::Secret
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// One file's way past the detector.
struct Passage<'a> {
    out: &'a Outbound,
    op: OpId,
    book: &'a Book,
}

impl Passage<'_> {
    async fn send(&self, clean: Clean) {
        if !clean.is_empty() {
            self.out.data(self.op, Stream::Output, clean).await;
        }
    }

    /// All of a small file; how many bytes it has.
    async fn small(&self, mut exact: Exact, content: Bytes) -> Result<u64, Stop> {
        let bytes = content.len() as u64;
        self.book.add(bytes);
        self.send(exact.push(&content)?).await;
        self.send(exact.finish()?).await;
        Ok(bytes)
    }

    /// A file as a stream; how many bytes it has.
    async fn large(&self, exact: Exact, line: &mut Line<'_>, path: &[u8]) -> Result<u64, Stop> {
        let (feed, mut passed) = sieve(exact);
        let sending = async {
            while let Some(clean) = passed.recv().await {
                self.send(clean?).await;
            }
            Ok(())
        };
        // The first of them to fail ends the other.
        let (bytes, ()) = tokio::try_join!(self.read(line, path, feed), sending)?;
        Ok(bytes)
    }

    /// Reads a file to its end, gone on with over a new connection when the old one is lost.
    async fn read(&self, line: &mut Line<'_>, path: &[u8], feed: mpsc::Sender<Rope>) -> Result<u64, Stop> {
        let (handle, attrs) = line.sftp.open_to_read(path).await?;
        // What is appended meanwhile does not belong to it; a file of /proc has no size.
        let end = attrs.size.filter(|size| *size > 0).unwrap_or(u64::MAX);
        let mut reading = Reading::new(&line.sftp, handle, 0, end).await;
        loop {
            match reading.some().await {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    self.book.add(piece.len() as u64);
                    // The sieve closed itself: it found a secret.
                    feed.send(piece).await.map_err(|_| Stop::Secret)?;
                }
                Err(error) if error.is_lost() => {
                    line.again(&error.to_string()).await?;
                    let (handle, now) = line.sftp.open_to_read(path).await?;
                    if (now.size, now.mtime()) != (attrs.size, attrs.mtime()) {
                        return Err(changed(path).into());
                    }
                    reading = Reading::new(&line.sftp, handle, reading.at(), end).await;
                }
                Err(error) => return Err(error.failure("read", &shown(path)).into()),
            }
        }
        if end != u64::MAX && reading.at() != end {
            return Err(changed(path).into());
        }
        let _ = line.sftp.start_close(reading.handle()).await;
        Ok(reading.at())
    }
}

/// The detector in a thread of its own: it looks at a piece while the next ones arrive and the ones before it
/// leave, and holds up no other operation of the helper. Closes after the first secret, or when its feed has ended
/// and the rest is out.
fn sieve(mut exact: Exact) -> (mpsc::Sender<Rope>, mpsc::Receiver<Result<Clean, SecretFound>>) {
    let (feed, mut pieces) = mpsc::channel::<Rope>(PIECES);
    let (clean, passed) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        while let Some(piece) = pieces.blocking_recv() {
            let looked = exact.push_rope(piece);
            let found = looked.is_err();
            if clean.blocking_send(looked).is_err() || found {
                return;
            }
        }
        // Nobody takes it when the download failed.
        let _ = clean.blocking_send(exact.finish());
    });
    (feed, passed)
}

pub fn changed(path: &[u8]) -> Failure {
    Failure::new(
        ErrorCode::HashMismatch,
        format!("{} changed while it was being read", shown(path)),
        "call again when nobody writes to it",
    )
}
