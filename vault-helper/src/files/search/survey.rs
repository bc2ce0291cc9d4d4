//! A tree as the host's own tools see it: one command instead of a request for each directory and file.
//!
//! The command only gathers names, and rules out files that hold none of the words a matching line must hold. What
//! matches is decided here, on bytes that come over SFTP, exactly as when the host has no tools. Whatever is odd about the
//! host's answer (not there, not whole, another tree than the one SFTP shows) makes it no answer.
//!
//! The command is a fixed script with the directory and the words as its arguments; the policy judges it as any other,
//! and where it would not simply allow it, it is not sent.

use std::collections::HashSet;
use std::time::Duration;

use sallyport_policy::{ShellState, Verdict};

use super::LARGEST;
use super::needle::Needles;
use crate::afterwards::afterwards;
use crate::files::list::Found;
use crate::files::request::Desk;
use crate::session::compose::{for_login_shell, quote};
use crate::ssh::channel::ChannelMsg;
use crate::ssh::sftp::{Attrs, Kind, Sftp, place};

/// How long the host may take; whoever waits still has time for the other way then.
const TIME: Duration = Duration::from_secs(15);
/// Bytes of output that are taken.
const MOST: usize = 32 << 20;
/// Longer paths are SFTP's: a shell that walks from directory to directory reaches deeper than a path can say.
const LONGEST_PATH: usize = 4_000;

/// `$1` is the directory, `$2` the words, one a line, `$3` grep's options. Prints a line with the shell's process
/// number; then every name, each behind a letter and before a NUL; then find's exit code so; then an empty name; then a
/// line for each file that holds none of the words; then a NUL and `end`.
///
/// POSIX only, but for `grep -L`: where that is missing nothing is ruled out. `.//.` begins every name, and no name can
/// hold `//`, so a line's beginning is told from a line end in a name. The letters: `d` a directory that can be entered,
/// `r` one that can only be read, `u` one that cannot be, `f` a file, `F` a large one, `l` a link, `o` another thing.
const SCRIPT: &str = concat!(
    r#"LC_ALL=C; export LC_ALL; cd -- "$1" || exit; exec 2>/dev/null; ulimit -t 20; echo "searching $$"; "#,
    r#"find .//. -type d -exec sh -c '"#,
    r#"for p; do k=u; test -r "$p" && { k=r; test -x "$p" && k=d; }; printf "%s%s\0" $k "$p"; done"#,
    r#"' sh {} + -o -type f -size +16777216c -exec printf "F%s\0" {} + -o -type f -exec printf "f%s\0" {} + "#,
    r#"-o -type l -exec printf "l%s\0" {} + -o -exec printf "o%s\0" {} +; printf "$?\0\0"; "#,
    r#"test -z "$2" || find .//. -type f ! -size +16777216c -exec grep "$3" -e "$2" -- {} +; printf "\0end""#,
);
/// What every name begins with.
const TOP: &[u8] = b".//.";

/// A tree, in the order of a walk through it.
pub struct Survey {
    ahead: std::vec::IntoIter<Item>,
    base: Vec<u8>,
    /// Directories that cannot be listed, of those passed so far.
    pub unread: Vec<String>,
}

/// One thing in a tree, as the host tells it.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    below: Vec<u8>,
    letter: u8,
    barren: bool,
}

impl Survey {
    /// Has the host look below a directory; none when SFTP has to.
    pub async fn take(desk: &Desk<'_>, needles: Option<&Needles>) -> Option<Self> {
        let transport = desk.sftp.lease().transport();
        if transport.mute.get().is_some() || transport.toolless.get().is_some() {
            return None;
        }
        let base = desk.sftp.realpath(&desk.path).await.ok()?;
        let command = command(std::str::from_utf8(&base).ok()?, needles);
        let subject = desk.target.subject(desk.principal);
        let judgement = desk.now.policy.judge(&subject, &ShellState::default(), &command);
        if judgement.verdict != Verdict::Allow {
            return None;
        }
        let items = parse(&tokio::time::timeout(TIME, ask(&desk.sftp, &command)).await.ok()??);
        let items = match items {
            Some(items) if is_of(&items, &desk.sftp, &desk.path).await => items,
            _ => {
                // No tools, or not those of this tree: it is not asked again.
                let _ = transport.toolless.set(());
                return None;
            }
        };
        if items.iter().any(|item| base.len() + item.below.len() > LONGEST_PATH) {
            return None;
        }
        Some(Self { ahead: items.into_iter(), base: desk.path.clone(), unread: Vec::new() })
    }
}

