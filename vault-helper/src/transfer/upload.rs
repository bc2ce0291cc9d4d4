//! From the broker's machine to a host.

use bytes::Bytes;
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::list::List;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::transfer::{Change, Deed as Told, Done, Ended, Entry, EntryKind, Note, Transfer};
use sallyport_protocol::{ErrorCode, Failure, Text};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::errand::{Book, Errand, Line};
use super::offer::Incoming;
use super::plan::{Plan, below};
use super::tell;
use super::tree::under;
use crate::guard::files::Deed;
use crate::serve::connection::Operation;
use crate::session::exec::Early;
use crate::ssh::sftp::landing::{self, Landed, Landing};
use crate::ssh::sftp::parent;
use crate::ssh::sftp::place::{self, shown};
use crate::ssh::sftp::{Attrs, Kind, Sftp};

/// Files up to this size are written whole, several at once.
const SMALL: u64 = 128 * 1024;
/// How many at once.
const AT_ONCE: usize = 32;
/// A single file up to this size is on the host's disk before it is put into place.
const DURABLE: u64 = 16 * 1024 * 1024;

pub async fn run(op: &mut Operation, caller: &Caller, upload: Transfer) -> Result<Outcome, Early> {
    let errand =
        Errand::new(&op.helper, caller, &upload.target, upload.consent, upload.confirmation.clone())?;
    let (id, out) = (op.id, op.out.clone());
    let root = place::wire(&upload.path);
    errand.unless_blocked(&[Deed::write(upload.path.as_str())], "upload")?;
    let mut incoming = Incoming::new(&mut op.input);
    let entries = incoming.offer(upload.recursive).await?;
    let mut line = errand.connect().await?;
    let plan = Plan::make(&line, &upload, &root, entries).await?;
    if upload.mirror.as_ref().is_some_and(|mirror| mirror.dry_run) {
        // Nothing is changed: it is what listing the directory is.
        errand.gate(&[Deed::read(upload.path.as_str())], "compare", &[b"compare"]).grant().map_err(Early)?;
        for (number, _) in &plan.send {
            change(&|note| tell(&out, id, note), &below(&plan.entries[*number]), Told::Send);
        }
        for seen in &plan.remove {
            change(&|note| tell(&out, id, note), &seen.path, Told::Remove);
        }
        return Ok(done(&plan, Vec::new()));
    }
    let (text, granted) = plan.pass(&errand, &upload, &line.sftp, &root).await?;
    let book = errand.book("upload", &text, &granted, &line.sftp).await?;
    let work = async {
        make_directories(&line.sftp, &upload, &root, &plan).await?;
        for (from, count) in ranges(&plan) {
            tell(&out, id, Note::Send { from, count });
        }
        tell(&out, id, Note::Go);
        let mut sending = Sending { upload: &upload, root: &root, book: &book, remarks: Vec::new() };
        sending.all(&mut line, &mut incoming, &plan).await?;
        finish(&line.sftp, &upload, &root, &plan).await?;
        for seen in &plan.remove {
            change(&|note| tell(&out, id, note), &seen.path, Told::Remove);
        }
        Ok(sending.remarks)
    };
    let result = work.await;
    let remarks = book.close(result).await?;
    Ok(done(&plan, remarks))
}

fn change(tell: &dyn Fn(Note), path: &[u8], deed: Told) {
    tell(Note::Change(Change { path: Text::clip(shown(path)), deed }));
}

fn done(plan: &Plan, remarks: Vec<&'static str>) -> Outcome {
    Outcome::Transferred(Ended::Done(Done {
        files: u32::try_from(plan.send.len()).unwrap_or(u32::MAX),
        bytes: plan.bytes,
        skipped: plan.skipped,
        removed: u32::try_from(plan.remove.len()).unwrap_or(u32::MAX),
        sha256: None,
        remarks: List::clip(remarks.into_iter().map(Text::from)),
    }))
}

