//! What the broker reads of `sallyport.toml`, and where the configuration is.
//!
//! The helper reads the same file and is the one that refuses unknown keys
//! (`sallyport status` shows its complaint); the broker takes its own keys and
//! leaves the rest alone, so that each key has one owner.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sallyport_protocol::{ErrorCode, Failure};
use serde::Deserialize;

/// The broker's keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The service account whose helper is believed, by name or number.
    pub helper_user: Option<String>,
    /// Characters of output in an answer, when the call does not say: at most
    /// [`MOST_ANSWER_CHARS`].
    pub max_answer_chars: u32,
    /// Directories that files may be transferred from and to; without any, the working directory.
    pub transfer_roots: Vec<PathBuf>,
}

/// The most characters of output an answer may hold.
pub const MOST_ANSWER_CHARS: u32 = 200_000;

impl Default for Config {
    fn default() -> Self {
        Self { helper_user: None, max_answer_chars: 20_000, transfer_roots: Vec::new() }
    }
}

impl Config {
    /// Reads `sallyport.toml`; a missing file means defaults.
    ///
    /// # Errors
    /// `invalid_argument` with the file and line when it cannot be understood.
    pub fn load() -> Result<Self, Failure> {
        Self::read(&config_directory().join("sallyport.toml"))
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::new(
                ErrorCode::InvalidArgument,
                format!("{} cannot be used: {what}", path.display()),
                "correct the file; every key in it is optional",
            )
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let config: Self = toml::from_str(&text).map_err(|error| {
                    let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
                    wrong(format!("line {line}: {}", error.message()))
                })?;
                if let Some(relative) = config.transfer_roots.iter().find(|root| root.is_relative()) {
                    return Err(wrong(format!("transfer_roots: {} is no absolute path", relative.display())));
                }
                if (1..=MOST_ANSWER_CHARS).contains(&config.max_answer_chars) {
                    Ok(config)
                } else {
                    Err(wrong(format!("max_answer_chars is from 1 to {MOST_ANSWER_CHARS}")))
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(wrong(error.to_string())),
        }
    }
}

/// The configuration directory: `$SALLYPORT_CONFIG_DIR`, else
/// `$XDG_CONFIG_HOME/sallyport`, else `~/.config/sallyport`, else `/etc/sallyport`.
pub fn config_directory() -> PathBuf {
    directory_from(|name| std::env::var_os(name))
}

/// The state directory: `$SALLYPORT_STATE_DIR`, else `$XDG_STATE_HOME/sallyport`,
/// else `~/.local/state/sallyport`, else `/var/lib/sallyport`.
pub fn state_directory() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SALLYPORT_STATE_DIR")
        .or_else(|| set("XDG_STATE_HOME").map(|dir| dir.join("sallyport")))
        .or_else(|| set("HOME").map(|dir| dir.join(".local/state/sallyport")))
        .unwrap_or_else(|| PathBuf::from("/var/lib/sallyport"))
}

fn directory_from(env: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let set = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SALLYPORT_CONFIG_DIR")
        .or_else(|| set("XDG_CONFIG_HOME").map(|dir| dir.join("sallyport")))
        .or_else(|| set("HOME").map(|dir| dir.join(".config/sallyport")))
        .unwrap_or_else(|| PathBuf::from("/etc/sallyport"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sallyport.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn the_helpers_keys_are_left_to_the_helper() {
        let config = parsed("unlock_window_s = 60\nhelper_user = \"vault\"\n").unwrap();
        assert_eq!(config.helper_user.as_deref(), Some("vault"));
    }

    #[test]
    fn a_missing_file_means_defaults() {
        assert_eq!(Config::read(Path::new("/nonexistent/sallyport.toml")).unwrap(), Config::default());
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_line() {
        let failure = parsed("\n\nhelper_user = 7\n").unwrap_err();
        assert!(failure.message.as_str().contains("line 3"), "{}", failure.message);
    }

    #[test]
    fn an_answer_size_out_of_bounds_is_refused() {
        assert_eq!(parsed("max_answer_chars = 5000").unwrap().max_answer_chars, 5000);
        assert!(parsed("max_answer_chars = 0").is_err());
        assert!(parsed("max_answer_chars = 200001").is_err());
    }

    #[test]
    fn the_configuration_directory_is_the_first_one_the_environment_names() {
        let with = |pairs: &[(&str, &str)]| {
            directory_from(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
        };
        assert_eq!(with(&[("SALLYPORT_CONFIG_DIR", "/c"), ("HOME", "/h")]), PathBuf::from("/c"));
        assert_eq!(with(&[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")]), PathBuf::from("/x/sallyport"));
        assert_eq!(with(&[("HOME", "/h")]), PathBuf::from("/h/.config/sallyport"));
        assert_eq!(with(&[]), PathBuf::from("/etc/sallyport"));
    }
}
