//! Words that say, of a program whose table does not answer for them, that something is deleted, ended or taken back,
//! or only looked at.

use crate::config::glob;

/// Verbs that destroy or stop, as an operand, an option or one end of a compound (`apps:destroy`, `--reset-offsets`).
const DESTRUCTIVE: &str = " abandon clobber cordon deactivate decommission decommision del delete deleteall demote deprovision deregister destroy detach \
    disable downgrade drain drop erase evict expunge factory-reset failover flush flushall flushdb force-unlock fresh halt kill nuke obliterate \
    overwrite poweroff power-off prune purge reboot recreate reinit remove reset restart restore revert revoke rm rmr rollback \
    shred shutdown stop stopall suspend takeover teardown terminate trash truncate unban undeploy unapply uninstall unpublish unregister \
    wipe zap zeroize ";

/// Verbs that change what runs, as an operand by itself or the end of `a:b` only: in longer words they mean other things.
const CHANGING: &str =
    " apply cancel deploy down migrate promote publish repair standby switchover upgrade upload ";

/// Verbs of looking, which most programs that have verbs understand the same way.
const LOOKING: &str = " help version status list ls show info describe get inspect view print search find whoami doctor check validate lint verify \
    diff plan outdated stats top tree history log logs tail ping ps cat count env about explain examine health usage completion list-* get-* describe-* show-* ";

/// Verbs of building and checking, as a first operand (`test:unit`, `size-components`).
const WORKING: &str = " build compile test tests check lint fmt format typecheck bench benchmark coverage audit scan analyze analyse report summary size doc docs \
    simulate render parse decode dump disassemble synth typecheck profile graph spec metrics inspect measure estimate ";

/// Words before a verb of looking that make it the name of something done (`run show`).
const ACTING: &str = " run exec start set add put send write create new update edit make install load import apply post push call invoke execute sync do ";

/// Programs that only talk about the words they are given, or run tests of these names.
const TALKERS: &[&str] = &[
    "tldr", "cheat", "howdoi", "cht.sh", "figlet", "toilet", "cowsay", "say", "dict", "espeak", "apropos",
    "mdn", "mocha", "ctest", "jest", "vitest", "pytest", "rspec", "phpunit", "pest", "ava", "karma", "bats",
    "nose2", "prove", "cypress", "minitest", "busted",
];

/// Operands looked at: a command's verb stands near its beginning.
const NEAR: usize = 3;

/// Options after which a command for the program itself stands (`asterisk -rx 'core restart now'`).
const TOLD: &[&str] =
    &["-c", "-x", "-e", "-rx", "-q", "--command", "--execute", "--exec", "--eval", "--run", "--query"];

/// Words that begin statements which change a database, and what may follow them there.
const STATEMENTS: &[(&str, &str)] = &[
    (
        "drop",
        " table database schema index view user role column keyspace collection measurement function sequence type ",
    ),
    ("delete", " from "),
    ("truncate", " table "),
    ("alter", " table database user role system session schema "),
    ("insert", " into overwrite ignore "),
    ("merge", " into "),
    ("replace", " into "),
    ("create", " table database schema index view user role unique or temporary materialized "),
    ("grant", ""),
    ("revoke", ""),
    ("shutdown", " immediate abort normal transactional "),
];

/// Whether the words of a program of which nothing is known say that it only looks (`--version`, `cluster list`).
pub(crate) fn looks<'w>(words: impl Iterator<Item = &'w str> + Clone) -> bool {
    let has = |list: &str, word: &str| list.split_ascii_whitespace().any(|known| glob(known, word));
    let mut all = words.clone();
    if let (Some("--help" | "--version" | "-h" | "-V" | "-help" | "-version"), None) =
        (all.next(), all.next())
    {
        return true;
    }
    let mut operands = words.filter(|word| !word.starts_with('-')).take(NEAR);
    let first = operands.clone().next().unwrap_or_default();
    if first.split([':', '-']).next().is_some_and(|verb| has(WORKING, verb)) {
        return true;
    }
    operands.find(|word| has(LOOKING, word) || has(ACTING, word)).is_some_and(|word| has(LOOKING, word))
}

/// Whether a program only talks about the words it is given.
pub(crate) fn only_talks(name: &str) -> bool {
    TALKERS.contains(&name)
}

/// Whether the words of an unfamiliar program say that it destroys or ends something.
pub(crate) fn destroys<'w>(name: &str, words: impl Iterator<Item = &'w str>) -> bool {
    if only_talks(name) {
        return false;
    }
    let mut operands = 0;
    let mut told = false;
    let words: Vec<&str> = words.collect();
    if words.iter().any(|word| matches!(*word, "--dry-run" | "--dryrun" | "--help" | "-help"))
        || words.first() == Some(&"help")
    {
        return false;
    }
    for word in words {
        if std::mem::replace(&mut told, TOLD.contains(&word))
            && word.split_whitespace().take(NEAR).any(listed)
        {
            return true;
        }
        if let Some(option) = word.strip_prefix("--") {
            // What a checker is told to leave out.
            if word.starts_with("--disable=") {
                continue;
            }
            if is_verb(option.split('=').next().unwrap_or(option)) {
                return true;
            }
        } else if !word.starts_with('-') {
            operands += 1;
            if operands <= NEAR && (is_verb(word) || changes(word) || is_target(word))
                || changes_database(word)
            {
                return true;
            }
        } else if word.len() > 2 && listed(&word[1..]) {
            return true;
        }
    }
    false
}

fn listed(word: &str) -> bool {
    DESTRUCTIVE.split_ascii_whitespace().any(|verb| verb == word)
}