/// The wanted entries as ranges. Directories between files do not part them.
fn ranges(plan: &Plan) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut next = 0;
    for (number, _) in &plan.send {
        let number = u32::try_from(*number).unwrap_or(u32::MAX);
        let files_between = (next..number)
            .any(|n| plan.entries.get(n as usize).is_some_and(|entry| entry.kind == EntryKind::File));
        match ranges.last_mut() {
            Some((from, count)) if !files_between => *count = number - *from + 1,
            _ => ranges.push((number, 1)),
        }
        next = number + 1;
    }
    ranges
}

async fn make_directories(sftp: &Sftp, upload: &Transfer, root: &[u8], plan: &Plan) -> Result<(), Failure> {
    for (number, path) in plan.make.iter().enumerate() {
        let path = under(root, path);
        let made = match number == 0 && upload.create_parents {
            true => sftp.mkdirs(&path).await,
            false => sftp.mkdir(&path).await,
        };
        let Err(error) = made else { continue };
        return Err(match (parent::obstacle(sftp, &path).await, error.is_absent()) {
            (Some(failure), _) => failure,
            (None, true) => Failure::new(
                ErrorCode::MissingParent,
                format!("there is no directory to make {} in", shown(&path)),
                "set create_parents = true to make it",
            ),
            (None, false) => error.failure("make directory", &shown(&path)),
        });
    }
    Ok(())
}

/// The files on their way.
struct Sending<'a> {
    upload: &'a Transfer,
    root: &'a [u8],
    book: &'a Book,
    remarks: Vec<&'static str>,
}

impl Sending<'_> {
    async fn all(
        &mut self,
        line: &mut Line<'_>,
        incoming: &mut Incoming<'_>,
        plan: &Plan,
    ) -> Result<(), Failure> {
        let mut small: JoinSet<Result<Landed, Failure>> = JoinSet::new();
        for (number, old) in &plan.send {
            let entry = &plan.entries[*number];
            let path = under(self.root, &below(entry));
            let how = self.how(entry);
            if self.upload.recursive && entry.size <= SMALL {
                let mut content = Vec::with_capacity(usize::try_from(entry.size).unwrap_or_default());
                while (content.len() as u64) < entry.size {
                    let left = entry.size - content.len() as u64;
                    content.extend_from_slice(&incoming.bytes(left).await.ok_or_else(too_short)?);
                }
                check(entry, || Sha256::digest(&content).into())?;
                self.book.add(entry.size);
                if small.len() >= AT_ONCE {
                    self.landed(small.join_next().await)?;
                }
                small.spawn(write_small(line.sftp.clone(), path, content, *old, how, self.book.unique()));
            } else {
                let landed = self.large(line, incoming, entry, &path, *old, how).await?;
                self.remark(landed);
            }
        }
        while let Some(landed) = small.join_next().await {
            self.landed(Some(landed))?;
        }
        Ok(())
    }

    fn how(&self, entry: &Entry) -> landing::Plan {
        landing::Plan {
            lists: false,
            overwrite: self.upload.overwrite || self.upload.mirror.is_some(),
            create_parents: self.upload.create_parents && !self.upload.recursive,
            mode: self.upload.keep_permissions.then_some(entry.mode & 0o777),
            // A mirror tells by its times what is the same.
            mtime: (self.upload.keep_times || self.upload.mirror.is_some()).then_some(entry.mtime),
            durable: !self.upload.recursive && entry.size <= DURABLE,
        }
    }

    fn landed(
        &mut self,
        landed: Option<Result<Result<Landed, Failure>, tokio::task::JoinError>>,
    ) -> Result<(), Failure> {
        match landed {
            Some(Ok(landed)) => {
                self.remark(landed?);
                Ok(())
            }
            None => Ok(()),
            Some(Err(_)) => Err(Failure::new(ErrorCode::InternalError, "a part of the upload failed", "")),
        }
    }

    fn remark(&mut self, landed: Landed) {
        for lost in landed.lost {
            if !self.remarks.contains(&lost) {
                self.remarks.push(lost);
            }
        }
    }

    /// One file as a stream, gone on with over a new connection when the old one is lost.
    async fn large(
        &self,
        line: &mut Line<'_>,
        incoming: &mut Incoming<'_>,
        entry: &Entry,
        path: &[u8],
        old: Option<Attrs>,
        how: landing::Plan,
    ) -> Result<Landed, Failure> {
        let mut landing = Landing::begin_over(&line.sftp, path, old, how, &self.book.unique()).await?;
        let mut hash = entry.sha256.map(|_| Sha256::new());
        let mut left = entry.size;
        let failed = loop {
            let piece = match left {
                0 => None,
                left => match incoming.bytes(left).await {
                    Some(piece) => Some(piece),
                    None => break too_short(),
                },
            };
            let mut written = match &piece {
                Some(piece) => {
                    left -= piece.len() as u64;
                    self.book.add(piece.len() as u64);
                    if let Some(hash) = &mut hash {
                        hash.update(piece);
                    }
                    landing.writing.push(piece.clone()).await
                }
                None => landing.writing.finish().await,
            };
            while let Err(error) = &written
                && error.is_lost()
            {
                let why = error.to_string();
                line.again(&why).await?;
                written = match landing.resume(&line.sftp).await {
                    Ok(()) if piece.is_some() => landing.writing.push(Bytes::new()).await,
                    Ok(()) => landing.writing.finish().await,
                    Err(error) => Err(error),
                };
            }
            if let Err(error) = written {
                break landing.explain(&error).await;
            }
            if piece.is_none() {
                match check(entry, || hash.unwrap_or_default().finalize().into()) {
                    Ok(()) => return landing.land().await,
                    Err(failure) => break failure,
                }
            }
        };
        landing.discard().await;
        Err(failed)
    }
}

