//! Reading `ssh_config(5)` for `host import-ssh-config`: which hosts it describes, and what of that can be kept.
//!
//! As OpenSSH reads it: the first value of a keyword wins, a `Host` line's patterns decide what applies, `Include`
//! stands for the files' text. Nothing is guessed: what has no counterpart here is listed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::hosts_file::NewHost;

/// How deep `Include` may nest (readconf.c).
const MAX_DEPTH: usize = 16;
/// More lines than this are no configuration.
const MAX_LINES: usize = 100_000;

/// A host as the file describes it.
#[derive(Debug)]
pub struct Found {
    /// Its alias.
    pub alias: String,
    /// Its entry.
    pub host: NewHost,
    /// The name its key is known under, when that is not its own.
    pub key_alias: Option<String>,
    /// What has no counterpart, one sentence each.
    pub left: Vec<String>,
}

/// What came of a file.
#[derive(Debug, Default)]
pub struct Import {
    /// Hosts to add, jump hosts before those that need them.
    pub found: Vec<Found>,
    /// Hosts and lines that cannot be carried over at all, one sentence each.
    pub left: Vec<String>,
}

/// One line that applies under some patterns.
#[derive(Debug, Clone)]
struct Setting {
    patterns: Vec<String>,
    keyword: String,
    value: Vec<String>,
}

/// Reads a file and everything it includes. `home` is what `~` stands for.
///
/// # Errors
/// When the file itself cannot be read.
pub fn read(path: &Path, home: &Path) -> std::io::Result<Import> {
    let text = fs::read_to_string(path)?;
    let mut reader = Reader { home, settings: Vec::new(), aliases: Vec::new(), left: Vec::new() };
    reader.text(&text, path, &mut vec!["*".to_owned()], 0);
    Ok(reader.import())
}

struct Reader<'a> {
    home: &'a Path,
    settings: Vec<Setting>,
    aliases: Vec<String>,
    left: Vec<String>,
}

