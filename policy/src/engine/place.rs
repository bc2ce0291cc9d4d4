//! Where a path leads, and what writing or deleting there means.

use super::Engine;
use super::arg::{Arg, HOME, UNKNOWN};
use super::facts::Finding;
use crate::config::glob;
use crate::state::{Cwd, Link};
use crate::tables::places;
use crate::verdict::Verdict;

/// A path in normal form: components without `.`, `..` and doubled slashes.
pub(super) struct Path {
    pub(super) absolute: bool,
    pub(super) parts: Vec<String>,
}

impl Path {
    /// Normalises a path as seen from `cwd`. `/home/NAME`, `/root` and `~` become one home mark.
    pub(super) fn new(text: &str, cwd: &Cwd) -> Self {
        let joined = joined(text, cwd);
        let absolute = joined.starts_with(['/', HOME]);
        let mut parts: Vec<String> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." if absolute
                    && parts.first().is_some_and(|first| first.starts_with(HOME))
                    && parts.len() == 1 =>
                {
                    parts = vec!["home".to_owned()];
                }
                ".." if absolute || parts.last().is_some_and(|last| last != "..") => {
                    parts.pop();
                }
                part => parts.push(part.to_owned()),
            }
        }
        // Another process's root is this system's, most likely.
        if absolute && parts.len() > 2 && parts[0] == "proc" && parts[2] == "root" {
            parts.drain(..3);
        }
        if absolute {
            let homes = match (parts.first().map(String::as_str), parts.get(1).map(String::as_str)) {
                (Some("root"), _) => 1,
                (Some("home" | "Users"), Some(name)) if !name.contains(['*', '?', '[']) => 2,
                _ => 0,
            };
            if homes > 0 {
                parts.splice(..homes, [HOME.to_string()]);
            }
        }
        Self { absolute, parts }
    }

    /// Where the path leads as well, when it goes up from where a session begins: that is a home, and how far it lies below
    /// the root is not known (`../dev/sda` for root, `../../dev/sda` for others).
    pub(super) fn above(text: &str, cwd: &Cwd) -> Option<Self> {
        // bash puts a home in `of=~/x` too.
        let expanded = text.strip_prefix("~/").map(|rest| format!("{HOME}/{rest}"));
        let text = expanded.as_deref().unwrap_or(text);
        let seen = Self::new(text, cwd);
        let parts = if seen.absolute {
            // Root's own.
            Self::new(&joined(text, cwd).strip_prefix(HOME).map(|rest| format!("/root{rest}"))?, &Cwd::Start)
                .parts
        } else {
            let up = seen.parts.iter().take_while(|part| *part == "..").count();
            if up == 0 { return None } else { seen.parts[up..].to_vec() }
        };
        (!parts.is_empty() && parts != seen.parts)
            .then(|| Self::new(&format!("/{}", parts.join("/")), &Cwd::Start))
    }

    /// The path as one text, the same for the same place.
    pub(super) fn key(&self) -> String {
        key(&self.parts, self.absolute)
    }

    fn part(&self, at: usize) -> &str {
        self.parts.get(at).map_or("", String::as_str)
    }

    /// Whether the files right here, without those below, are what the system runs by.
    pub(super) fn is_system_tree(&self) -> bool {
        let system = ["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "sbin", "sys", "usr"];
        self.is_root_tree() && (self.parts.first().is_some_and(|first| system.contains(&first.as_str())))
    }

    /// Whether deleting the tree here would take the system, all homes or a whole home with it.
    pub(super) fn is_root_tree(&self) -> bool {
        if !self.absolute {
            // So far up that it ends at the root from where people usually stand.
            return self.parts.len() >= 4 && self.parts.iter().all(|part| part == ".." || is_star(part));
        }
        let mut parts = &self.parts[..];
        let mut stars = false;
        while let Some((last, rest)) = parts.split_last()
            && is_star(last)
        {
            parts = rest;
            stars = true;
        }
        match parts {
            [] => true,
            [one] if one.starts_with(HOME) => true,
            [one] if one.contains(UNKNOWN) && !stars => true,
            // `@` is what distributions call the root's subvolume.
            [one] => one.starts_with('@') || places::ROOTS.iter().any(|root| matches_glob(one, root)),
            [one, two] => {
                places::SECOND.iter().any(|(first, second)| one == first && matches_glob(two, second))
            }

            _ => {
                let whole = parts.join("/");
                places::TREES.iter().any(|tree| matches_glob(&whole, tree))
            }
        }
    }
}