/// The next thing, and whether it is a file without any of the words.
impl Iterator for Survey {
    type Item = (Found, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let Item { below, letter, barren } = self.ahead.next()?;
        let path = place::join(&self.base, &below);
        if letter == b'u' {
            self.unread.push(place::shown(&path));
        }
        let size = (letter == b'F').then_some(LARGEST + 1);
        let depth = below.iter().filter(|byte| **byte == b'/').count() as u32 + 1;
        Some((
            Found { path, below, depth, attrs: Attrs { size, ..Attrs::with_mode(type_bits(letter)) } },
            barren,
        ))
    }
}

fn type_bits(letter: u8) -> u32 {
    match letter {
        b'f' | b'F' => 0o100_000,
        b'd' | b'r' | b'u' => 0o040_000,
        b'l' => 0o120_000,
        _ => 0,
    }
}

fn command(directory: &str, needles: Option<&Needles>) -> String {
    let words = needles.map(|needles| needles.words.join("\n")).unwrap_or_default();
    let options = if needles.is_some_and(|needles| needles.fold) { "-LFi" } else { "-LF" };
    let words = [SCRIPT, "sh", directory, &words, options].map(quote).join(" ");
    format!("exec /bin/sh -c {words}")
}

/// Stops what runs on the host when nobody waits for it any more.
struct Running {
    sftp: Sftp,
    group: Option<u32>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let (sftp, Some(group)) = (self.sftp.clone(), self.group) else { return };
        afterwards(async move {
            let _ = sftp.lease().run_aside(&format!("kill -s TERM -- -{group}")).await;
        });
    }
}

/// Runs the command; none when it says more than anybody would.
async fn ask(sftp: &Sftp, command: &str) -> Option<Vec<u8>> {
    let (mut read, write) = sftp.lease().aside().await?;
    let mut running = Running { sftp: sftp.clone(), group: None };
    write.exec(for_login_shell(command, sftp.lease().login_shell())).await.ok()?;
    // An account for SFTP alone gets its SFTP server instead, which ends with its input.
    write.eof().await.ok()?;
    let mut said = Vec::new();
    while let Some(message) = read.wait().await {
        let ChannelMsg::Data { data } = message else { continue };
        said.extend_from_slice(&data);
        if said.len() > MOST {
            return None;
        }
        running.group = running.group.or_else(|| begun(&said).map(|(group, _)| group));
    }
    running.group = None;
    Some(said)
}

/// The process number in the line that says so, whatever start-up files printed before it, and what comes after it.
fn begun(said: &[u8]) -> Option<(u32, &[u8])> {
    let head = b"searching ";
    let at = memchr::memmem::find_iter(said, head).find(|at| *at == 0 || said[at - 1] == b'\n')?;
    let line = &said[at + head.len()..];
    let end = memchr::memchr(b'\n', line)?;
    let group = std::str::from_utf8(&line[..end]).ok()?.trim_end().parse().ok().filter(|group| *group > 1)?;
    Some((group, &line[end + 1..]))
}

/// What the script printed, in the order of a walk; none when it is not whole.
fn parse(said: &[u8]) -> Option<Vec<Item>> {
    let body = begun(said)?.1.strip_suffix(b"\0end")?;
    let end = memchr::memmem::find(body, b"\0\0")?;
    let mut names: Vec<&[u8]> = body[..end].split(|byte| *byte == 0).collect();
    let code: u8 = std::str::from_utf8(names.pop()?).ok()?.parse().ok()?;
    let mut items = Vec::with_capacity(names.len());
    for name in names {
        let (letter, name) = name.split_first()?;
        match name.strip_prefix(TOP)? {
            b"" => {}
            below => {
                items.push(Item { below: below.strip_prefix(b"/")?.to_vec(), letter: *letter, barren: false })
            }
        }
    }
    // find complains of directories that it may not enter. Of anything else, or stopped, it has not told all.
    if code >= 128 || code != 0 && !items.iter().any(|item| matches!(item.letter, b'r' | b'u')) {
        return None;
    }
    let barren = barren(&body[end + 2..])?;
    items.iter_mut().for_each(|item| item.barren = barren.contains(item.below.as_slice()));
    // Names in order, a directory before what is in it: `/` is less than any other byte of a name.
    let key =
        |below: &[u8]| below.iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect::<Vec<u8>>();
    items.sort_by_cached_key(|item| key(&item.below));
    // SFTP shows nothing in a directory that can only be read.
    let mut shut: Option<Vec<u8>> = None;
    items.retain(|item| {
        if shut.as_ref().is_some_and(|shut| item.below.starts_with(shut)) {
            return false;
        }
        shut = matches!(item.letter, b'r' | b'u').then(|| [&item.below[..], b"/"].concat()).or(shut.take());
        true
    });
    Some(items)
}

