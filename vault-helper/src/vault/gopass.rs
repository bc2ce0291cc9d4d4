//! gopass's configuration: only where its root store and its mounts are.
//!
//! Two formats are in use. From 1.15 on, `config` in the style of git; before that `config.yml`, with paths
//! at the top (1.9 to 1.14) or one level down and in URL form (1.8 and older). Both are read line by line:
//! the keys that matter are plain scalars at fixed places, and a line that is not understood is skipped.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::locate::{Mount, expand_home};

/// Largest configuration that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 256 * 1024;

/// What gopass's configuration says about stores.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GopassConfig {
    /// The root store.
    pub(super) root: Option<PathBuf>,
    /// The mounts, in the file's order.
    pub(super) mounts: Vec<Mount>,
}

/// Reads `config`, else `config.yml`, in gopass's configuration directory; missing files are no stores.
pub(super) fn read_config(directory: &Path, home: &Path) -> GopassConfig {
    if let Some(text) = read_bounded(&directory.join("config")) {
        return from_entries(git_style(&text), home);
    }
    match read_bounded(&directory.join("config.yml")) {
        Some(text) => from_entries(yaml_style(&text), home),
        None => GopassConfig::default(),
    }
}

fn read_bounded(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(MAX_CONFIG_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// A store's path: of the root store when `mount` is none.
struct Place {
    mount: Option<String>,
    path: String,
}

fn from_entries(places: Vec<Place>, home: &Path) -> GopassConfig {
    let mut config = GopassConfig::default();
    for Place { mount, path } in places {
        // 1.8 and older wrote `gpgcli-gitcli-fs+file:///home/...`.
        let path = path.split_once("file://").map_or(path.as_str(), |(_, path)| path);
        let path = expand_home(Path::new(path), home);
        if !path.is_absolute() {
            continue;
        }
        match mount {
            None => config.root = config.root.or(Some(path)),
            Some(name) => {
                let prefix = PathBuf::from(name.trim_matches('/'));
                let plain = prefix.components().all(|part| matches!(part, Component::Normal(_)));
                if plain && prefix.components().next().is_some() {
                    config.mounts.push(Mount { prefix, path });
                }
            }
        }
    }
    config
}

/// `[mounts]` with `path = ...` for the root, `[mounts "name"]` for the others.
fn git_style(text: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let mut section: Option<Option<String>> = None;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = match header.split_once(char::is_whitespace) {
                None if header.eq_ignore_ascii_case("mounts") => Some(None),
                Some((name, label)) if name.eq_ignore_ascii_case("mounts") => Some(Some(unquote(label))),
                _ => None,
            };
        } else if let (Some(mount), Some((key, value))) = (&section, line.split_once('='))
            && key.trim().eq_ignore_ascii_case("path")
        {
            places.push(Place { mount: mount.clone(), path: unquote(value) });
        }
    }
    places
}

/// `path: ...` at the top or under `root:`; `name: ...` or `name:` with `path: ...` under `mounts:`.
fn yaml_style(text: &str) -> Vec<Place> {
    let mut places = Vec::new();
    // The keys above the current line, with the indentation of each.
    let mut above: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let bare = line.trim();
        let indent = line.len() - line.trim_start().len();
        let Some((key, value)) = bare.split_once(':').filter(|_| !bare.starts_with('#')) else { continue };
        above.retain(|(depth, _)| *depth < indent);
        let parents: Vec<&str> = above.iter().map(|(_, key)| key.as_str()).collect();
        let (key, value) = (unquote(key), unquote(value));
        if value.is_empty() {
            above.push((indent, key));
            continue;
        }
        let mount = match (parents.as_slice(), key.as_str()) {
            ([] | ["root"], "path") => None,
            (["mounts"], name) => Some(name.to_owned()),
            (["mounts", name], "path") => Some((*name).to_owned()),
            _ => continue,
        };
        places.push(Place { mount, path: value });
    }
    places
}

fn unquote(text: &str) -> String {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str, text: &str) -> GopassConfig {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), text).unwrap();
        read_config(dir.path(), Path::new("/home/u"))
    }

    fn mount(prefix: &str, path: &str) -> Mount {
        Mount { prefix: prefix.into(), path: path.into() }
    }

    #[test]
    fn the_git_style_configuration_names_root_and_mounts() {
        let config = parsed(
            "config",
            "[core]\n\tpath = /wrong\n[mounts]\n\tpath = /home/u/store\n[mounts \"sallyport/ssh\"]\n\tpath = ~/team\n",
        );
        assert_eq!(config.root, Some("/home/u/store".into()));
        assert_eq!(config.mounts, [mount("sallyport/ssh", "/home/u/team")]);
    }

    #[test]
    fn the_yaml_configuration_names_root_and_mounts() {
        let config = parsed(
            "config.yml",
            "# comment: x\nautoclip: false\npath: /home/u/.password-store\nmounts:\n  sallyport: /srv/team\n",
        );
        assert_eq!(config.root, Some("/home/u/.password-store".into()));
        assert_eq!(config.mounts, [mount("sallyport", "/srv/team")]);
    }

    #[test]
    fn the_oldest_yaml_configuration_has_urls_one_level_down() {
        let config = parsed(
            "config.yml",
            "root:\n  askformore: false\n  path: gpgcli-gitcli-fs+file:///home/u/r\nmounts:\n  team:\n    path: gpgcli-noop-fs+file:///srv/t\n",
        );
        assert_eq!(config.root, Some("/home/u/r".into()));
        assert_eq!(config.mounts, [mount("team", "/srv/t")]);
    }

    #[test]
    fn a_mount_cannot_leave_the_store_and_a_relative_path_is_nothing() {
        let config = parsed(
            "config",
            "[mounts]\npath = relative\n[mounts \"../x\"]\npath = /a\n[mounts \"\"]\npath = /b\n",
        );
        assert_eq!(config, GopassConfig::default());
    }

    #[test]
    fn no_configuration_is_no_store() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_config(dir.path(), Path::new("/home/u")), GopassConfig::default());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_and_no_mount_leaves_the_store(text in "(\\[?mounts( \"[a-z./]{0,6}\")?\\]?|path|root|[ a-z./:=\n]{0,9}){0,12}") {
            for places in [git_style(&text), yaml_style(&text)] {
                let config = from_entries(places, Path::new("/home/u"));
                let inside = |mount: &Mount| mount.prefix.components().all(|part| matches!(part, Component::Normal(_)));
                proptest::prop_assert!(config.mounts.iter().all(inside));
                proptest::prop_assert!(config.root.is_none_or(|root| root.is_absolute()));
            }
        }
    }
}