/// A component that matches everything, or everything hidden.
fn is_star(part: &str) -> bool {
    // zsh says behind a pattern which files it means: `*(D)`.
    let part = part.strip_suffix(')').and_then(|part| part.split_once('(')).map_or(part, |(stars, _)| stars);
    part.contains('*') && part.chars().all(|c| "*?.[]!^".contains(c))
}

/// A path as it is written, seen from `cwd`.
fn joined(text: &str, cwd: &Cwd) -> String {
    match cwd {
        Cwd::At(dir) if !text.starts_with(['/', HOME, UNKNOWN]) => format!("{dir}/{text}"),
        _ => text.to_owned(),
    }
}

fn matches_glob(pattern: &str, name: &str) -> bool {
    pattern == name
        || (pattern.contains(['*', '?', '[']) && {
            let open: String = pattern.split_inclusive('[').map(|piece| piece.replace('[', "*")).collect();
            let head = pattern.split(['*', '?', '[']).next().unwrap_or("");
            name.starts_with(head) && glob(if pattern.contains('[') { cut_class(&open) } else { &open }, name)
        })
}

/// A bracket class may match anything: what follows it is not compared.
fn cut_class(pattern: &str) -> &str {
    pattern.find(']').map_or(pattern, |at| &pattern[..pattern[..at].rfind('*').map_or(0, |star| star + 1)])
}

/// Paths that take output and keep nothing.
pub(super) fn is_sink(path: &str) -> bool {
    matches!(
        path,
        "/dev/null"
            | "/dev/stdout"
            | "/dev/stderr"
            | "/dev/tty"
            | "/dev/full"
            | "/dev/fd/1"
            | "/dev/fd/2"
            | "-"
    ) || path == "/dev/fd/63"
}

/// Whether a path under `/dev` is a disk, its partition, or memory.
fn is_raw_device(name: &str) -> bool {
    let name = name.trim_start_matches('/');
    name.contains(UNKNOWN)
        || places::RAW_DEVICES.iter().any(|prefix| name.starts_with(prefix))
        || (name.contains(['*', '?', '[']) && {
            let head = name.split(['*', '?', '[']).next().unwrap_or("");
            places::RAW_DEVICES.iter().any(|prefix| prefix.starts_with(head))
        })
}

