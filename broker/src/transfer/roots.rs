//! Which local paths may be touched at all.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use sallyport_protocol::name;
use sallyport_protocol::{ErrorCode, Failure};

use super::folder::Folder;
use crate::config::{Config, state_directory};

/// The transfer roots.
#[derive(Debug, Clone)]
pub struct Roots(Vec<PathBuf>);

/// A local path: a root, and the names that lead from it to the path.
#[derive(Debug, Clone)]
pub struct Located {
    root: PathBuf,
    names: Vec<OsString>,
    /// The path as it was given.
    pub given: String,
}

impl Roots {
    /// The roots of the configuration; without any, the working directory.
    ///
    /// # Errors
    /// When the configuration cannot be used, or there is no working directory.
    pub fn load() -> Result<Self, Failure> {
        Self::directories(&Config::load()?).map(Self)
    }

    /// These directories.
    pub fn of(directories: Vec<PathBuf>) -> Self {
        Self(directories)
    }

    /// The directories themselves: what a locked-in broker must be let into. A service has no directory it works
    /// in (it is `/`); its files go through the state directory.
    ///
    /// # Errors
    /// When there is no working directory.
    pub fn directories(config: &Config) -> Result<Vec<PathBuf>, Failure> {
        if !config.transfer_roots.is_empty() {
            return Ok(config.transfer_roots.clone());
        }
        let here = working_directory()?;
        Ok(vec![if here == Path::new("/") { state_directory().join("transfer") } else { here }])
    }

    /// The root of a person's own command: whatever the person may reach. Only the path's last name is opened
    /// without following links.
    ///
    /// # Errors
    /// When the directory it is in is not there.
    pub fn around(path: &Path) -> Result<Located, Failure> {
        let given = name::to_text(path.as_os_str().as_bytes());
        let absolute = working_directory()?.join(path);
        let (parent, last) = match (absolute.parent(), absolute.file_name()) {
            (Some(parent), Some(last)) => (parent, vec![last.to_owned()]),
            // `/`, `..`: a directory by another name than its own.
            _ => (absolute.as_path(), Vec::new()),
        };
        let root = parent.canonicalize().map_err(|error| {
            Failure::new(
                ErrorCode::MissingParent,
                format!("cannot open the directory {}: {error}", parent.display()),
                "make it first",
            )
        })?;
        Ok(Located { root, names: last, given })
    }

    /// Finds the root of a path. Nothing is opened.
    ///
    /// # Errors
    /// `path_outside_root`, with the roots there are.
    pub fn locate(&self, given: &str) -> Result<Located, Failure> {
        let path = PathBuf::from(OsString::from_vec(name::to_bytes(given)));
        if path.as_os_str().is_empty() {
            return Err(Failure::new(ErrorCode::InvalidArgument, "the local path is empty", "name a file"));
        }
        if path.is_relative() {
            let names = plain(&path).ok_or_else(|| self.outside(given))?;
            let root = self.0.first().ok_or_else(|| self.outside(given))?.clone();
            return Ok(Located { root, names, given: given.to_owned() });
        }
        // A link in the root's own path is the operator's: both of its spellings are good.
        let spellings = self.0.iter().flat_map(|root| {
            let real = root.canonicalize().ok();
            [Some((root.clone(), root.clone())), real.map(|real| (real, root.clone()))]
        });
        let absolute = plain(&path).map(|names| PathBuf::from("/").join(names.iter().collect::<PathBuf>()));
        let absolute = absolute.ok_or_else(|| self.outside(given))?;
        spellings
            .flatten()
            .find_map(|(spelling, root)| {
                let below = absolute.strip_prefix(&spelling).ok()?;
                let names = below.iter().map(ToOwned::to_owned).collect();
                Some(Located { root, names, given: given.to_owned() })
            })
            .ok_or_else(|| self.outside(given))
    }

    fn outside(&self, given: &str) -> Failure {
        let roots: Vec<String> = self.0.iter().map(|root| root.display().to_string()).collect();
        Failure::new(
            ErrorCode::PathOutsideRoot,
            format!("{given} is outside the directories that files may be transferred from and to"),
            format!("use a path below {}; `transfer_roots` in sallyport.toml sets them", roots.join(" or ")),
        )
    }
}

fn working_directory() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::new(
            ErrorCode::PathOutsideRoot,
            format!("the working directory cannot be told: {error}"),
            "set `transfer_roots` in sallyport.toml",
        )
    })
}

