//! Parameter expansion: what `${x...}` becomes.

use super::Engine;
use super::arg::{HOME, UNKNOWN};
use super::shell::Source;
use crate::state::Var;
use crate::syntax::Param;

impl Engine<'_> {
    /// The text of a parameter expansion, or nothing when it is known only at run time.
    pub(super) fn parameter(&mut self, param: &Param<'_>, source: &Source<'_>) -> Option<String> {
        if let Some(index) = param.index {
            self.arithmetic(index, source);
        }
        let operand = param.op.strip_prefix(':').unwrap_or(param.op);
        let operand = match operand.strip_prefix(['-', '=', '+', '?']) {
            Some(word) => word,
            None => param.op.trim_start_matches([':', '#', '%', '/', '^', ',', '@']),
        };
        let word = if operand.contains(['$', '`', '\\', '"', '\'']) {
            self.expand_one(operand, source, None).text
        } else {
            operand.to_owned()
        };
        if operand.contains('\'') && (operand.contains("$(") || operand.contains('`')) {
            // In double quotes, single quotes protect nothing.
            self.expand_quoted(operand, source);
        }
        let value = self.value(param);
        match param.prefix {
            Some(b'#') => return self.length(param),
            Some(_) => {
                let name = value?;
                return self.value(&Param { name: &name, index: None, op: "", prefix: None });
            }
            None => {}
        }
        let op = param.op;
        if op.is_empty() {
            // An unset variable is empty: `rm -rf $x/*` deletes everything then.
            let unset = value.is_none()
                && param.index.is_none()
                && param.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && !self.shell.lost
                && !self.shell.variables.contains_key(param.name);
            self.guessed |= unset;
            return if unset && self.unset { Some(String::new()) } else { value };
        }
        if op.starts_with('@') {
            // `${x@P}` runs the substitutions in the value.
            if op == "@P" {
                match value {
                    Some(text) => drop(self.expand_quoted(&text, source)),
                    None => self.opaque(source, source.all(), "runtime-command"),
                }
            }
            return None;
        }
        let assigned = match self.shell.variables.get(param.name) {
            Some(Var::Text(_) | Var::List(_)) => true,
            _ => builtin(param.name).is_some(),
        };
        match op.trim_start_matches(':').chars().next()? {
            // The shell stops at `${x:?}` of an unset variable.
            '?' if !assigned => None,
            '-' | '=' if !assigned && !self.shell.variables.contains_key(param.name) => {
                if op.contains('=') {
                    self.unseen(param.name, source, source.all());
                }
                self.guessed = true;
                self.unset.then_some(word)
            }
            '-' | '?' if assigned => value.filter(|text| !text.is_empty()).or(Some(word)),
            '=' => {
                let text = if assigned { value } else { None };
                // `:=` assigns to an empty variable too.
                let text = text.map(|text| if text.is_empty() && op.starts_with(':') { word } else { text });
                let kept = text.clone().map_or(Var::Unknown, Var::Text);
                self.unseen(param.name, source, source.all());
                self.shell.variables.insert(param.name.to_owned(), kept);
                text
            }
            '+' if assigned => Some(word),
            '+' if !self.shell.variables.contains_key(param.name) => {
                self.guessed = true;
                self.unset.then(String::new)
            }
            '-' | '+' => None,
            _ if op.starts_with(':') => slice(&value?, &op[1..]),
            '#' => strip(&value?, &word, true),
            // The directory above; above a home stand all homes.
            '%' if op == "%/*" => match value?.as_str() {
                "\u{2}" => Some("/home".to_owned()),
                text if text.contains(UNKNOWN) => None,
                text => Some(text.rsplit_once('/').map_or(text, |(above, _)| above).to_owned()),
            },
            '%' => strip(&value?, &word, false),
            '/' => replace(&value?, op),
            '^' => Some(value?.to_uppercase()),
            ',' => Some(value?.to_lowercase()),
            _ => None,
        }
    }

    /// `${#x}` and `${#x[@]}`.
    fn length(&self, param: &Param<'_>) -> Option<String> {
        let whole = matches!(param.index, Some("@" | "*")) || matches!(param.name, "@" | "*");
        let count = match self.shell.variables.get(param.name) {
            Some(Var::List(list)) if whole => list.len(),
            Some(Var::Text(_)) if whole => 1,
            _ => {
                let text = self.value(param).filter(|text| !text.contains([UNKNOWN, HOME]))?;
                text.chars().count()
            }
        };
        (!self.shell.lost).then(|| count.to_string())
    }

    /// What stands between the elements of `"${a[*]}"`.
    fn separator(&self) -> String {
        match self.shell.variables.get("IFS") {
            Some(Var::Text(text)) => text.chars().next().map(String::from).unwrap_or_default(),
            _ => " ".to_owned(),
        }
    }

    fn value(&self, param: &Param<'_>) -> Option<String> {
        if self.shell.lost {
            return None;
        }
        if param.name == "#" {
            return match self.shell.variables.get("@") {
                Some(Var::List(list)) => Some(list.len().to_string()),
                Some(_) => None,
                None => Some("0".to_owned()),
            };
        }
        match self.shell.variables.get(param.name) {
            Some(Var::Text(text)) if param.index.is_none_or(|index| index == "0") => Some(text.clone()),
            Some(Var::List(list)) => match param.index {
                None if param.name == "*" => Some(list.join(&self.separator())),
                None if param.name == "@" => Some(list.join(" ")),
                None => list.first().cloned(),
                Some("*") => Some(list.join(&self.separator())),
                Some("@") => Some(list.join(" ")),
                Some(index) => list.get(index.parse::<usize>().ok()?).cloned(),
            },
            Some(_) => None,
            None if param.index.is_none() => builtin(param.name).map(str::to_owned),
            None => None,
        }
    }
}

