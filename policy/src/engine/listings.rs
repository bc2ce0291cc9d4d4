//! What commands that list things name first: the root's directories, disks, the first process, the accounts' homes.
//!
//! A listing is what stands for sure in it, with one thing more that is not known. That is enough to see that
//! `ls / | sed 's|^|/|' | xargs rm -rf` deletes `/bin`, and that `ps -eo pid= | xargs kill` reaches the first process.

use super::Engine;
use super::arg::{HOME, UNKNOWN};
use crate::tables::places;

/// Two lines that every `/etc/passwd` has in some form.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nsomeone:x:1000:1000:Someone:/home/someone:/bin/bash\n";

impl Engine<'_> {
    /// The listing that a command prints, if it is one of these.
    pub(super) fn listing(&self, name: &str, words: &[&str]) -> Option<String> {
        let cluster = |letter: char| {
            words.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
        };
        let has = |options: &[&str]| words.iter().any(|word| options.contains(word));
        let folders: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
        let lines: Vec<String> = match name {
            "ls" | "dir" | "exa" | "eza" | "lsd" if !cluster('d') => {
                let names = self.names_in(folders.first().unwrap_or(&"."))?;
                let details = if cluster('l') { "drwxr-xr-x 1 root root 1 Jan 1 00:00 " } else { "" };
                names.iter().map(|name| format!("{details}{name}")).collect()
            }
            "tree" | "du" if name == "du" || cluster('f') => {
                let folder = folders.last()?;
                let size = if name == "du" { "4\t" } else { "" };
                let names = self.names_in(folder)?;
                names.iter().map(|name| format!("{size}{}/{name}", folder.trim_end_matches('/'))).collect()
            }
            "df" if has(&["--output=target"]) => vec!["/".to_owned(), "/boot".to_owned()],
            "compgen" if has(&["-G"]) => folders.iter().map(|&word| word.to_owned()).collect(),
            "getent" if folders.first() == Some(&"passwd") && folders.len() == 1 => {
                PASSWD.lines().map(str::to_owned).collect()
            }
            "lsblk" if cluster('n') || has(&["--noheadings"]) => vec!["sda".to_owned()],
            "ps" if has(&["aux", "ax", "axu", "-aux", "auxww"]) || cluster('e') || cluster('A') => {
                let only = words
                    .iter()
                    .any(|word| word.trim_end_matches('=').ends_with("pid") && !word.contains(','));
                vec![if only { "1" } else { "root 1 0.0 0.1 1 1 ? Ss 00:00 0:01 /sbin/init" }.to_owned()]
            }
            "pgrep" if matches!(folders[..], ["." | ".*" | ""]) => vec!["1".to_owned()],
            "pidof" if matches!(folders[..], ["systemd" | "init"]) => return Some("1\n".to_owned()),
            _ => return None,
        };
        Some(lines.iter().map(|line| format!("{line}\n")).chain([format!("{UNKNOWN}\n")]).collect())
    }

    /// Names that matter in a directory that matters.
    fn names_in(&self, folder: &str) -> Option<Vec<&'static str>> {
        let path = self.path(folder);
        if !path.absolute {
            return None;
        }
        match path.parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Some(places::ROOTS.to_vec()),
            ["home" | "Users"] => Some(vec!["someone"]),
            ["proc"] => Some(vec!["1"]),
            [one] if !one.starts_with(HOME) => {
                let names = places::SECOND.iter().filter(|(first, _)| *first == one).map(|(_, name)| *name);
                Some(names.collect()).filter(|names: &Vec<_>| !names.is_empty())
            }
            _ => None,
        }
    }

    /// What is known to stand in a file of the system's own.
    pub(super) fn system_content(path: &str) -> Option<String> {
        (path == "/etc/passwd").then(|| format!("{PASSWD}{UNKNOWN}\n"))
    }
}