impl Reader<'_> {
    fn text(&mut self, text: &str, path: &Path, patterns: &mut Vec<String>, depth: usize) {
        for (number, line) in text.lines().take(MAX_LINES).enumerate() {
            let words = words(line);
            let Some((keyword, value)) = words.split_first() else { continue };
            match keyword.to_ascii_lowercase().as_str() {
                "host" => {
                    *patterns = value.to_vec();
                    for alias in value.iter().filter(|name| !name.contains(['*', '?', '!'])) {
                        if !self.aliases.contains(alias) {
                            self.aliases.push(alias.clone());
                        }
                    }
                }
                "match" => {
                    self.left.push(format!(
                        "{} line {}: a Match block depends on the moment of a connection and is left out",
                        path.display(),
                        number + 1
                    ));
                    patterns.clear();
                }
                "include" => self.include(value, path, patterns, depth),
                keyword => self.settings.push(Setting {
                    patterns: patterns.clone(),
                    keyword: keyword.to_owned(),
                    value: value.to_vec(),
                }),
            }
        }
    }

    fn include(&mut self, value: &[String], path: &Path, patterns: &[String], depth: usize) {
        if depth >= MAX_DEPTH {
            self.left.push(format!("{}: too many files include each other", path.display()));
            return;
        }
        for name in value {
            let place = match name.strip_prefix("~/") {
                Some(rest) => self.home.join(rest),
                None if name.starts_with('/') => PathBuf::from(name),
                None => self.home.join(".ssh").join(name),
            };
            for file in expanded(&place) {
                match fs::read_to_string(&file) {
                    // A Host line of the included file holds to its end, not beyond.
                    Ok(text) => self.text(&text, &file, &mut patterns.to_vec(), depth + 1),
                    Err(error) => self.left.push(format!("{} cannot be read: {error}", file.display())),
                }
            }
        }
    }

    fn import(self) -> Import {
        let mut import = Import::default();
        for alias in self.aliases.clone() {
            match self.host(&alias, 0) {
                Ok(found) => import.found.extend(found),
                Err(why) => import.left.push(format!("{alias}: {why}")),
            }
        }
        import.left.extend(self.left);
        jumps_first(&mut import);
        import
    }

    /// A host, behind the hops that have no block of their own.
    fn host(&self, alias: &str, depth: usize) -> Result<Vec<Found>, String> {
        if depth > MAX_DEPTH {
            return Err("its jump hosts go round in a circle".into());
        }
        let mut host = NewHost { hostname: alias.to_ascii_lowercase(), port: 22, ..NewHost::default() };
        let (mut left, mut key_alias, mut seen) = (Vec::new(), None, BTreeSet::new());
        let (mut files, mut found) = (Vec::new(), Vec::new());
        for setting in self.settings.iter().filter(|setting| applies(&setting.patterns, alias)) {
            let keyword = setting.keyword.as_str();
            let value = setting.value.join(" ");
            if keyword == "identityfile" {
                files.push(value);
                continue;
            }
            if !seen.insert(keyword) {
                continue;
            }
            match keyword {
                "hostname" => {
                    host.hostname = value.replace("%h", alias).replace("%%", "%").to_ascii_lowercase()
                }
                "user" => host.user = Some(value),
                "port" => host.port = value.parse().map_err(|_| format!("{value} is no port"))?,
                "proxyjump" if value.eq_ignore_ascii_case("none") => {}
                "proxyjump" => host.jump = Some(self.hops(alias, &value, depth, &mut found)?),
                "proxycommand" if value.eq_ignore_ascii_case("none") => {}
                "proxycommand" => {
                    return Err("it is reached by a ProxyCommand, and no program is run here".into());
                }
                "hostkeyalias" => key_alias = Some(value),
                "identityagent" if value.eq_ignore_ascii_case("none") => {}
                "identityagent" => host.identity.push("agent".into()),
                keyword if HARMLESS.contains(&keyword) => {}
                _ => left.push(format!("{} {value} is left out", setting.keyword)),
            }
        }
        if !files.is_empty() {
            host.identity.insert(0, "vault".into());
            for file in files {
                if file.eq_ignore_ascii_case("none") {
                    continue;
                }
                if file.contains('%') {
                    left.push(format!("identityfile {file} is left out: it has a placeholder"));
                } else {
                    host.identity.push(format!("file:{file}"));
                }
            }
        } else if !host.identity.is_empty() {
            host.identity.insert(0, "vault".into());
        }
        found.push(Found { alias: alias.to_owned(), host, key_alias, left });
        Ok(found)
    }

    /// The alias of the last hop of a ProxyJump. A hop that is another host just as it is needs nothing; any other (with
    /// an account or port of its own, or reached through the hop before it) becomes an entry, `ALIAS-jump1` and so on.
    fn hops(&self, alias: &str, value: &str, depth: usize, found: &mut Vec<Found>) -> Result<String, String> {
        let mut before: Option<String> = None;
        for (number, text) in value.split(',').enumerate() {
            let hop =
                Hop::parse(text.trim()).ok_or_else(|| format!("ProxyJump {value} cannot be understood"))?;
            if hop.is_plain() && (before.is_none() || self.jump_of(hop.host) == before.as_deref()) {
                before = Some(hop.host.to_owned());
                continue;
            }
            let name = format!("{alias}-jump{}", number + 1);
            if self.aliases.contains(&name) {
                return Err(format!("a hop of its ProxyJump would be called {name}, which is another host"));
            }
            let mut hosts = self.host(hop.host, depth + 1)?;
            let Some(mut last) = hosts.pop() else { continue };
            match before {
                // Only the first hop is reached as its own block says.
                Some(before) => last.host.jump = Some(before),
                None => found.append(&mut hosts),
            }
            last.host.user = hop.user.map(str::to_owned).or(last.host.user);
            last.host.port = hop.port.unwrap_or(last.host.port);
            last.alias = name.clone();
            found.push(last);
            before = Some(name);
        }
        before.ok_or_else(|| format!("ProxyJump {value} names no host"))
    }

    /// The ProxyJump of a host with a block of its own.
    fn jump_of(&self, alias: &str) -> Option<&str> {
        let known = self.aliases.iter().any(|other| other == alias);
        let jump = |setting: &&Setting| setting.keyword == "proxyjump" && applies(&setting.patterns, alias);
        let value = &self.settings.iter().filter(|_| known).find(jump)?.value;
        value.first().map(String::as_str)
    }
}

