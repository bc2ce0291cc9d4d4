//! What harmless commands print, where it follows from their arguments: `$(echo rm)` is `rm`.

use super::arg::{Arg, UNKNOWN};
use super::shell::Stdin;
use super::{Engine, Output, filters};

/// Longest output that is worked out.
const MAX_OUTPUT: usize = 16 * 1024;

impl Engine<'_> {
    /// The output of a command, if it is one whose output is known from its words and input.
    pub(super) fn output(&self, name: &str, args: &[Arg]) -> Output {
        if !self.wanted {
            return None;
        }
        let words: Vec<&str> = args.iter().skip(1).map(|arg| arg.text.as_str()).collect();
        let open = args.iter().any(|arg| arg.open);
        if let Some(folders) = listed(name, &words) {
            return (!open).then(|| folders.iter().map(|folder| found_in(folder)).collect());
        }
        if let Some(text) = self.listing(name, &words) {
            return (!open).then_some(text);
        }
        let text = match name {
            "cat" if words == ["/dev/null"] => String::new(),
            // Names and numbers of things that run: not known, but no option and no path.
            "docker" | "podman" if listing_ids(&words) => format!("c{UNKNOWN}\n"),
            "pgrep" | "pidof" if !open => format!("1{UNKNOWN}\n"),
            // Devices are no directories: what is listed is what was named.
            "ls" | "echo" if !words.is_empty() && words.iter().all(|word| word.starts_with("/dev/")) => {
                words.iter().map(|word| format!("{word}\n")).collect()
            }
            "lsblk" if words.iter().any(|word| word.starts_with('-') && word.contains('p')) => {
                "/dev/sda\n".to_owned()
            }
            "date" => date(&words)?,
            "echo" => echo(&words),
            "printf" if !open => printf(&words)?,
            "cat" | "tee" | "head" | "tail" | "sort" | "uniq" | "grep" | "less" | "strings" => {
                self.passed(name, &words)?
            }
            "sed" | "gsed" | "awk" | "gawk" | "mawk" | "nawk" | "cut" => self.changed(name, &words)?,
            "base64" | "base32" | "openssl" => self.decoded(name, &words)?,
            "xxd" | "rev" | "tr" | "tac" => self.transformed(name, &words)?,
            "realpath" | "readlink" => format!("{}\n", words.last()?),
            "which" => program(words.last()?),
            "command" | "type" => program(words.last().filter(|_| words.len() == 2)?),
            "crontab" if words.contains(&"-l") => format!("{UNKNOWN}\n"),
            // What it says to be evaluated: two variables of its own.
            "ssh-agent" if words.iter().all(|word| *word == "-s") => {
                "SSH_AUTH_SOCK=/tmp/agent; export SSH_AUTH_SOCK; SSH_AGENT_PID=1; export SSH_AGENT_PID;\n"
                    .to_owned()
            }
            "ls" if words.iter().any(|word| word.starts_with('-') && word.contains('d')) && !open => {
                words.iter().filter(|word| !word.starts_with('-')).map(|word| format!("{word}\n")).collect()
            }
            "basename" => format!("{}\n", words.first()?.rsplit('/').next()?),
            "dirname" => format!("{}\n", words.first()?.rsplit_once('/').map_or(".", |(dir, _)| dir)),
            "mktemp" => "/tmp/tmp.file\n".to_owned(),
            "pwd" => ".\n".to_owned(),
            "nproc" => "1\n".to_owned(),
            // One word each, of letters and digits.
            "hostname" if words.iter().all(|word| matches!(*word, "-s" | "-f" | "--short")) => {
                "host\n".to_owned()
            }
            "uname" if matches!(words[..], ["-r"]) => "6.1.0\n".to_owned(),
            "uname" if matches!(words[..], ["-m"]) => "x86_64\n".to_owned(),
            "uname" if matches!(words[..], [] | ["-s"]) => "Linux\n".to_owned(),
            "arch" if words.is_empty() => "x86_64\n".to_owned(),
            "git"
                if matches!(words[..], ["rev-parse", ..] | ["describe", ..])
                    && !open
                    && !words.iter().any(|word| word.contains("--show") || word.contains("-dir")) =>
            {
                "0a1b2c3\n".to_owned()
            }
            "id" if matches!(words[..], ["-u" | "-g"]) => "1000\n".to_owned(),
            "yes" => format!("{}\n", words.first().unwrap_or(&"y")),
            "true" | ":" | "cd" | "export" | "set" | "false" | "test" | "[" | "sleep" => String::new(),
            _ => return None,
        };
        (text.len() <= MAX_OUTPUT).then_some(text)
    }

    /// What `printf` prints, for `printf -v`.
    pub(super) fn printed(&self, words: &[Arg]) -> Output {
        let texts: Vec<&str> = words.iter().map(|arg| arg.text.as_str()).collect();
        printf(&texts).filter(|text| text.len() <= MAX_OUTPUT && !words.iter().any(|arg| arg.open))
    }

    fn stdin_text(&self) -> Output {
        match &self.stdin {
            Stdin::Known(text) => Some(text.clone()),
            Stdin::Null => Some(String::new()),
            _ => None,
        }
    }

    /// Commands that change lines, of their input or of a file that comes last.
    fn changed(&self, name: &str, words: &[&str]) -> Output {
        let file = words.split_last().and_then(|(file, rest)| Some((self.content(file)?, rest)));
        let (text, words) = match file {
            Some(found) => found,
            None => (self.stdin_text()?, words),
        };
        filters::filtered(name, words, &text)
    }

    fn content(&self, path: &str) -> Output {
        self.file_content(path).or_else(|| Self::system_content(path))
    }

    /// Commands that pass their input on: all of it is taken, which is the stricter reading.
    fn passed(&self, name: &str, words: &[&str]) -> Output {
        let skip = usize::from(name == "grep");
        let files: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).skip(skip).collect();
        let numbered = matches!(name, "head" | "tail");
        match files.first() {
            Some(file)
                if name != "tee" && !(numbered && file.trim_start_matches('+').parse::<u64>().is_ok()) =>
            {
                self.content(file)
            }
            _ => {
                let text = self.stdin_text()?;
                let found = if name == "grep" { filters::matching(words, &text) } else { None };
                Some(found.unwrap_or(text))
            }
        }
    }

    fn decoded(&self, name: &str, words: &[&str]) -> Output {
        let decode = match name {
            "openssl" => {
                words.first().is_some_and(|word| matches!(*word, "base64" | "enc")) && words.contains(&"-d")
            }
            _ => words
                .iter()
                .any(|word| matches!(*word, "-d" | "-D" | "--decode" | "-di" | "-id" | "--d" | "--decod")),
        };
        if !decode || name == "base32" {
            return None;
        }
        let file = words.iter().find(|word| name == "base64" && !word.starts_with('-'));
        let text = file.map_or_else(|| self.stdin_text(), |file| self.file_content(file))?;
        String::from_utf8(base64(&text)?).ok()
    }

    fn transformed(&self, name: &str, words: &[&str]) -> Output {
        let text = self.stdin_text()?;
        match name {
            "rev" => Some(text.lines().map(|line| line.chars().rev().collect::<String>() + "\n").collect()),
            "tac" => Some(text.lines().rev().map(|line| format!("{line}\n")).collect()),
            "xxd" if words.iter().any(|word| word.contains('r')) => {
                let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
                let bytes = digits.chunks_exact(2).map(|pair| {
                    u8::from_str_radix(std::str::from_utf8(pair).unwrap_or("00"), 16).unwrap_or(0)
                });
                String::from_utf8(bytes.collect()).ok()
            }
            "tr" => translate(&text, words),
            _ => None,
        }
    }
}

