//! What is below a directory on a host. Links are seen and never followed.

use sallyport_protocol::transfer::MOST_ENTRIES;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::task::JoinSet;

use crate::ssh::sftp::{Attrs, Kind, Sftp, SftpError, place};

/// Directories listed at once.
const AT_ONCE: usize = 16;

/// One thing below the directory.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its path below it.
    pub path: Vec<u8>,
    pub attrs: Attrs,
}

/// Lists `root` and the directories below it that `enter` lets in (by their path below the root), parents first.
pub async fn survey(sftp: &Sftp, root: &[u8], enter: impl Fn(&[u8]) -> bool) -> Result<Vec<Seen>, Failure> {
    let mut waiting = vec![Vec::new()];
    let mut lists: JoinSet<(Vec<u8>, Result<_, SftpError>)> = JoinSet::new();
    let mut seen = Vec::new();
    while !waiting.is_empty() || !lists.is_empty() {
        while lists.len() < AT_ONCE
            && let Some(below) = waiting.pop()
        {
            let (sftp, path) = (sftp.clone(), under(root, &below));
            lists.spawn(async move {
                let names = sftp.list(&path).await;
                (below, names)
            });
        }
        let Some(Ok((directory, names))) = lists.join_next().await else { continue };
        let names = names.map_err(|error| error.failure("list", &place::shown(&under(root, &directory))))?;
        if seen.len() + names.len() > MOST_ENTRIES as usize {
            return Err(too_many());
        }
        for name in names {
            let path =
                if directory.is_empty() { name.name.to_vec() } else { place::join(&directory, &name.name) };
            if path.len() > 4096 {
                return Err(too_many());
            }
            if name.attrs.kind() == Kind::Directory && enter(&path) {
                waiting.push(path.clone());
            }
            seen.push(Seen { path, attrs: name.attrs });
        }
    }
    seen.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(seen)
}

/// A path below a root; the root itself for an empty one.
pub fn under(root: &[u8], below: &[u8]) -> Vec<u8> {
    if below.is_empty() { root.to_vec() } else { place::join(root, below) }
}

pub fn too_many() -> Failure {
    Failure::new(
        ErrorCode::TooLarge,
        format!("there are more than {MOST_ENTRIES} files and directories, or paths longer than 4096 bytes"),
        "transfer it in parts, or as one archive (tar)",
    )
}