/// Checks a file's content against the entry a person agreed to.
fn check(entry: &Entry, digest: impl FnOnce() -> [u8; 32]) -> Result<(), Failure> {
    match entry.sha256 {
        Some(wanted) if digest() != wanted => Err(Failure::new(
            ErrorCode::HashMismatch,
            "a file changed while it was being sent",
            "call again when nobody writes to it",
        )),
        _ => Ok(()),
    }
}

async fn write_small(
    sftp: Sftp,
    path: Vec<u8>,
    content: Vec<u8>,
    old: Option<Attrs>,
    how: landing::Plan,
    unique: String,
) -> Result<Landed, Failure> {
    let mut landing = Landing::begin_over(&sftp, &path, old, how, &unique).await?;
    if let Err(error) = landing.writing.push(content).await {
        let failure = landing.explain(&error).await;
        landing.discard().await;
        return Err(failure);
    }
    landing.land().await
}

/// Directories' own attributes, and what a mirror removes: once every file is in place.
async fn finish(sftp: &Sftp, upload: &Transfer, root: &[u8], plan: &Plan) -> Result<(), Failure> {
    for seen in &plan.remove {
        let path = under(root, &seen.path);
        let removed = match seen.attrs.kind() {
            Kind::Directory => sftp.rmdir(&path).await,
            _ => sftp.remove(&path).await,
        };
        // A directory that holds what is excluded stays.
        if let Err(error) = removed
            && !error.is_absent()
            && seen.attrs.kind() != Kind::Directory
        {
            return Err(error.failure("remove", &shown(&path)));
        }
    }
    if !(upload.keep_permissions || upload.keep_times) {
        return Ok(());
    }
    for entry in plan.entries.iter().rev().filter(|entry| entry.kind == EntryKind::Directory) {
        let path = under(root, &below(entry));
        let attrs = Attrs {
            mode: upload.keep_permissions.then_some(entry.mode & 0o777),
            times: upload.keep_times.then_some((entry.mtime, entry.mtime)),
            ..Attrs::default()
        };
        sftp.setstat(&path, &attrs)
            .await
            .map_err(|error| error.failure("set the attributes of", &shown(&path)))?;
    }
    Ok(())
}

fn too_short() -> Failure {
    Failure::new(
        ErrorCode::InvalidArgument,
        "the client sent fewer bytes than it announced: a file changed while it was read, or the client stopped",
        "call again when nobody writes to the files",
    )
}
