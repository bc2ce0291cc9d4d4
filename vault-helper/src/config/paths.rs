//! The three directories of the public interface.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where Sallyport keeps things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `sallyport.toml`, `hosts.toml`, `policy.toml`.
    pub config: PathBuf,
    /// `known_hosts`, the audit log, the helper's own log.
    pub state: PathBuf,
    /// The sockets.
    pub runtime: PathBuf,
    /// The user's home, when there is one.
    pub home: Option<PathBuf>,
}

impl Paths {
    /// From the environment: Sallyport's own variables, then XDG's, then the service account's places.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_lookup(var: impl Fn(&str) -> Option<OsString>) -> Self {
        let home = var("HOME").map(PathBuf::from);
        let place = |own: &str, xdg: &str, below_home: Option<&str>, system: &str| {
            let in_home = || Some(home.as_ref()?.join(below_home?).join("sallyport"));
            var(own)
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(var(xdg)?).join("sallyport")))
                .or_else(in_home)
                .unwrap_or_else(|| PathBuf::from(system))
        };
        Self {
            config: place("SALLYPORT_CONFIG_DIR", "XDG_CONFIG_HOME", Some(".config"), "/etc/sallyport"),
            state: place("SALLYPORT_STATE_DIR", "XDG_STATE_HOME", Some(".local/state"), "/var/lib/sallyport"),
            runtime: place("SALLYPORT_RUNTIME_DIR", "XDG_RUNTIME_DIR", None, "/run/sallyport"),
            home,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(vars: &[(&str, &str)]) -> Paths {
        Paths::from_lookup(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
    }

    #[test]
    fn own_variables_win_over_xdg_and_home() {
        let found = paths(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x"), ("SALLYPORT_CONFIG_DIR", "/own")]);
        assert_eq!(found.config, PathBuf::from("/own"));
        assert_eq!(found.state, PathBuf::from("/h/.local/state/sallyport"));
    }

    #[test]
    fn without_a_home_the_service_places_are_used() {
        let found = paths(&[]);
        assert_eq!(found.config, PathBuf::from("/etc/sallyport"));
        assert_eq!(found.state, PathBuf::from("/var/lib/sallyport"));
        assert_eq!(found.runtime, PathBuf::from("/run/sallyport"));
    }

    #[test]
    fn sockets_never_land_in_the_home_directory() {
        assert_eq!(paths(&[("HOME", "/h")]).runtime, PathBuf::from("/run/sallyport"));
    }
}