/// The names that grep printed: a line each, where a line may go on behind a line end in a name.
fn barren(lines: &[u8]) -> Option<HashSet<&[u8]>> {
    let Some(first) = lines.strip_suffix(b"\n") else { return lines.is_empty().then(HashSet::new) };
    let mut rest = first.strip_prefix(b".//./")?;
    let mut names = HashSet::new();
    while let Some(at) = memchr::memmem::find(rest, b"\n.//./") {
        names.insert(&rest[..at]);
        rest = &rest[at + b"\n.//./".len()..];
    }
    names.insert(rest);
    Some(names)
}

/// Whether the host's tools saw the tree that SFTP shows: an SFTP server may have a root of its own.
async fn is_of(items: &[Item], sftp: &Sftp, path: &[u8]) -> bool {
    let Ok(names) = sftp.list(path).await else { return false };
    let mut shown: Vec<(Vec<u8>, Kind)> =
        names.into_iter().map(|name| (name.name.to_vec(), name.attrs.kind())).collect();
    let first = items.iter().filter(|item| !item.below.contains(&b'/'));
    let mut told: Vec<_> =
        first.map(|item| (item.below.clone(), Attrs::with_mode(type_bits(item.letter)).kind())).collect();
    shown.sort_by(|a, b| a.0.cmp(&b.0));
    told.sort_by(|a, b| a.0.cmp(&b.0));
    shown == told
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use sallyport_policy::{Policy, Subject};

    #[test]
    fn the_command_only_reads_as_the_policy_sees_it() {
        let needles = Needles { words: vec!["it's".into(), "-x".into()], fold: true };
        let policy = Policy::from_toml("mode = \"readonly\"").unwrap();
        for directory in ["/srv/it's $(id)", "/"] {
            let command = command(directory, Some(&needles));
            let judged = policy.judge(&Subject::anywhere("local"), &ShellState::default(), &command);
            assert_eq!(judged.verdict, Verdict::Allow, "{judged:?}");
        }
    }

    fn said(directory: &std::path::Path, words: &str) -> Vec<u8> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(directory).args([words, "-LF"]);
        shell.output().unwrap().stdout
    }

    fn told(said: &[u8]) -> Option<Vec<(String, char, bool)>> {
        let told = |item: Item| (place::shown(&item.below), char::from(item.letter), item.barren);
        parse(said).map(|items| items.into_iter().map(told).collect())
    }

    #[test]
    fn names_are_told_apart_whatever_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("x\n.")).unwrap();
        for (name, content) in [("-rf", "word"), ("a\n./b", "no"), ("x\n./b", "no"), ("$(id)'", "a word")] {
            let name = name.replace("./b", ".b");
            std::fs::write(at(&name), content).unwrap();
        }
        std::fs::write(at("x\n./y"), "no").unwrap();
        std::os::unix::fs::symlink("/", at("l")).unwrap();
        let wanted = [
            ("$(id)'", 'f', false),
            ("-rf", 'f', false),
            ("a\n.b", 'f', true),
            ("l", 'l', false),
            ("x\n.", 'd', false),
            ("x\n./y", 'f', true),
            ("x\n.b", 'f', true),
        ];
        let wanted = wanted.map(|(name, letter, barren)| (name.to_owned(), letter, barren));
        assert_eq!(told(&said(folder.path(), "word")).unwrap(), wanted);
    }

    #[test]
    fn an_answer_that_is_not_whole_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "x").unwrap();
        let whole = said(folder.path(), "word");
        assert!(told(&whole).is_some());
        assert!(told(&[b"Welcome!\nsearching for trouble\n", &whole[..]].concat()).is_none());
        assert!(told(&[b"Welcome!\n", &whole[..]].concat()).is_some());
        for end in 0..whole.len() {
            assert_eq!(told(&whole[..end]), None, "{end} bytes of it");
        }
        for broken in
            [&b"searching 1\n0\0\0\0end"[..], b"searching 7\n1\0\0\0end", b"searching 7\nf../x\x000\0\0\0end"]
        {
            assert_eq!(told(broken), None);
        }
        assert_eq!(told(b"searching 7\n137\0\0\0end"), None, "find was killed");
        assert!(told(b"searching 7\nu.//./a\x001\0\0\0end").is_some(), "a directory that may not be entered");
    }
}