/// `docker ps -q` and its kin.
fn listing_ids(words: &[&str]) -> bool {
    let lists = matches!(
        words,
        ["ps" | "images", ..] | ["container" | "image" | "volume" | "network", "ls" | "list", ..]
    );
    lists
        && words.iter().any(|word| {
            *word == "--quiet" || word.starts_with('-') && !word.starts_with("--") && word.contains('q')
        })
}

/// The directories below which a command names files it found, if that is all it prints.
fn listed<'w>(name: &str, words: &[&'w str]) -> Option<Vec<&'w str>> {
    let has = |options: &[&str]| words.iter().any(|word| options.contains(word));
    let cluster = |letter: char| {
        words.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    };
    let operands: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
    let folders = match name {
        "grep" | "egrep" | "fgrep" | "rg"
            if cluster('l') || cluster('L') || has(&["--files-with-matches", "--files-without-match"]) =>
        {
            operands.get(1..)?
        }
        "rg" if has(&["--files"]) => &operands[..],
        "git" if has(&["ls-files"]) || has(&["--name-only"]) || has(&["grep"]) && cluster('l') => &[],
        "find" | "gfind" => {
            let starts = words.iter().take_while(|word| !word.starts_with(['-', '(', '!'])).count();
            return Some(if starts == 0 { vec!["."] } else { words[..starts].to_vec() })
                .filter(|_| !has(&["-printf", "-exec", "-execdir", "-ls"]));
        }
        _ => return None,
    };
    let plain = |folder: &&str| !folder.starts_with(UNKNOWN);
    folders.iter().all(plain).then(|| if folders.is_empty() { vec!["."] } else { folders.to_vec() })
}

/// Some file in a directory, its name not known.
fn found_in(folder: &str) -> String {
    match folder.trim_end_matches('/') {
        "" => format!("/etc/{UNKNOWN}\n"),
        folder => format!("{folder}/{UNKNOWN}\n"),
    }
}

