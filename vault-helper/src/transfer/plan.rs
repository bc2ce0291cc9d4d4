//! What an upload has to do: decided, judged and shown before anything is done.

use std::collections::HashMap;

use sallyport_policy::Verdict;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::transfer::{Ended, Entry, EntryKind, Mirror, Transfer};
use sallyport_protocol::{ErrorCode, Failure, name};
use sha2::{Digest, Sha256};

use super::errand::{Errand, Line};
use super::tree::{Seen, survey, under};
use crate::guard::files::Deed;
use crate::guard::gate::Granted;
use crate::hex::hex;
use crate::redact::Redactor;
use crate::session::compose::quote;
use crate::session::exec::Early;
use crate::ssh::sftp::bulk::Reading;
use crate::ssh::sftp::landing::{file_exists, regular};
use crate::ssh::sftp::place::{self, shown};
use crate::ssh::sftp::{Attrs, Kind, Sftp};

/// See the module.
pub struct Plan {
    pub entries: Vec<Entry>,
    /// The files to send, by number of entry, with what is there now.
    pub send: Vec<(usize, Option<Attrs>)>,
    /// Directories to make, parents first.
    pub make: Vec<Vec<u8>>,
    /// What to remove, children first.
    pub remove: Vec<Seen>,
    pub skipped: u32,
    pub bytes: u64,
}

/// The path of an entry below the transfer's path.
pub fn below(entry: &Entry) -> Vec<u8> {
    entry.path.as_ref().map(|path| name::to_bytes(path.as_str())).unwrap_or_default()
}

impl Plan {
    /// Looks at the host and decides.
    pub async fn make(
        line: &Line<'_>,
        upload: &Transfer,
        root: &[u8],
        entries: Vec<Entry>,
    ) -> Result<Self, Failure> {
        let sftp = &line.sftp;
        let there = sftp.look(root).await.or_else(|error| match error.is_lost() {
            true => Err(error.failure("look at", &shown(root))),
            // Whatever it is, the first thing done there tells it better.
            false => Ok(None),
        })?;
        let mut known: HashMap<Vec<u8>, Attrs> = there.map(|attrs| (Vec::new(), attrs)).into_iter().collect();
        let delete = upload.mirror.as_ref().is_some_and(|mirror| mirror.delete);
        let mut extra = Vec::new();
        if upload.recursive && there.is_some_and(|attrs| attrs.kind() == Kind::Directory) {
            let offered: HashMap<Vec<u8>, EntryKind> =
                entries.iter().map(|entry| (below(entry), entry.kind)).collect();
            let excluded = |path: &[u8]| upload.mirror.as_ref().is_some_and(|m| m.excludes(&shown(path)));
            let seen =
                survey(sftp, root, |path| (delete && !excluded(path)) || offered.contains_key(path)).await?;
            for one in seen {
                if !offered.contains_key(&one.path) {
                    if delete && !excluded(&one.path) {
                        extra.push(one);
                    }
                } else {
                    known.insert(one.path, one.attrs);
                }
            }
            extra.reverse();
        }
        let mut plan =
            Self { entries, send: Vec::new(), make: Vec::new(), remove: extra, skipped: 0, bytes: 0 };
        for (number, entry) in plan.entries.iter().enumerate() {
            let path = below(entry);
            let (old, full) = (known.get(&path), under(root, &path));
            match (entry.kind, old) {
                (EntryKind::Directory, None) => plan.make.push(path),
                (EntryKind::Directory, Some(old)) if old.kind() == Kind::Directory => {}
                (EntryKind::Directory, Some(_)) => return Err(not_a_directory(&full)),
                (EntryKind::File, None) => plan.send.push((number, None)),
                (EntryKind::File, Some(old)) => {
                    if old.kind() != Kind::File {
                        regular(&full, old)?;
                    }
                    match &upload.mirror {
                        Some(mirror) if same(sftp, &full, old, entry, mirror).await? => plan.skipped += 1,
                        Some(_) => plan.send.push((number, Some(*old))),
                        None if upload.overwrite => plan.send.push((number, Some(*old))),
                        None => return Err(file_exists(&full)),
                    }
                }
            }
        }
        plan.bytes = plan.send.iter().map(|(number, _)| plan.entries[*number].size).sum();
        Ok(plan)
    }

    /// Everything the host would see done, under the path as given and as the host knows it.
    fn deeds(&self, given: &str, real: Option<&str>) -> Vec<Deed> {
        let roots = [Some(given), real.filter(|real| *real != given)];
        let mut deeds = Vec::new();
        for root in roots.into_iter().flatten() {
            let at = |below: &[u8]| match below {
                b"" => root.to_owned(),
                below => format!("{}/{}", root.trim_end_matches('/'), shown(below)),
            };
            deeds.extend(self.make.iter().map(|path| Deed::make(at(path))));
            deeds.extend(self.send.iter().map(|(n, _)| Deed::write(at(&below(&self.entries[*n])))));
            deeds.extend(self.remove.iter().map(|seen| Deed::remove(at(&seen.path))));
        }
        deeds
    }