/// `//tools:wipe`: a target of a build that is run.
fn is_target(word: &str) -> bool {
    word.starts_with("//") && word.rsplit_once(':').is_some_and(|(_, name)| is_named(name, 1))
}

fn changes(word: &str) -> bool {
    let last = word.rsplit(':').next().unwrap_or(word);
    CHANGING.split_ascii_whitespace().any(|verb| verb == last)
}

/// A verb, or a compound that begins or ends with one.
fn is_verb(word: &str) -> bool {
    if word.len() > 40 || word.contains(['/', '\0', ' ']) {
        return false;
    }
    let word = word.to_ascii_lowercase();
    // A test or check of that name destroys nothing.
    if word.split([':', '-', '_']).any(|part| matches!(part, "test" | "tests" | "check" | "lint" | "spec")) {
        return false;
    }
    let ends = |mark: char| {
        word.split_once(mark).is_some_and(|(first, _)| listed(first))
            || word.rsplit_once(mark).is_some_and(|(_, last)| listed(last))
    };
    listed(&word)
        || [':', '-', '_'].into_iter().any(ends)
        || word.rsplit_once('.').is_some_and(|(_, last)| listed(last))
}

/// What a word says that has a program start a shell, load code or be told to run something.
const RUNS: &[&str] = &[
    "/bin/sh",
    "/bin/bash",
    "/bin/dash",
    "/bin/zsh",
    "/bin/ash",
    "system(",
    "exec(",
    "popen(",
    "os.execute",
    "write18",
    "child_process",
    "subprocess.",
    "Runtime.getRuntime",
    "shell_exec",
    "ProxyCommand",
    "proc_open",
];

/// Options that load or run what they name, whatever program has them.
const LOADS: &[&str] = &[
    "--shell-escape",
    "-shell-escape",
    "--enable-write18",
    "-wrapper",
    "--rsh-command",
    "-engine",
    "--lua-filter",
    "--pdf-engine",
    "--script-security",
    "--custom-dir",
    "--batch-interpreter",
    "--use-compress-program",
    "--to-command",
    "--checkpoint-action",
    "--on-download-complete",
    "--on-download-error",
];

/// Whether a word hands a shell or code to a program whose table does not read it.
pub(crate) fn hands_code(word: &str) -> bool {
    RUNS.iter().any(|part| word.contains(part))
        || word.starts_with('-')
            && (LOADS.contains(&word.split('=').next().unwrap_or(word)) || word.starts_with("-Xlua_script"))
}

/// Parts of a program's own name that say what it is there for (`k3s-uninstall.sh`).
const NAMED: &str =
    " uninstall destroy delete drop wipe purge reset nuke erase remove teardown cleanup obliterate shred ";

/// Parts that say that nobody vouches for it.
const FOREIGN: &str = " untrusted unknown payload exploit malware evil malicious opaque suspicious downloaded web backdoor dropper ransomware rootkit miner ";

/// Parts that take it back: a test of deletion deletes nothing that anybody misses.
const ABOUT: &str = " test tests spec check lint mock dry list show verify can ";

fn is_named(name: &str, parts: usize) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let has = |list: &str| {
        stem.split(['-', '_']).any(|part| list.split_ascii_whitespace().any(|known| known == part))
    };
    stem.split(['-', '_']).count() >= parts && has(NAMED) && !has(ABOUT)
}

/// Whether the name of a program says that it destroys.
pub(crate) fn named_to_destroy(name: &str) -> bool {
    is_named(name, 2)
}

/// Whether the name of a script that somebody wrote for one purpose says that it destroys (`wipe.hs`).
pub(crate) fn script_destroys(name: &str) -> bool {
    is_named(name, if name.contains('.') { 1 } else { 2 })
}

/// Whether the name of a script says that it came from elsewhere (`script-from-web.sh`).
pub(crate) fn script_is_foreign(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.split(['-', '_', '.']).any(|part| FOREIGN.split_ascii_whitespace().any(|known| known == part))
}

/// Whether the words of a path of an address (`/_all/_close`, `/admin/shutdown`) or of a body say it.
pub(crate) fn destroys_somewhere(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .any(|word| listed(&word) || matches!(word.as_str(), "close" | "leave" | "reload" | "quit" | "clear"))
}

/// Whether a text given as one word begins or holds a statement that changes a database.
pub(crate) fn changes_database(text: &str) -> bool {
    if !text.contains(' ') {
        return false;
    }
    text.split([';', '\n']).any(|statement| {
        let mut words = statement.split_whitespace().map(str::to_ascii_lowercase);
        let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
        STATEMENTS.iter().any(|(verb, after)| {
            first == *verb && (after.is_empty() || after.split_ascii_whitespace().any(|word| word == second))
        }) || first == "update" && words.any(|word| word == "set")
    })
}

#[cfg(test)]
mod tests {
    use super::destroys;

    #[test]
    fn a_verb_that_destroys_is_found_where_verbs_stand() {
        for words in [
            "vm delete x",
            "apps:destroy x",
            "--reset-offsets",
            "queue delete_queue x",
            "-purge",
            "server a stop",
        ] {
            assert!(destroys("newtool", words.split(' ')), "{words}");
        }
        assert!(destroys("newtool", ["sql", "-e", "DELETE FROM t"].into_iter()));
        assert!(destroys("newtool", ["UPDATE t SET a=1"].into_iter()));
    }

    #[test]
    fn words_about_destruction_are_not_verbs() {
        for words in
            ["list deleted", "show a b delete", "src/delete.c", "restarts", "--dropout=0.1", "get update"]
        {
            assert!(!destroys("newtool", words.split(' ')), "{words}");
        }
        assert!(!destroys("tldr", ["delete"].into_iter()));
        assert!(!destroys("newtool", ["select a from drop_log"].into_iter()));
    }
}
