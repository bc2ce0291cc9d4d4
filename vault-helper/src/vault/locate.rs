//! Where the password store is: our setting, then `pass`'s variable, then gopass, then `pass`'s default.

use std::path::{Path, PathBuf};

use super::gopass::{self, GopassConfig};

/// The parts of the environment that decide where the store is, gathered by the caller so that nothing
/// here reads the process's environment.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    /// The user's home directory (`HOME`).
    pub home: PathBuf,
    /// `PASSWORD_STORE_DIR`, of `pass` and gopass.
    pub password_store_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`; `~/.config` without it.
    pub xdg_config_home: Option<PathBuf>,
    /// `XDG_DATA_HOME`; `~/.local/share` without it.
    pub xdg_data_home: Option<PathBuf>,
    /// `GOPASS_HOMEDIR`, which moves gopass's configuration and data as if it were the home directory.
    pub gopass_homedir: Option<PathBuf>,
}

/// What decided where the store is; shown by `doctor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `store` in `sallyport.toml`.
    Setting,
    /// `PASSWORD_STORE_DIR`.
    Environment,
    /// The root store in gopass's configuration file.
    GopassConfig,
    /// gopass's usual place, `~/.local/share/gopass/stores/root`.
    GopassDefault,
    /// `~/.password-store`.
    PassDefault,
}

/// A gopass mount: what lies below `prefix` is stored in another directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Name inside the store, such as `sallyport/ssh`.
    pub(super) prefix: PathBuf,
    /// The directory with the mounted store, itself a store with its own `.gpg-id`.
    pub(super) path: PathBuf,
}

/// The outcome of the search.
pub(super) struct Located {
    pub(super) root: PathBuf,
    pub(super) mounts: Vec<Mount>,
    pub(super) origin: Origin,
}

/// Finds the store. A place that was named (setting, variable) is taken even when nothing is there, so that
/// the error names it; a place that is only usual is taken when it exists. The last one is always taken.
pub(super) fn locate(setting: Option<&Path>, places: &Locations) -> Located {
    let gopass_home = places.gopass_homedir.as_deref();
    let gopass_config = match gopass_home {
        Some(home) => home.join(".config/gopass"),
        None => places.xdg_config_home.clone().unwrap_or_else(|| places.home.join(".config")).join("gopass"),
    };
    let gopass_data = match gopass_home {
        Some(home) => home.join(".local/share"),
        None => places.xdg_data_home.clone().unwrap_or_else(|| places.home.join(".local/share")),
    };
    let config = gopass::read_config(&gopass_config, gopass_home.unwrap_or(&places.home));
    let usual_gopass = gopass_data.join("gopass/stores/root");

    let configured = config.root.clone();
    let candidates = [
        (Origin::Setting, setting.map(|path| expand_home(path, &places.home)), true),
        (Origin::Environment, places.password_store_dir.clone(), true),
        (Origin::GopassConfig, configured, false),
        (Origin::GopassDefault, Some(usual_gopass.clone()), false),
        (Origin::PassDefault, Some(places.home.join(".password-store")), true),
    ];
    let found = candidates.into_iter().find_map(|(origin, path, named)| {
        let path = path.filter(|path| !path.as_os_str().is_empty())?;
        (named || path.is_dir()).then_some((origin, path))
    });
    let (origin, root) = found.unwrap_or((Origin::PassDefault, places.home.join(".password-store")));
    let mounts = mounts_of(config, &usual_gopass, &root);
    Located { root, mounts, origin }
}

/// gopass's mounts belong to gopass's root store; another store does not have them.
fn mounts_of(config: GopassConfig, usual: &Path, root: &Path) -> Vec<Mount> {
    let gopass_root = config.root.as_deref().unwrap_or(usual);
    if gopass_root != root {
        return Vec::new();
    }
    // The longest prefix first: the first match is the right one.
    let mut mounts = config.mounts;
    mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.components().count()));
    mounts
}

/// `~` and `~/...` in a path that a person wrote into a configuration file.
pub(super) fn expand_home(path: &Path, home: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) if rest.as_os_str().is_empty() => home.to_owned(),
        Ok(rest) => home.join(rest),
        Err(_) => path.to_owned(),
    }
}
