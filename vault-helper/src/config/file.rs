//! Reading a file that decides what agents may do. One that somebody else can change decides nothing, as ssh holds it with
//! its own files.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User};

/// A configuration file larger than this is refused, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The text of a configuration file; nothing when there is none.
///
/// # Errors
/// In a sentence without the file's name: it cannot be read, is too large, or others can change it.
pub(super) fn read(file: &Path) -> Result<Option<String>, String> {
    let open = match File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let about = open.metadata().map_err(|error| error.to_string())?;
    if about.len() > MAX_FILE {
        return Err(format!("larger than {MAX_FILE} bytes"));
    }
    if !is_trusted_owner(&about) {
        return Err(
            "it belongs to another user, who could change it; give it to the vault helper's user or root"
                .into(),
        );
    }
    if others_may_change(&about) {
        let mode = about.mode() & 0o7777;
        return Err(format!("others may change it (mode {mode:03o}); chmod go-w {}", file.display()));
    }
    let mut text = String::new();
    open.take(MAX_FILE).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(Some(text))
}

/// Whether it belongs to the helper's own user or root.
pub fn is_trusted_owner(about: &Metadata) -> bool {
    about.uid() == Uid::effective().as_raw() || about.uid() == 0
}

/// Whether its mode lets others write: everybody, or a group that is not the helper's user alone. Where users have a
/// group of their own, files are often made writable for it, and no harm is in that.
pub fn others_may_change(about: &Metadata) -> bool {
    about.mode() & 0o002 != 0 || (about.mode() & 0o020 != 0 && !is_own_group(Gid::from_raw(about.gid())))
}

/// Whether a group is the helper's user's own: its first one, of the same name, with nobody else in it.
fn is_own_group(group: Gid) -> bool {
    let (Ok(Some(group)), Ok(Some(user))) = (Group::from_gid(group), User::from_uid(Uid::effective())) else {
        return false;
    };
    user.gid == group.gid && user.name == group.name && group.mem.iter().all(|member| *member == user.name)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn a_file_that_others_may_change_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        fs::write(&file, "text").unwrap();
        for mode in [0o600, 0o644, 0o444] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&file), Ok(Some("text".into())), "{mode:o}");
        }
        fs::set_permissions(&file, Permissions::from_mode(0o646)).unwrap();
        let refused = read(&file).unwrap_err();
        assert_eq!(refused, format!("others may change it (mode 646); chmod go-w {}", file.display()));
    }

    #[test]
    fn a_group_may_write_only_when_it_is_the_users_own() {
        if !Uid::effective().is_root() {
            return println!("skipped: only root can give a file to another group");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts.toml");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
        assert_eq!(read(&file), Ok(Some(String::new())), "of root's own group");
        let others = Group::from_name("daemon").unwrap().unwrap();
        chown(&file, None, Some(others.gid.as_raw())).unwrap();
        assert!(read(&file).unwrap_err().starts_with("others may change it"), "of daemon's group");
    }

    #[test]
    fn a_file_of_another_user_is_not_read() {
        if !Uid::effective().is_root() {
            return println!("skipped: only root can give a file away");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts.toml");
        fs::write(&file, "").unwrap();
        let other = User::from_name("nobody").unwrap().unwrap();
        chown(&file, Some(other.uid.as_raw()), None).unwrap();
        assert!(read(&file).unwrap_err().starts_with("it belongs to another user"));
    }

    #[test]
    fn no_file_is_no_text() {
        assert_eq!(read(Path::new("/nonexistent/policy.toml")), Ok(None));
    }
}
