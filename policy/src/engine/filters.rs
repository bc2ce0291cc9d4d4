//! Commands that change lines on their way through a pipe, where the change is plain: `sed s///`, `awk '{print $2}'`, `cut`,
//! `grep` for a word.

use super::arg::UNKNOWN;

/// What becomes of the text, if the filter is a plain one.
pub(super) fn filtered(name: &str, words: &[&str], text: &str) -> Option<String> {
    let each = |change: &dyn Fn(&str) -> String| -> String {
        text.lines().map(|line| if line == "\0" { "\0\n".to_owned() } else { change(line) + "\n" }).collect()
    };
    match name {
        "sed" | "gsed" => {
            let script = match words {
                [script] | ["-e" | "-E" | "-r", script] => script.trim(),
                _ => return None,
            };
            if deletes_lines(script) {
                return Some(text.to_owned());
            }
            let (from, to) = substitution(script)?;
            Some(each(&|line| substituted(line, from, &to)))
        }
        "awk" | "gawk" | "mawk" | "nawk" => {
            let (separator, program) = match words {
                [program] => (None, program),
                ["-F", separator, program] => (Some(*separator), program),
                [option, program] => (Some(option.strip_prefix("-F")?), program),
                _ => return None,
            };
            let items = program.trim().strip_prefix('{')?.strip_suffix('}')?.trim().strip_prefix("print")?;
            let items = printed(items)?;
            Some(each(&|line| items.iter().map(|item| item.of(line, separator)).collect()))
        }
        "cut" => {
            let (mut separator, mut field) = ("\t", None);
            let mut rest = words.iter();
            while let Some(word) = rest.next() {
                match (word.strip_prefix("-d"), word.strip_prefix("-f")) {
                    (Some(""), _) => separator = rest.next()?,
                    (Some(given), _) => separator = given,
                    (_, Some("")) => field = rest.next()?.parse::<usize>().ok(),
                    (_, Some(given)) => field = given.parse().ok(),
                    _ => return None,
                }
            }
            let at = field?.checked_sub(1)?;
            Some(each(&|line| line.split(separator).nth(at).unwrap_or(line).to_owned()))
        }
        _ => None,
    }
}

/// The lines a plain word is found in, and those that are not known.
pub(super) fn matching(words: &[&str], text: &str) -> Option<String> {
    let [pattern] = words else { return None };
    // `[n]ginx` is the word that does not find its own search.
    let word = pattern.replace(['[', ']'], "").to_ascii_lowercase();
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-/: ".contains(c));
    plain.then(|| {
        text.lines()
            .filter(|line| line.contains(UNKNOWN) || line.to_ascii_lowercase().contains(&word))
            .map(|line| format!("{line}\n"))
            .collect()
    })
}

/// `1d`, `$d`, `/x/d`: what is left is taken to be everything.
fn deletes_lines(script: &str) -> bool {
    script.strip_suffix('d').is_some_and(|address| {
        address.chars().all(|c| c.is_ascii_digit() || ",$".contains(c)) && !address.is_empty()
            || address.len() > 2 && address.starts_with('/') && address.ends_with('/')
    })
}

/// The two parts of `s/from/to/` where `from` is the beginning, the end, the whole line or plain text.
fn substitution(script: &str) -> Option<(&str, String)> {
    let rest = script.strip_prefix('s')?;
    let delimiter = rest.chars().next().filter(|c| !c.is_alphanumeric() && *c != '\\')?;
    let rest = &rest[delimiter.len_utf8()..];
    let (from, rest) = rest.split_once(delimiter)?;
    let escaped = format!("\\{delimiter}");
    let (to, flags) = rest
        .replace(&escaped, "\u{1}")
        .split_once(delimiter)
        .map(|(to, flags)| (to.to_owned(), flags.to_owned()))?;
    let to = to.replace('\u{1}', &delimiter.to_string());
    let plain = matches!(from, "^" | "$" | ".*" | "^.*$" | "^.*" | "\\(.*\\)" | "(.*)")
        || !from.is_empty() && from.chars().all(|c| c.is_ascii_alphanumeric() || "_-/: ,".contains(c));
    (plain && matches!(flags.as_str(), "" | "g")).then_some((from, to))
}

