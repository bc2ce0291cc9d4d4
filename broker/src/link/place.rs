//! Where the helper's sockets are, and who may sit behind them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use nix::unistd::{Uid, User};

use super::{Porter, unavailable};
use sallyport_protocol::Failure;

/// The runtime directory that holds both sockets.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory.
    pub directory: PathBuf,
    /// Whether a helper may be started when none listens there.
    pub autostart: bool,
    /// Whose helper is believed.
    pub trust: Trust,
    /// Who connects and starts helpers for this process, when it cannot itself.
    pub porter: Option<Arc<Porter>>,
}

impl Place {
    /// The place the environment names: `$SALLYPORT_RUNTIME_DIR`, else
    /// `$XDG_RUNTIME_DIR/sallyport`, else `/run/sallyport`.
    pub fn from_env(trust: Trust) -> Self {
        Self {
            directory: runtime_directory(|name| std::env::var_os(name)),
            autostart: std::env::var_os("SALLYPORT_NO_AUTOSTART").is_none_or(|v| v.is_empty() || v == "0"),
            trust,
            porter: None,
        }
    }

    /// A socket in this place.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// The runtime directory, given a way to read the environment.
fn runtime_directory(env: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let set = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SALLYPORT_RUNTIME_DIR")
        .or_else(|| set("XDG_RUNTIME_DIR").map(|dir| dir.join("sallyport")))
        .unwrap_or_else(|| PathBuf::from("/run/sallyport"))
}

/// Whose helper is believed: our own user's, root's (systemd holds the
/// listening sockets of a service), and the service account's when one is set.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The service account, from `helper_user`.
    helper: Option<Uid>,
}

impl Trust {
    /// Believes the service account of this name or number too. It is looked up now: a broker that is locked in
    /// cannot read the user database.
    pub fn new(helper_user: Option<&str>) -> Self {
        let look_up = |name: &str| match name.parse() {
            Ok(number) => Some(Uid::from_raw(number)),
            Err(_) => User::from_name(name).ok().flatten().map(|user| user.uid),
        };
        Self { helper: helper_user.and_then(look_up) }
    }

    /// Whether a helper of this uid is believed.
    ///
    /// # Errors
    /// `helper_unavailable` when it is not, naming both users.
    pub fn check(&self, uid: Uid) -> Result<(), Failure> {
        if uid == Uid::effective() || uid.is_root() || self.helper == Some(uid) {
            return Ok(());
        }
        Err(unavailable(
            format!("the helper's socket belongs to user {uid}, who is neither you nor root"),
            "if that is the service account, name it as `helper_user` in sallyport.toml",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(pairs: &[(&str, &str)]) -> PathBuf {
        runtime_directory(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
    }

    #[test]
    fn the_runtime_directory_is_the_first_one_the_environment_names() {
        let xdg = ("XDG_RUNTIME_DIR", "/run/user/7");
        assert_eq!(directory(&[("SALLYPORT_RUNTIME_DIR", "/a"), xdg]), PathBuf::from("/a"));
        assert_eq!(directory(&[xdg]), PathBuf::from("/run/user/7/sallyport"));
        assert_eq!(directory(&[]), PathBuf::from("/run/sallyport"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(
            directory(&[("SALLYPORT_RUNTIME_DIR", ""), ("XDG_RUNTIME_DIR", "")]),
            PathBuf::from("/run/sallyport")
        );
    }

    #[test]
    fn a_stranger_behind_the_socket_is_refused_unless_configured() {
        let stranger = Uid::from_raw(Uid::effective().as_raw() + 4242);
        let failure = Trust::default().check(stranger).unwrap_err();
        assert_eq!(failure.code, sallyport_protocol::ErrorCode::HelperUnavailable);
        assert!(Trust::new(Some(&stranger.to_string())).check(stranger).is_ok());
        assert!(Trust::new(Some("no such user")).check(stranger).is_err());
    }

    #[test]
    fn our_own_helper_and_roots_are_believed() {
        assert!(Trust::default().check(Uid::effective()).is_ok());
        assert!(Trust::default().check(Uid::from_raw(0)).is_ok());
    }
}