/// Keywords about comfort or the client alone: leaving them out changes nothing that counts here.
const HARMLESS: &[&str] = &[
    "addkeystoagent",
    "batchmode",
    "checkhostip",
    "compression",
    "connectionattempts",
    "connecttimeout",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "escapechar",
    "hashknownhosts",
    "identitiesonly",
    "ignoreunknown",
    "loglevel",
    "numberofpasswordprompts",
    "passwordauthentication",
    "preferredauthentications",
    "pubkeyauthentication",
    "requesttty",
    "serveralivecountmax",
    "serveraliveinterval",
    "tcpkeepalive",
    "updatehostkeys",
    "usekeychain",
    "visualhostkey",
];

/// A hop of a ProxyJump: `[user@]host[:port]`, or the same as an `ssh://` URI.
#[derive(Debug, PartialEq, Eq)]
struct Hop<'a> {
    user: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Hop<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix("ssh://").unwrap_or(text);
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, text),
        };
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':')?.parse().ok()?)),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port.parse().ok()?)),
                None => (place, None),
            },
        };
        let good = !host.is_empty() && !host.contains(['/', ' ', '%']) && user != Some("");
        good.then_some(Self { user, host, port })
    }

    fn is_plain(&self) -> bool {
        self.user.is_none() && self.port.is_none()
    }
}

/// Whether a line under these patterns applies to a host: one matches, and none that is negated does.
fn applies(patterns: &[String], alias: &str) -> bool {
    let negated = |pattern: &&String| pattern.starts_with('!');
    let matches = |pattern: &str| glob(pattern.as_bytes(), alias.as_bytes());
    patterns.iter().filter(negated).all(|pattern| !matches(&pattern[1..]))
        && patterns.iter().filter(|pattern| !negated(pattern)).any(|pattern| matches(pattern))
}

/// `*` and `?`, as in ssh_config.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => glob(&pattern[1..], text) || (!text.is_empty() && glob(pattern, &text[1..])),
        (Some(b'?'), Some(_)) => glob(&pattern[1..], &text[1..]),
        (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => glob(&pattern[1..], &text[1..]),
        _ => false,
    }
}

/// The files a name with wildcards in its last part stands for, sorted.
fn expanded(place: &Path) -> Vec<PathBuf> {
    let Some(name) = place.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    if !name.contains(['*', '?']) {
        return vec![place.to_owned()];
    }
    let folder = place.parent().unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|file| glob(name.as_bytes(), file.as_bytes())))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// The words of a line: separated by white space, the first also by `=`; quotes hold a word together; `#` at the
/// beginning of a word comments the rest.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                let end = |c: char| c.is_whitespace() || (words.is_empty() && c == '=');
                rest.split_at(rest.find(end).unwrap_or(rest.len()))
            }
        };
        words.push(word.to_owned());
        rest = after.trim_start();
        if words.len() == 1 {
            rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        }
    }
    words
}