/// What the shell itself sets.
fn builtin(name: &str) -> Option<&'static str> {
    const HOME_TEXT: &str = "\u{2}";
    debug_assert!(HOME_TEXT.starts_with(HOME));
    match name {
        "HOME" => Some(HOME_TEXT),
        "IFS" => Some(" \t\n"),
        "PWD" => Some("."),
        "?" | "$" | "!" | "#" | "RANDOM" | "SECONDS" | "LINENO" | "PPID" | "UID" | "EUID" => Some("0"),
        _ => None,
    }
}

/// `${x:offset}` and `${x:offset:length}` with plain numbers.
fn slice(text: &str, spec: &str) -> Option<String> {
    let mut numbers = spec.splitn(2, ':').map(|part| part.trim().parse::<i64>());
    let count = i64::try_from(text.chars().count()).ok()?;
    let from = match numbers.next()?.ok()? {
        from if from < 0 => count.checked_add(from)?.max(0),
        from => from.min(count),
    };
    let to = match numbers.next() {
        None => count,
        Some(length) => match length.ok()? {
            length if length < 0 => count.checked_add(length)?,
            length => from.checked_add(length)?.min(count),
        },
    };
    let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
    (!text.contains(UNKNOWN)).then(|| text.chars().take(to).skip(from).collect())
}

/// `${x#word}` and `${x%word}` for words without globs.
fn strip(text: &str, word: &str, front: bool) -> Option<String> {
    if word.contains(['*', '?', '[', '\\', UNKNOWN]) || text.contains(UNKNOWN) {
        return None;
    }
    let rest = if front { text.strip_prefix(word) } else { text.strip_suffix(word) };
    Some(rest.unwrap_or(text).to_owned())
}

/// `${x/from/to}` and `${x//from/to}` for plain words.
fn replace(text: &str, op: &str) -> Option<String> {
    let (all, spec) = op.strip_prefix("//").map_or((false, op.strip_prefix('/')?), |rest| (true, rest));
    if spec.contains(['*', '?', '[', '$', '`', '\\', '"', '\'', '#', '%']) || text.contains(UNKNOWN) {
        return None;
    }
    let (from, to) = spec.split_once('/').unwrap_or((spec, ""));
    if from.is_empty() {
        return Some(text.to_owned());
    }
    Some(if all { text.replace(from, to) } else { text.replacen(from, to, 1) })
}