fn substituted(line: &str, from: &str, to: &str) -> String {
    let whole = to.replace("\\1", "&").replace('&', line);
    match from {
        "^" => format!("{to}{line}"),
        "$" => format!("{line}{to}"),
        ".*" | "^.*$" | "^.*" | "\\(.*\\)" | "(.*)" => whole,
        _ => line.replace(from, &to.replace('&', from)),
    }
}

/// One thing that awk prints.
enum Item {
    Text(String),
    Field(usize),
    Last,
}

impl Item {
    fn of(&self, line: &str, separator: Option<&str>) -> String {
        let fields: Vec<&str> = match separator {
            None | Some(" ") => line.split_whitespace().collect(),
            Some(separator) => line.split(separator).collect(),
        };
        match self {
            Self::Text(text) => text.clone(),
            Self::Field(0) => line.to_owned(),
            Self::Field(at) => fields.get(at - 1).copied().unwrap_or_default().to_owned(),
            Self::Last => fields.last().copied().unwrap_or_default().to_owned(),
        }
    }
}

/// `"/" $1`, `$0, "x"`: what a print statement says, if it is no more than texts and fields.
fn printed(items: &str) -> Option<Vec<Item>> {
    let mut found = Vec::new();
    let mut rest = items.trim();
    while !rest.is_empty() {
        if let Some(text) = rest.strip_prefix('"') {
            let (text, after) = text.split_once('"')?;
            found.push(Item::Text(text.to_owned()).plain()?);
            rest = after.trim_start();
        } else if let Some(field) = rest.strip_prefix('$') {
            let end = field.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(field.len());
            found.push(match &field[..end] {
                "NF" => Item::Last,
                digits => Item::Field(digits.parse().ok()?),
            });
            rest = field[end..].trim_start();
        } else {
            let after = rest.strip_prefix(',')?;
            found.push(Item::Text(" ".to_owned()));
            rest = after.trim_start();
        }
    }
    if found.is_empty() {
        found.push(Item::Field(0));
    }
    Some(found)
}

impl Item {
    /// A text without escapes.
    fn plain(self) -> Option<Self> {
        (!matches!(&self, Self::Text(text) if text.contains('\\'))).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{filtered, matching};

    #[test]
    fn plain_filters_are_followed() {
        for (name, words, printed) in [
            ("sed", &["s|^|/|"][..], "/bin x\n\0\n"),
            ("sed", &["s/.*/rm -rf \\/&/"], "rm -rf /bin x\n\0\n"),
            ("sed", &["1d"], "bin x\n\0\n"),
            ("awk", &["{print \"/\"$1}"], "/bin\n\0\n"),
            ("awk", &["{ print $2, $1 }"], "x bin\n\0\n"),
            ("cut", &["-d", " ", "-f2"], "x\n\0\n"),
        ] {
            assert_eq!(filtered(name, words, "bin x\n\0\n").as_deref(), Some(printed), "{name} {words:?}");
        }
        assert_eq!(matching(&["[n]ginx"], "1 init\n2 nginx\n\0\n").as_deref(), Some("2 nginx\n\0\n"));
    }

    #[test]
    fn others_are_not() {
        for (name, words) in
            [("sed", "s/a*/b/"), ("sed", "s/a/b/e"), ("awk", "/x/{print}"), ("awk", "{print toupper($1)}")]
        {
            assert_eq!(filtered(name, &[words], "bin\n"), None, "{name} {words}");
        }
        assert_eq!(matching(&["^[0-9]*$"], "1\n"), None);
    }
}