impl Engine<'_> {
    /// The path of an argument, seen from the working directory, through links on the way to it.
    pub(super) fn path(&self, text: &str) -> Path {
        // A slash at the end stands for what a link leads to.
        self.follow(Path::new(text, &self.shell.cwd), text.ends_with('/'))
    }

    /// Follows links: those on the way, and the last one too (`whole`), as opening a file does.
    fn follow(&self, mut path: Path, whole: bool) -> Path {
        // A chain longer than a system follows ends in an error there.
        for _ in 0..if self.shell.links.is_empty() { 0 } else { 8 } {
            let found = (1..=path.parts.len()).find_map(|length| {
                let link = self.shell.links.get(&key(&path.parts[..length], path.absolute))?;
                (whole || link.mount || length < path.parts.len()).then_some((length, link))
            });
            let Some((length, link)) = found else { break };
            let rest = path.parts[length..].join("/");
            path = Path::new(&format!("{}/{rest}", link.to), &Cwd::Start);
        }
        path
    }

    /// Remembers that a name leads elsewhere.
    pub(super) fn link(&mut self, name: &str, to: &Arg) {
        if to.is_unknown() {
            return;
        }
        let target = self.path(&to.text);
        self.shell.links.insert(self.file_key(name), Link { to: target.key(), mount: false });
    }

    /// See [`Path::above`]. From anywhere, `../lib` is a neighbour.
    fn above(&self, arg: &Arg) -> Option<Path> {
        Path::above(&arg.text, &self.shell.cwd).filter(|_| self.shell.cwd != Cwd::Anywhere)
    }

    /// Whether a recursive delete or change at this argument is a catastrophe.
    pub(super) fn is_root_tree(&self, arg: &Arg) -> bool {
        self.path(&arg.text).is_root_tree() || self.above(arg).is_some_and(|above| above.is_root_tree())
    }

    /// What creating, overwriting or editing this file means.
    pub(super) fn write_to(&self, arg: &Arg) -> Finding {
        if is_sink(&arg.text) {
            return Finding::ALLOW;
        }
        // A file that was found below a directory of the project's.
        let found =
            arg.text.len() > 2 && arg.text.ends_with("/\0") && !arg.text.starts_with(['/', HOME, UNKNOWN]);
        if arg.text.starts_with(UNKNOWN) || arg.open && !found {
            return Finding::confirm("unknown-path");
        }
        let path = self.follow(Path::new(&arg.text, &self.shell.cwd), true);
        let found = self.write_at(&path);
        match (Path::above(&arg.text, &self.shell.cwd).map(|above| self.write_at(&above)), &self.shell.cwd) {
            (Some(above), Cwd::Start | Cwd::At(_)) => found.strictest(above),
            // From anywhere, `../lib` is a neighbour. A disk has no such name.
            (Some(above), Cwd::Anywhere) if above.verdict == Verdict::Block => above,
            _ => found,
        }
    }

    fn write_at(&self, path: &Path) -> Finding {
        if let Some(rule) = sensitive(path) {
            return Finding::confirm(rule);
        }
        if !path.absolute {
            return Finding::ALLOW;
        }
        let rest = path.parts.get(1..).unwrap_or_default().join("/");
        match path.part(0) {
            "" => Finding::confirm("system-path"),
            "dev" => match rest.split('/').next().unwrap_or("") {
                "shm" | "pts" | "fd" | "mqueue" => Finding::ALLOW,
                "tcp" | "udp" => Finding::confirm("network-socket"),
                _ if is_raw_device(&rest) => Finding::block("raw-device"),
                _ => Finding::confirm("device"),
            },
            "proc" if rest == "sysrq-trigger" => Finding::block("sysrq"),
            "proc" | "sys" => Finding::confirm("kernel-setting"),
            "var" if rest == "tmp" || rest.starts_with("tmp/") => Finding::ALLOW,
            "var" if rest == "log" || rest.starts_with("log/") => Finding::confirm("logs"),
            first if places::SYSTEM.iter().any(|dir| matches_glob(first, dir)) => {
                Finding::confirm("system-path")
            }
            first if first.contains(UNKNOWN) => Finding::confirm("unknown-path"),
            _ => Finding::ALLOW,
        }
    }

    /// What reading this file means: allowed, and named when it holds secrets.
    pub(super) fn read_from(&self, arg: &Arg) -> Finding {
        let path = self.path(&arg.text);
        let whole = path.parts.join("/");
        if path.absolute && whole.starts_with("dev/watchdog") {
            return Finding::confirm("device");
        }
        let secret = places::SECRETS.iter().any(|pattern| glob(pattern, &whole));
        if secret { Finding::note("secret-read") } else { Finding::ALLOW }
    }

    /// The content of a file this session wrote, where it is known.
    pub(super) fn file_content(&self, path: &str) -> Option<String> {
        self.shell.files.get(&self.file_key(path)).cloned().flatten()
    }

    /// Whether this session wrote the file with content that nobody has judged, or brought a tree it lies in.
    pub(super) fn wrote(&self, path: &str) -> bool {
        if self.shell.files.is_empty() {
            return false;
        }
        let path = self.path(path);
        let brought = |length| self.shell.files.contains_key(&key(&path.parts[..length], path.absolute));
        let build = path.parts.last().is_some_and(|name| places::BUILD_ENTRIES.contains(&name.as_str()));
        self.shell.files.contains_key(&path.key()) || !build && (0..path.parts.len()).any(brought)
    }

    /// Whether the system neither starts nor lets anyone in without this file.
    pub(super) fn is_vital(&self, arg: &Arg) -> bool {
        let path = self.follow(Path::new(&arg.text, &self.shell.cwd), true);
        let vital = |path: &Path| {
            let whole = path.parts.join("/");
            path.absolute && places::VITAL.iter().any(|pattern| glob(pattern, &whole))
        };
        vital(&path) || self.above(arg).as_ref().is_some_and(vital)
    }

    /// Whether the path lies where everybody may put things for a while.
    pub(super) fn is_scratch(&self, path: &str) -> bool {
        let path = self.path(path);
        path.absolute
            && matches!(
                path.parts.iter().map(String::as_str).collect::<Vec<_>>()[..],
                ["tmp", ..] | ["var", "tmp", ..] | ["dev", "shm", ..]
            )
    }

    /// What emptying this file means: nothing for one that this session made, or below a directory for such.
    pub(super) fn emptied(&self, arg: &Arg) -> Finding {
        let scratch = self.is_scratch(&arg.text);
        if self.is_vital(arg) {
            Finding::block("vital-file")
        } else if is_sink(&arg.text) || scratch || self.wrote(&arg.text) {
            Finding::ALLOW
        } else {
            Finding::confirm("truncate")
        }
    }

    /// Remembers what a file holds now.
    pub(super) fn keep_file(&mut self, path: &str, content: Option<String>, append: bool) {
        let key = self.file_key(path);
        let content = if append {
            match (self.shell.files.get(&key), content) {
                (Some(Some(old)), Some(new)) => Some(format!("{old}{new}")),
                // What stood there before is not known; what follows it is.
                (None, Some(new)) => Some(format!("{UNKNOWN}\n{new}")),
                _ => None,
            }
        } else {
            content
        };
        self.shell.files.insert(key, content.filter(|text| text.len() <= 8 * 1024));
    }

    fn file_key(&self, path: &str) -> String {
        self.path(path).key()
    }
}

