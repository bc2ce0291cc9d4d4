//! What earlier commands of a session changed about the meaning of later ones.

use std::collections::{BTreeMap, BTreeSet};

/// What a shell session remembers between commands: functions, aliases, variables, the working directory, files
/// written with content that may be run later, and what became unknown. A fresh shell is [`ShellState::default`].
///
/// Bounded: when a session defines more than [`ShellState::MAX_NAMES`] names or [`ShellState::MAX_BYTES`] bytes of
/// them, the state becomes unknown as a whole and every later command word is treated as redefined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShellState {
    /// Function bodies as source text; nothing for one that cannot be known.
    pub(crate) functions: BTreeMap<String, Option<String>>,
    /// Alias texts; nothing for one that cannot be known.
    pub(crate) aliases: BTreeMap<String, Option<String>>,
    pub(crate) variables: BTreeMap<String, Var>,
    /// Variables that take no assignment as written: read-only ones, and those that change what they are given.
    pub(crate) odd: BTreeSet<String>,
    /// Files this session wrote, with their content where it is known.
    pub(crate) files: BTreeMap<String, Option<String>>,
    /// Names that lead elsewhere: symbolic links this session made, and a container's mounts.
    pub(crate) links: BTreeMap<String, Link>,
    /// The working directory, once a `cd` made it known or unknowable.
    pub(crate) cwd: Cwd,
    /// Variables that point at others (`declare -n`), or names beyond counting: nothing is certain any more.
    pub(crate) lost: bool,
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) to: String,
    /// A mounted directory: what is deleted there is deleted where it leads, not the link.
    pub(crate) mount: bool,
}

/// Where the shell stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Cwd {
    /// Where the session began: a home or project directory.
    #[default]
    Start,
    /// A known directory.
    At(String),
    /// Somewhere known only at run time.
    Anywhere,
}

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Var {
    /// Its exact text (with the engine's own marks for unknown parts).
    Text(String),
    /// An array's elements.
    List(Vec<String>),
    /// Assigned, but the value is known only at run time.
    Unknown,
}

impl Var {
    /// Whether it holds text that is a command once something evaluates it.
    pub(crate) fn holds_code(&self) -> bool {
        let code = |text: &String| text.contains("$(") || text.contains('`');
        match self {
            Self::Text(text) => code(text),
            Self::List(list) => list.iter().any(code),
            Self::Unknown => false,
        }
    }
}

impl ShellState {
    /// Most names (functions, aliases, variables and files together) a state holds.
    pub const MAX_NAMES: usize = 1024;
    /// Most bytes of names and definitions a state holds.
    pub const MAX_BYTES: usize = 128 * 1024;

    /// Forgets everything but the fact itself when the bounds are passed.
    pub(crate) fn bounded(self) -> Self {
        let texts = self.functions.iter().chain(&self.aliases).chain(&self.files);
        let mut bytes: usize =
            texts.map(|(name, text)| name.len() + text.as_ref().map_or(0, String::len)).sum();
        for (name, value) in &self.variables {
            bytes += name.len()
                + match value {
                    Var::Text(text) => text.len(),
                    Var::List(list) => list.iter().map(|text| text.len() + 24).sum(),
                    Var::Unknown => 0,
                };
        }
        bytes += self.links.iter().map(|(name, link)| name.len() + link.to.len()).sum::<usize>();
        bytes += self.odd.iter().map(String::len).sum::<usize>();
        let names = self.odd.len()
            + self.links.len()
            + self.functions.len()
            + self.aliases.len()
            + self.variables.len()
            + self.files.len();
        if names > Self::MAX_NAMES || bytes > Self::MAX_BYTES {
            return Self { lost: true, cwd: Cwd::Anywhere, ..Self::default() };
        }
        self
    }

    /// After code that could not be read: no variable is what it was.
    pub(crate) fn forget(&mut self) {
        for value in self.variables.values_mut() {
            *value = Var::Unknown;
        }
    }

    /// Assigns a variable, if it takes assignments as they are written.
    pub(crate) fn store(&mut self, name: &str, value: Var) {
        let value = if self.odd.contains(name) { Var::Unknown } else { value };
        self.variables.insert(name.to_owned(), value);
    }

    /// What holds when either this or the other state may be the true one.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self == other {
            return;
        }
        merge_names(&mut self.functions, &other.functions);
        merge_names(&mut self.aliases, &other.aliases);
        merge_names(&mut self.files, &other.files);
        let names: BTreeSet<&String> = self.variables.keys().chain(other.variables.keys()).collect();
        let differing: Vec<String> = names
            .into_iter()
            .filter(|name| self.variables.get(*name) != other.variables.get(*name))
            .cloned()
            .collect();
        for name in differing {
            self.variables.insert(name, Var::Unknown);
        }
        if self.cwd != other.cwd {
            self.cwd = Cwd::Anywhere;
        }
        for (name, link) in &other.links {
            self.links.entry(name.clone()).or_insert_with(|| link.clone());
        }
        self.odd.extend(other.odd.iter().cloned());
        self.lost |= other.lost;
    }
}

fn merge_names(mine: &mut BTreeMap<String, Option<String>>, other: &BTreeMap<String, Option<String>>) {
    for (name, text) in other {
        if mine.get(name) != Some(text) {
            mine.insert(name.clone(), None);
        }
    }
    for (name, text) in mine.iter_mut() {
        if !other.contains_key(name) {
            *text = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_possible_pasts_leave_what_differs_unknown() {
        let mut one = ShellState::default();
        one.variables.insert("x".into(), Var::Text("rm".into()));
        one.functions.insert("f".into(), Some("{ ls; }".into()));
        one.merge(&ShellState::default());
        assert_eq!(one.variables.get("x"), Some(&Var::Unknown));
        assert_eq!(one.functions.get("f"), Some(&None));
    }

    #[test]
    fn a_state_beyond_its_bounds_is_lost_not_truncated() {
        let mut state = ShellState::default();
        for index in 0..=ShellState::MAX_NAMES {
            state.variables.insert(format!("v{index}"), Var::Unknown);
        }
        let state = state.bounded();
        assert!(state.lost && state.variables.is_empty());
    }
}
