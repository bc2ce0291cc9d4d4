//! From host to host, streamed through the helper: never on a disk here, never to the broker.
//!
//! A copy is held to the same rule as a download: a file with a vault secret in it is refused. Otherwise whoever
//! controls one host of the inventory could have another host's secrets brought there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sallyport_policy::Verdict;
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::list::List;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::transfer::{Copy, Done, Ended, Note};
use sallyport_protocol::{ErrorCode, Failure, Text};
use sha2::{Digest, Sha256};

use super::errand::{Book, Errand, Line};
use super::plan::real_path;
use super::{secret_in_file, tell};
use crate::guard::files::Deed;
use crate::redact::{Clean, SecretFound};
use crate::serve::connection::Operation;
use crate::session::compose::quote;
use crate::session::exec::Early;
use crate::ssh::sftp::SftpError;
use crate::ssh::sftp::bulk::Reading;
use crate::ssh::sftp::landing::{Landed, Landing, Plan};
use crate::ssh::sftp::place::{self, shown};

/// How often progress is told.
const PAUSE: Duration = Duration::from_millis(500);

pub async fn run(op: &mut Operation, caller: &Caller, copy: Copy) -> Result<Outcome, Early> {
    let errand = |target| Errand::new(&op.helper, caller, target, copy.consent, copy.confirmation.clone());
    let (from, to) = (errand(&copy.from_target)?, errand(&copy.to_target)?);
    let (source, destination) = (place::wire(&copy.from_path), place::wire(&copy.to_path));
    from.unless_blocked(&[Deed::read(copy.from_path.as_str())], "copy")?;
    to.unless_blocked(&[Deed::write(copy.to_path.as_str())], "copy")?;
    let mut here = from.connect().await?;
    let mut there = to.connect().await?;

    let mut reads = vec![Deed::read(copy.from_path.as_str())];
    reads.extend(
        real_path(&here.sftp, &source).await.filter(|p| p != copy.from_path.as_str()).map(Deed::read),
    );
    let mut writes = vec![Deed::write(copy.to_path.as_str())];
    writes.extend(
        real_path(&there.sftp, &destination).await.filter(|p| p != copy.to_path.as_str()).map(Deed::write),
    );
    let place = |errand: &Errand, path: &str| format!("{}:{}", errand.target.label(), quote(path));
    let what = format!(
        "copy {} to {}{}",
        place(&from, copy.from_path.as_str()),
        place(&to, copy.to_path.as_str()),
        if copy.overwrite { ", overwriting" } else { "" }
    );
    let binding: [&[u8]; 2] = [b"copy", what.as_bytes()];
    let (reading, writing) = (from.gate(&reads, &what, &binding), to.gate(&writes, &what, &binding));
    let asks = |gate: &crate::guard::files::FileGate<'_>| gate.judge().0.verdict == Verdict::Confirm;
    // One agreement covers both ends, for it names both: the one of the stricter host.
    let ((read_text, read), (write_text, write)) = match (asks(&reading), asks(&writing)) {
        (true, true) if reading.confirmer() <= writing.confirmer() => {
            let granted = reading.grant().map_err(Early)?;
            let by = granted.1.confirmed.clone();
            (granted, writing.grant_with(by).map_err(Early)?)
        }
        (true, true) => {
            let granted = writing.grant().map_err(Early)?;
            let by = granted.1.confirmed.clone();
            (reading.grant_with(by).map_err(Early)?, granted)
        }
        _ => (reading.grant().map_err(Early)?, writing.grant().map_err(Early)?),
    };

    let read_book = from.book("copy_from", &read_text, &read, &here.sftp).await?;
    let write_book = to.book("copy_to", &write_text, &write, &there.sftp).await?;
    let (id, out) = (op.id, op.out.clone());
    let plan = Plan { overwrite: copy.overwrite, ..Plan::default() };
    let mut work = Work {
        here: &mut here,
        there: &mut there,
        book: &write_book,
        progress: &|bytes| tell(&out, id, Note::Progress { bytes }),
    };
    let result = work.all(&from, &source, &destination, plan).await;
    read_book.add(write_book.bytes());
    let result = write_book.close(result).await;
    let (bytes, hash, landed) = read_book.close(result).await?;
    Ok(Outcome::Transferred(Ended::Done(Done {
        files: 1,
        bytes,
        skipped: 0,
        removed: 0,
        sha256: Some(hash),
        remarks: List::clip(landed.lost.into_iter().map(Text::from)),
    })))
}