/// Puts hosts behind the ones they jump through.
fn jumps_first(import: &mut Import) {
    let mut sorted: Vec<Found> = Vec::new();
    let mut rest = std::mem::take(&mut import.found);
    while !rest.is_empty() {
        let waits = |found: &Found| {
            found.host.jump.as_ref().is_some_and(|jump| rest.iter().any(|other| &other.alias == jump))
        };
        let Some(at) = rest.iter().position(|found| !waits(found)) else {
            import.left.extend(
                rest.drain(..).map(|found| format!("{}: its jump hosts go round in a circle", found.alias)),
            );
            break;
        };
        sorted.push(rest.remove(at));
    }
    import.found = sorted;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(files: &[(&str, &str)]) -> Import {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut import = read(&home.path().join(".ssh/config"), home.path()).unwrap();
        let home = home.path().display().to_string();
        import.left.iter_mut().for_each(|line| *line = line.replace(&home, "~"));
        import
    }

    fn shown(import: &Import) -> String {
        let mut lines = Vec::new();
        for found in &import.found {
            let host = &found.host;
            lines.push(format!(
                "{}: {}@{}:{} through {} by {} known as {}",
                found.alias,
                host.user.as_deref().unwrap_or("-"),
                host.hostname,
                host.port,
                host.jump.as_deref().unwrap_or("-"),
                host.identity.join(","),
                found.key_alias.as_deref().unwrap_or("-")
            ));
            lines.extend(found.left.iter().map(|left| format!("  left: {left}")));
        }
        lines.extend(import.left.iter().map(|left| format!("left: {left}")));
        lines.join("\n")
    }

    #[test]
    fn hosts_are_read_as_openssh_reads_them() {
        let config = "# mine\nInclude conf.d/*.conf\nHost web1 web2\n  HostName %h.Example.org\n  User=deploy\n  IdentityFile \"~/.ssh/deploy key\"\n  ProxyJump bastion\n  ForwardAgent yes\nHost bastion\n  HostKeyAlias gate\n  Port 2222\nHost * !db*\n  User fallback\n  ServerAliveInterval 30\n";
        let import = import(&[
            (".ssh/config", config),
            (".ssh/conf.d/a.conf", "Host db1\n  Port = 2200 # inside\n  SendEnv LANG\n"),
            (".ssh/conf.d/b.txt", "Host never\n"),
        ]);
        insta::assert_snapshot!(shown(&import), @r"
        db1: -@db1:2200 through - by  known as -
          left: sendenv LANG is left out
        bastion: fallback@bastion:2222 through - by  known as gate
        web1: deploy@web1.example.org:22 through bastion by vault,file:~/.ssh/deploy key known as -
          left: forwardagent yes is left out
        web2: deploy@web2.example.org:22 through bastion by vault,file:~/.ssh/deploy key known as -
          left: forwardagent yes is left out
        ");
    }

    #[test]
    fn what_cannot_be_carried_over_is_listed_and_never_guessed() {
        let config = "Host a\n ProxyCommand nc %h %p\nHost b\n ProxyJump me@gate:2222,other\nHost c\n Port ssh\nHost d\n ProxyJump e\nHost e\n ProxyJump d\nHost f\n IdentityFile %d/key\nMatch exec true\n User root\nInclude missing\n";
        let import = import(&[(".ssh/config", config)]);
        insta::assert_snapshot!(shown(&import), @r"
        b-jump1: me@gate:2222 through - by  known as -
        b-jump2: -@other:22 through b-jump1 by  known as -
        b: -@b:22 through b-jump2 by  known as -
        f: -@f:22 through - by vault known as -
          left: identityfile %d/key is left out: it has a placeholder
        left: a: it is reached by a ProxyCommand, and no program is run here
        left: c: ssh is no port
        left: ~/.ssh/config line 13: a Match block depends on the moment of a connection and is left out
        left: ~/.ssh/missing cannot be read: No such file or directory (os error 2)
        left: d: its jump hosts go round in a circle
        left: e: its jump hosts go round in a circle
        ");
    }

    #[test]
    fn a_chain_of_jumps_is_carried_over_hop_by_hop() {
        let config = "Host t\n ProxyJump a,b,c\nHost u\n ProxyJump ssh://me@[fd00::1]:2200,b\nHost a\n User gate\nHost b\n HostName b.example.org\n Port 2222\n ProxyJump a\nHost c\n ProxyJump elsewhere\nHost *\n User all\n";
        insta::assert_snapshot!(shown(&import(&[(".ssh/config", config)])), @r"
        u-jump1: me@fd00::1:2200 through - by  known as -
        u-jump2: all@b.example.org:2222 through u-jump1 by  known as -
        u: all@u:22 through u-jump2 by  known as -
        a: gate@a:22 through - by  known as -
        b: all@b.example.org:2222 through a by  known as -
        t-jump3: all@c:22 through b by  known as -
        t: all@t:22 through t-jump3 by  known as -
        c: all@c:22 through elsewhere by  known as -
        ");
    }

    #[test]
    fn jumps_that_make_no_chain_are_listed() {
        let config = "Host a\n ProxyJump me@b\nHost b\n ProxyJump me@a\nHost c\n ProxyJump x:port\nHost d\n ProxyJump x,,y\nHost e\n ProxyJump me@x\nHost e-jump1\n";
        insta::assert_snapshot!(shown(&import(&[(".ssh/config", config)])), @r"
        e-jump1: -@e-jump1:22 through - by  known as -
        left: a: its jump hosts go round in a circle
        left: b: its jump hosts go round in a circle
        left: c: ProxyJump x:port cannot be understood
        left: d: ProxyJump x,,y cannot be understood
        left: e: a hop of its ProxyJump would be called e-jump1, which is another host
        ");
    }

    #[test]
    fn files_that_include_each_other_end() {
        let import = import(&[(".ssh/config", "Include config\nHost a\n")]);
        assert_eq!(import.found.len(), 1);
        assert!(import.left[0].contains("include each other"), "{:?}", import.left);
    }
}
