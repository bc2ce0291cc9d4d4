//! Why there is no directory to put a file into.

use sallyport_protocol::{ErrorCode, Failure};

use super::channel::Sftp;
use super::packet::Kind;
use super::place::{self, shown};

/// Steps upwards from a directory: more than any real path has.
const STEPS: usize = 256;

/// What `missing_parent` says of a directory: what stands in its way, if something does, else how to have it made.
pub async fn missing(sftp: &Sftp, directory: &[u8]) -> Failure {
    obstacle(sftp, directory).await.unwrap_or_else(|| {
        Failure::new(
            ErrorCode::MissingParent,
            format!("there is no directory {}", shown(directory)),
            "set create_parents = true to make it",
        )
    })
}

/// `missing_parent` for a directory that cannot be made, because it or one above it is something else.
pub async fn obstacle(sftp: &Sftp, directory: &[u8]) -> Option<Failure> {
    let mut path = directory.to_vec();
    for _ in 0..STEPS {
        let (what, hint) = match (sftp.stat(&path).await, sftp.lstat(&path).await) {
            (Ok(there), _) if there.kind() == Kind::Directory => return None,
            (Ok(_), _) => {
                ("is no directory", "choose a path below a directory; ssh_list_dir shows what is there")
            }
            (Err(_), Ok(link)) if link.kind() == Kind::Link => {
                ("is a symbolic link that leads nowhere", "make what it points to, or choose another path")
            }
            _ => match place::split(&path) {
                Some((parent, _)) if parent != b"." => {
                    path = parent;
                    continue;
                }
                _ => return None,
            },
        };
        let sentence = format!("there is no directory {}: {} {what}", shown(directory), shown(&path));
        return Some(Failure::new(ErrorCode::MissingParent, sentence, hint));
    }
    None
}