/// A copy makes no directories.
fn without_parents(failure: Failure) -> Failure {
    match failure.code {
        ErrorCode::MissingParent => {
            Failure { hint: "make it first, with `mkdir -p` in ssh_exec".into(), ..failure }
        }
        _ => failure,
    }
}

struct Work<'a, 'b> {
    here: &'a mut Line<'b>,
    there: &'a mut Line<'b>,
    book: &'a Book,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Work<'_, '_> {
    async fn all(
        &mut self,
        from: &Errand,
        source: &[u8],
        destination: &[u8],
        plan: Plan,
    ) -> Result<(u64, [u8; 32], Landed), Failure> {
        let (handle, attrs) = self.here.sftp.open_to_read(source).await?;
        let landing = Landing::begin(&self.there.sftp, destination, plan, &self.book.unique()).await;
        let mut landing = landing.map_err(without_parents)?;
        let end = attrs.size.filter(|size| *size > 0).unwrap_or(u64::MAX);
        let mut reading = Reading::new(&self.here.sftp, handle, 0, end).await;
        let mut exact = from.helper.redactor.exact();
        let (mut hash, mut bytes, mut told) = (Sha256::new(), 0, Instant::now());
        let failed = loop {
            let clean = match reading.next().await {
                Ok(Some(piece)) => exact.push(&piece),
                Ok(None) => break None,
                Err(error) if error.is_lost() => {
                    self.here.again(&error.to_string()).await?;
                    let (handle, now) = self.here.sftp.open_to_read(source).await?;
                    if (now.size, now.mtime()) != (attrs.size, attrs.mtime()) {
                        break Some(super::download::changed(source));
                    }
                    reading = Reading::new(&self.here.sftp, handle, reading.at(), end).await;
                    continue;
                }
                Err(error) => break Some(error.failure("read", &shown(source))),
            };
            let Ok(clean) = clean else { break Some(secret_in_file(&shown(source))) };
            hash.update(clean.as_bytes());
            bytes += clean.len() as u64;
            self.book.add(clean.len() as u64);
            if let Err(failure) = self.write(&mut landing, clean).await {
                break Some(failure);
            }
            if told.elapsed() >= PAUSE {
                told = Instant::now();
                (self.progress)(bytes);
            }
        };
        let failed = match failed {
            Some(failure) => Some(failure),
            None if end != u64::MAX && reading.at() != end => Some(super::download::changed(source)),
            None => match exact.finish() {
                Err(SecretFound) => Some(secret_in_file(&shown(source))),
                Ok(rest) => {
                    hash.update(rest.as_bytes());
                    bytes += rest.len() as u64;
                    self.book.add(rest.len() as u64);
                    self.write(&mut landing, rest).await.err()
                }
            },
        };
        match failed {
            Some(failure) => {
                landing.discard().await;
                Err(failure)
            }
            None => Ok((bytes, hash.finalize().into(), landing.land().await?)),
        }
    }

    async fn write(&mut self, landing: &mut Landing, clean: Clean) -> Result<(), Failure> {
        let mut written: Result<(), SftpError> = landing.writing.push(clean.into_vec()).await;
        while let Err(error) = &written
            && error.is_lost()
        {
            let why = error.to_string();
            self.there.again(&why).await?;
            written = match landing.resume(&self.there.sftp).await {
                Ok(()) => landing.writing.push(Bytes::new()).await,
                Err(error) => Err(error),
            };
        }
        match written {
            Ok(()) => Ok(()),
            Err(error) => Err(landing.explain(&error).await),
        }
    }
}