/// `date +FORMAT`: digits for every field, the rest as it stands.
fn date(words: &[&str]) -> Output {
    let format = match words {
        [format] | ["-u", format] => format.strip_prefix('+')?,
        _ => return None,
    };
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match chars.next()? {
            'F' => text.push_str("2000-01-01"),
            'T' => text.push_str("00:00:00"),
            'Y' | 'm' | 'd' | 'H' | 'M' | 'S' | 's' | 'j' | 'y' | 'N' | 'V' | 'u' => text.push_str("00"),
            _ => return None,
        }
    }
    Some(text + "\n")
}

/// Where a program is found.
fn program(name: &str) -> String {
    if name.contains('/') { format!("{name}\n") } else { format!("/usr/bin/{name}\n") }
}

fn echo(words: &[&str]) -> String {
    let options = words.iter().take_while(|word| {
        word.len() > 1 && word.starts_with('-') && word[1..].chars().all(|c| "neE".contains(c))
    });
    let options: Vec<&&str> = options.collect();
    let escapes = options.iter().any(|word| word.contains('e'));
    let newline = if options.iter().any(|word| word.contains('n')) { "" } else { "\n" };
    let text = words[options.len()..].join(" ");
    let text = if escapes { unescape(&text) } else { text };
    format!("{text}{newline}")
}

/// `printf` with `%s`, `%b`, `%d`, `%c`, `%%` and escapes; anything finer is not worked out.
fn printf(words: &[&str]) -> Output {
    let (format, mut rest) = match words {
        ["--", format, rest @ ..] | [format, rest @ ..] if !format.starts_with('-') => (*format, rest),
        _ => return None,
    };
    if format.contains(UNKNOWN) {
        return None;
    }
    let format = unescape(format);
    let mut out = String::new();
    loop {
        let before = rest.len();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next()? {
                '%' => out.push('%'),
                's' | 'd' | 'c' | 'i' => {
                    out.push_str(rest.first().unwrap_or(&""));
                    rest = rest.get(1..).unwrap_or_default();
                }
                'b' => {
                    out.push_str(&unescape(rest.first().unwrap_or(&"")));
                    rest = rest.get(1..).unwrap_or_default();
                }
                _ => return None,
            }
        }
        if rest.is_empty() || rest.len() == before || out.len() > MAX_OUTPUT {
            return Some(out);
        }
    }
}

/// Backslash escapes of `echo -e` and `printf`.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = after.chars();
        let kind = chars.next();
        let digits = |from: &str, most: usize, base: u32| {
            let text: String = from.chars().take(most).take_while(|c| c.is_digit(base)).collect();
            (u32::from_str_radix(&text, base).ok().and_then(char::from_u32), text.len())
        };
        let (shown, used) = match kind {
            Some('n') => (Some('\n'), 1),
            Some('t') => (Some('\t'), 1),
            Some('r') => (Some('\r'), 1),
            Some('x') => {
                let (c, used) = digits(&after[1..], 2, 16);
                (c, used + 1)
            }
            Some('0') => {
                let (c, used) = digits(after, 4, 8);
                (c, used)
            }
            Some(c) if c.is_digit(8) => digits(after, 3, 8),
            Some('\\') => (Some('\\'), 1),
            Some(c) => {
                out.push('\\');
                (Some(c), c.len_utf8())
            }
            None => (Some('\\'), 0),
        };
        out.extend(shown);
        rest = after.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Plain base64, white space ignored.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(out)
}

/// `tr` between two sets of plain characters and ranges, and `tr -d SET`.
fn translate(text: &str, words: &[&str]) -> Output {
    match words {
        ["-d", set] => {
            let set = expand_set(set)?;
            Some(text.chars().filter(|c| !set.contains(c)).collect())
        }
        [from, to] if !from.starts_with('-') => {
            let (from, to) = (expand_set(from)?, expand_set(to)?);
            let last = *to.last()?;
            let map = |c: char| match from.iter().position(|known| *known == c) {
                Some(at) => to.get(at).copied().unwrap_or(last),
                None => c,
            };
            Some(text.chars().map(map).collect())
        }
        _ => None,
    }
}

fn expand_set(set: &str) -> Option<Vec<char>> {
    let set =
        unescape(&set.replace("[:upper:]", "A-Z").replace("[:lower:]", "a-z").replace("[:space:]", " \t\n"));
    if set.contains([':', UNKNOWN]) {
        return None;
    }
    let chars: Vec<char> = set.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if at + 2 < chars.len() && chars[at + 1] == '-' && chars[at] <= chars[at + 2] {
            out.extend((chars[at]..=chars[at + 2]).take(512));
            at += 3;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    Some(out)
}