/// A path's names with `.` and `..` taken away; none when it would lead above its beginning. Links make no
/// difference: they are not followed.
fn plain(path: &Path) -> Option<Vec<OsString>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.to_owned()),
            Component::ParentDir => {
                names.pop()?;
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(names)
}

impl Located {
    /// The folder the path is in, and the path's last name; none for a root itself.
    ///
    /// # Errors
    /// `missing_parent`; `path_outside_root` when a link is on the way.
    pub fn open(&self, create_parents: bool) -> Result<(Folder, Option<OsString>), Failure> {
        let root = Folder::root(&self.root).map_err(|error| self.failure(&error))?;
        let Some((last, above)) = self.names.split_last() else { return Ok((root, None)) };
        let folder = match create_parents {
            true => root.make_all(above),
            false => root.enter(above),
        };
        Ok((folder.map_err(|error| self.parent_failure(&error))?, Some(last.clone())))
    }

    fn parent_failure(&self, error: &std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new(
                ErrorCode::MissingParent,
                format!("the directory of {} is not there", self.given),
                "set create_parents = true to make it",
            ),
            _ => self.failure(error),
        }
    }

    /// What an error of this path means.
    pub fn failure(&self, error: &std::io::Error) -> Failure {
        failure(error, &self.given)
    }

    /// A path below this one, for people.
    pub fn below(&self, path: &str) -> String {
        if path.is_empty() {
            self.given.clone()
        } else {
            format!("{}/{path}", self.given.trim_end_matches('/'))
        }
    }
}

/// What an error about a local path means.
pub fn failure(error: &std::io::Error, path: &str) -> Failure {
    use nix::errno::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw);
    let (code, what, hint) = match errno {
        Some(Errno::ENOENT) => (ErrorCode::FileNotFound, "is not there".to_owned(), "check the local path"),
        Some(Errno::EACCES | Errno::EPERM) => (
            ErrorCode::PermissionDenied,
            "may not be used: permission denied".to_owned(),
            "check the permissions on this machine",
        ),
        // ELOOP is a link where none is followed; ENOTDIR one that stands for a directory.
        Some(Errno::ELOOP | Errno::EXDEV) => (
            ErrorCode::PathOutsideRoot,
            "leads through a symbolic link".to_owned(),
            "links are not followed; name the file itself",
        ),
        Some(Errno::EEXIST) => (
            ErrorCode::FileExists,
            "is there already".to_owned(),
            "set overwrite = true to replace it, or choose another name",
        ),
        Some(Errno::ENOTDIR) => (
            ErrorCode::PathOutsideRoot,
            "leads through something that is no directory".to_owned(),
            "links are not followed; name the directory itself",
        ),
        Some(Errno::ENOSPC) => (
            ErrorCode::QuotaExceeded,
            "cannot be written: the local disk is full".to_owned(),
            "make room on this machine",
        ),
        Some(Errno::EDQUOT) => (
            ErrorCode::QuotaExceeded,
            "cannot be written: the local quota is reached".to_owned(),
            "make room on this machine",
        ),
        Some(Errno::EFBIG) => (
            ErrorCode::QuotaExceeded,
            "cannot be written: it is too large for the file system or the process's limit".to_owned(),
            "see `ulimit -f`",
        ),
        Some(Errno::EISDIR) => (
            ErrorCode::UnsupportedOperation,
            "is a directory".to_owned(),
            "set recursive = true, or name a file",
        ),
        _ => (ErrorCode::InternalError, format!("cannot be used: {error}"), "check the local path"),
    };
    Failure::new(code, format!("{path} {what}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(root: &str, path: &str) -> Result<Vec<OsString>, ErrorCode> {
        Roots(vec![PathBuf::from(root)]).locate(path).map(|found| found.names).map_err(|f| f.code)
    }

    #[test]
    fn a_path_is_below_a_root_or_refused() {
        assert_eq!(below("/w", "a/b"), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(below("/w", "/w/a"), Ok(vec!["a".into()]));
        assert_eq!(below("/w", "./a/../b"), Ok(vec!["b".into()]));
        assert_eq!(below("/w", "/w"), Ok(vec![]));
        for outside in ["../a", "a/../../b", "/", "/wa", "/etc/passwd", "/w/../etc/passwd"] {
            assert_eq!(below("/w", outside), Err(ErrorCode::PathOutsideRoot), "{outside}");
        }
    }

    #[test]
    fn a_name_that_is_not_utf_8_can_be_asked_for() {
        assert_eq!(below("/w", "a\u{efff}"), Ok(vec![OsString::from_vec(b"a\xff".to_vec())]));
    }
}