fn key(parts: &[String], absolute: bool) -> String {
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

/// Files whose content runs later or decides who may log in.
fn sensitive(path: &Path) -> Option<&'static str> {
    let whole = path.parts.join("/");
    let hit = places::SENSITIVE.iter().find(|(pattern, _)| {
        glob(pattern, &whole)
            || pattern.strip_prefix("*/").is_some_and(|tail| glob(tail, &whole))
            || pattern.strip_prefix("\u{2}/").is_some_and(|tail| !path.absolute && glob(tail, &whole))
    });
    hit.map(|(_, rule)| *rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> bool {
        Path::new(text, &Cwd::Start).is_root_tree()
    }

    #[test]
    fn roots_are_roots_however_they_are_spelt() {
        for text in [
            "/",
            "//",
            "/.",
            "/..",
            "/../",
            "/*",
            "/.*",
            "/etc",
            "/etc/",
            "/etc/*",
            "/usr/../etc",
            "/e*",
            "/???",
            "/[a-z]*",
            "\u{2}",
            "\u{2}/",
            "\u{2}/*",
            "\u{2}/..",
            "/home",
            "/home/*",
            "/home/bob",
            "/home/bob/",
            "/root",
            "/root/*",
            "/\0",
            "/var/lib",
            "/usr/bin",
            "/usr/lib/*",
        ] {
            assert!(root(text), "{text:?}");
        }
    }

    #[test]
    fn what_goes_up_from_a_home_is_seen_from_the_root_as_well() {
        let above = |text: &str, cwd: &Cwd| Path::above(text, cwd).map(|path| path.key());
        let etc = Cwd::At("../etc".into());
        for (text, cwd, expected) in [
            ("../dev/sda", &Cwd::Start, "/dev/sda"),
            ("../../dev/sda", &Cwd::Start, "/dev/sda"),
            ("a/../../etc/x", &Cwd::Start, "/etc/x"),
            ("passwd", &etc, "/etc/passwd"),
            ("\u{2}/../etc/x", &Cwd::Start, "/etc/x"),
            ("~/../dev/sda", &Cwd::Start, "/dev/sda"),
            ("../lib/x", &Cwd::Anywhere, "/lib/x"),
        ] {
            assert_eq!(above(text, cwd).as_deref(), Some(expected), "{text}");
        }
        let project = Cwd::At("project".into());
        for (text, cwd) in [
            ("x", &Cwd::Start),
            ("..", &Cwd::Start),
            ("a/../b", &Cwd::Start),
            ("../lib/x", &project),
            ("/etc/x", &Cwd::Start),
            ("../x", &Cwd::At("/srv/app".into())),
            ("\u{2}/x", &Cwd::Start),
        ] {
            assert_eq!(above(text, cwd), None, "{text}");
        }
    }

    #[test]
    fn ordinary_trees_are_not_roots() {
        for text in [
            "build",
            "*",
            ".",
            "/tmp/x",
            "/home/bob/src",
            "/var/tmp/a",
            "/srv/app/old",
            "/usr/local/x/y",
            "\u{2}/x",
        ] {
            assert!(!root(text), "{text:?}");
        }
    }

    #[test]
    fn a_relative_path_is_seen_from_the_working_directory() {
        assert!(Path::new("*", &Cwd::At("/".into())).is_root_tree());
        assert!(Path::new("..", &Cwd::At("/etc".into())).is_root_tree());
        assert!(!Path::new("x", &Cwd::At("/srv/app".into())).is_root_tree());
    }
}