    fn what(&self, upload: &Transfer, label: &str) -> String {
        let mut what = match self.entries.as_slice() {
            [Entry { path: None, kind: EntryKind::File, size, sha256, .. }] => {
                let hash = sha256.map(|hash| format!(", sha256 {}", hex(&hash))).unwrap_or_default();
                format!("upload a file of {size} bytes{hash}")
            }
            _ => format!("upload {} files, {} bytes", self.send.len(), self.bytes),
        };
        if !self.remove.is_empty() {
            what.push_str(&format!(", removing {}", self.remove.len()));
        }
        format!("{what}, to {label}:{}", quote(upload.path.as_str()))
    }

    /// Asks the gate.
    pub async fn pass(
        &self,
        errand: &Errand,
        upload: &Transfer,
        sftp: &Sftp,
        root: &[u8],
    ) -> Result<(String, Box<Granted>), Early> {
        let real = real_path(sftp, root).await;
        let deeds = self.deeds(upload.path.as_str(), real.as_deref());
        let what = self.what(upload, &errand.target.label());
        let options = format!(
            "{:?}",
            (upload.recursive, upload.overwrite, upload.keep_permissions, upload.keep_times, &upload.mirror)
        );
        let content = self.digest();
        let binding: [&[u8]; 3] = [b"upload", options.as_bytes(), &content];
        let gate = errand.gate(&deeds, &what, &binding);
        let told = self.send.iter().all(|(number, _)| self.entries[*number].sha256.is_some());
        if !told && !gate.is_closed() && gate.judge().0.verdict == Verdict::Confirm {
            return Err(Outcome::Transferred(Ended::TellContent).into());
        }
        gate.grant().map_err(Early)
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (number, _) in &self.send {
            let entry = &self.entries[*number];
            let path = below(entry);
            hash.update((path.len() as u64).to_le_bytes());
            hash.update(&path);
            hash.update(entry.size.to_le_bytes());
            hash.update(entry.mode.to_le_bytes());
            hash.update(entry.sha256.unwrap_or_default());
        }
        hash.finalize().into()
    }
}

/// Where a path leads, links in its directories followed; none when it cannot be told.
pub async fn real_path(sftp: &Sftp, path: &[u8]) -> Option<String> {
    if let Ok(real) = sftp.realpath(path).await {
        return Some(shown(&real));
    }
    let (parent, name) = place::split(path)?;
    let real = sftp.realpath(&parent).await.ok()?;
    Some(shown(&place::join(&real, &name)))
}

/// Whether a file is the same on both sides.
async fn same(
    sftp: &Sftp,
    path: &[u8],
    old: &Attrs,
    entry: &Entry,
    mirror: &Mirror,
) -> Result<bool, Failure> {
    if old.size != Some(entry.size) {
        return Ok(false);
    }
    match (mirror.by_content, entry.sha256) {
        (false, _) => Ok(old.mtime() == Some(entry.mtime)),
        (true, None) => Ok(false),
        (true, Some(hash)) => Ok(sha256(sftp, path).await? == hash),
    }
}

/// The SHA-256 of a file on the host, to be compared here.
async fn sha256(sftp: &Sftp, path: &[u8]) -> Result<[u8; 32], Failure> {
    hashed(sftp, path, |_| Ok(())).await
}

/// The SHA-256 of a file on the host, to be told. One of a file with a secret would let anybody test guesses of it.
///
/// # Errors
/// `secret_in_file`.
pub async fn sha256_to_tell(sftp: &Sftp, path: &[u8], redactor: &Redactor) -> Result<[u8; 32], Failure> {
    let mut exact = redactor.exact();
    let secret = || super::secret_in_file(&shown(path));
    let hash = hashed(sftp, path, |piece| exact.push(piece).map(drop).map_err(|_| secret())).await?;
    exact.finish().map_err(|_| secret())?;
    Ok(hash)
}

async fn hashed(
    sftp: &Sftp,
    path: &[u8],
    mut look: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<[u8; 32], Failure> {
    let (handle, attrs) = sftp.open_to_read(path).await?;
    let mut hash = Sha256::new();
    let mut reading = Reading::new(sftp, handle.clone(), 0, attrs.size.unwrap_or(u64::MAX)).await;
    while let Some(piece) = reading.next().await.map_err(|error| error.failure("read", &shown(path)))? {
        look(&piece)?;
        hash.update(&piece);
    }
    let _ = sftp.start_close(&handle).await;
    Ok(hash.finalize().into())
}

fn not_a_directory(path: &[u8]) -> Failure {
    Failure::new(
        ErrorCode::FileExists,
        format!("{} is there and is no directory", shown(path)),
        "remove it first, or choose another path; links are not followed",
    )
}
