//! What is known about programs, as data.
//!
//! Each file is one domain. A row says what an invocation does in `guarded`; a `reads` line says which invocations
//! are proven read-only. The little pattern language of rows is described at [`Tool`].

mod advice;
mod cloud;
mod containers;
mod hosts;
mod network;
mod ordinary;
mod packages;
pub(crate) mod places;
mod projects;
pub(crate) mod reading;
mod reasons;
pub(crate) mod runners;
mod services;
mod spellings;
pub(crate) mod statements;
mod storage;
mod users;
mod variables;
pub(crate) mod verbs;
mod versions;
pub(crate) mod wrappers;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::verdict::Verdict;

pub(crate) use advice::instead;
pub(crate) use reasons::{is_catastrophe, reason};
pub(crate) use spellings::spellings;
pub(crate) use variables::{harmless_variable, variable_rule};

/// What is known about one program, or several that take the same arguments.
///
/// A pattern is a list of tokens, all of which must hold:
/// `word|other` the next operand is one of these (globs allowed; `*` is any operand); `+-f|--force` one of these
/// options is given; `!-o|--output` none of these options is given; `$` no operand is left.
/// `~word|other` some operand is one of these; `!word|other` no operand is (one known only at run time may be).
/// Operands are the words that are no options; the words after options in `values` are those options' values (`-I=`
/// takes a value in its own word only). A `!` token also looks at values that begin with `-`.
/// A row that begins with `^ ` lifts all others where it holds beyond doubt; such rows stand first.
/// `=-b` is that option as a whole word. Short options are found in clusters (`-rf`), long ones in their abbreviations (`--forc`).
pub(crate) struct Tool {
    /// Names, separated by spaces.
    pub(crate) names: &'static str,
    /// Options that take the next word as their value, separated by spaces.
    pub(crate) values: &'static str,
    /// What an invocation does that no row describes.
    pub(crate) otherwise: (Verdict, &'static str),
    /// Verdict, rule and pattern; the strictest row that matches holds.
    pub(crate) rows: &'static [(Verdict, &'static str, &'static str)],
    /// Patterns of invocations proven to read only.
    pub(crate) reads: &'static [&'static str],
}

/// Short names for the tables' verdicts.
mod short {
    pub(super) const A: super::Verdict = super::Verdict::Allow;
    pub(super) const C: super::Verdict = super::Verdict::Confirm;
    pub(super) const B: super::Verdict = super::Verdict::Block;
}

/// Every table.
fn all() -> impl Iterator<Item = &'static Tool> {
    [
        cloud::TOOLS,
        containers::TOOLS,
        hosts::TOOLS,
        network::TOOLS,
        packages::TOOLS,
        projects::TOOLS,
        reading::TOOLS,
        services::TOOLS,
        storage::TOOLS,
        users::TOOLS,
        versions::TOOLS,
    ]
    .into_iter()
    .flatten()
}

static TOOLS: LazyLock<HashMap<&'static str, &'static Tool>> =
    LazyLock::new(|| all().flat_map(|tool| tool.names.split(' ').map(move |name| (name, tool))).collect());

/// The table entry of a program.
pub(crate) fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.get(name).copied()
}

/// Every pattern of the tables, with the options that take values there.
#[cfg(test)]
pub(crate) fn patterns() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    all().flat_map(|tool| {
        let rows = tool.rows.iter().map(|row| row.2.trim_start_matches("^ "));
        rows.chain(tool.reads.iter().copied()).map(|pattern| (tool.names, tool.values, pattern))
    })
}

/// Every rule that a row of the tables gives.
#[cfg(test)]
pub(crate) fn rules() -> impl Iterator<Item = &'static str> {
    TOOLS.values().flat_map(|tool| tool.rows.iter().map(|row| row.1).chain([tool.otherwise.1]))
}

/// Programs read by code of their own rather than by a row.
const SPECIAL: &str = " rm rmdir unlink shred mv cp install ln tee touch mkdir truncate chmod chown chgrp dd rsync tar unzip zip \
    gzip gunzip find fd xargs parallel sed awk gawk curl wget ssh scp sftp nc tmux screen logger needrestart psql mysql sqlite3 redis-cli vim vi less more \
    man kill pkill killall git docker podman kubectl at sh bash dash zsh ksh fish python python3 perl ruby node php lua ";

static ORDINARY: LazyLock<HashSet<&'static str>> = LazyLock::new(|| ordinary::names().collect());

/// Whether the name stands in one of the tables or lists.
pub(crate) fn is_listed(name: &str) -> bool {
    ORDINARY.contains(name) || is_program(name)
}

/// Whether the name stands for a program of everyday work that no table describes by its arguments.
pub(crate) fn is_ordinary(name: &str) -> bool {
    ORDINARY.contains(name) || runners::find(name).is_some() || is_editor(name) || verbs::only_talks(name)
}

/// Builtins whose redefinition changes what later commands mean.
const BUILTINS: &str = " : cd echo printf test [ eval exec source . command builtin export set unset read trap alias type pwd true \
    false kill wait exit return local declare shift ";

static SPECIAL_NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| SPECIAL.split_whitespace().collect());
static BUILTIN_NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| BUILTINS.split_whitespace().collect());

/// Options of `set -o` that change nothing about how text is read: those of POSIX (XCU set), bash and ksh. zsh has
/// others, which do (`cshjunkiequotes`).
const SHELL_OPTIONS: &str = "allexport errexit errtrace functrace braceexpand hashall histexpand history ignoreeof interactive-comments \
    keyword monitor noclobber noexec noglob nolog notify nounset onecmd physical pipefail posix privileged verbose vi \
    emacs xtrace gmacs bgnice globstar markdirs trackall viraw unset log clobber glob exec";

/// Whether `set -o` takes this name without changing how later commands are read. zsh cares for neither case nor
/// underscores.
pub(crate) fn is_shell_option(name: &str) -> bool {
    let plain = name.replace('_', "").to_lowercase();
    SHELL_OPTIONS.split_whitespace().any(|option| option == plain)
}

/// Whether the name stands for a program or builtin the engine knows: redefining it is suspicious.
pub(crate) fn is_known(name: &str) -> bool {
    is_program(name) || BUILTIN_NAMES.contains(name)
}

/// Whether the name stands for a program that people edit or read text with.
pub(crate) fn is_editor(name: &str) -> bool {
    matches!(
        name,
        "nano"
            | "nvim"
            | "emacs"
            | "ed"
            | "ex"
            | "micro"
            | "code"
            | "subl"
            | "most"
            | "delta"
            | "bat"
            | "diffr"
            | "helix"
            | "hx"
            | "pico"
            | "joe"
            | "kak"
    )
}

/// Whether the name stands for a program other than a builtin.
pub(crate) fn is_program(name: &str) -> bool {
    TOOLS.contains_key(name) || SPECIAL_NAMES.contains(name) || wrappers::find(name).is_some()
}

/// Whether programs are normally found in this directory.
pub(crate) fn is_program_directory(dir: &str) -> bool {
    matches!(
        dir,
        "/bin"
            | "/sbin"
            | "/usr/bin"
            | "/usr/sbin"
            | "/usr/local/bin"
            | "/usr/local/sbin"
            | "/opt/homebrew/bin"
            | "/snap/bin"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_program_stands_in_two_tables() {
        let mut seen = std::collections::BTreeSet::new();
        let described = all().flat_map(|tool| tool.names.split(' '));
        let ordinary = ordinary::names();
        let twice: Vec<&str> = described.chain(ordinary).filter(|name| !seen.insert(*name)).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
