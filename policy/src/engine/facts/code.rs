//! Code of other languages, read by the words that reach outside: processes, files, the network, more code.

mod computing;
mod literals;

use super::Finding;
use crate::engine::place;

use literals::{opens_to_write, signals_everyone};
pub(super) use literals::{shell_texts, strings};

/// A language whose code may stand in an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Perl,
    Ruby,
    Node,
    Php,
    /// Another whose words are commands: not read.
    Commands,
    /// Any other: its code is read only as far as all its words are known to compute.
    Other,
}

/// Words that reach outside, per language. Matched anywhere in the code outside plain prose.
const PYTHON: &[&str] = &[
    "system",
    "popen",
    "subprocess",
    "exec",
    "eval",
    "compile",
    "__import__",
    "importlib",
    "getattr",
    "setattr",
    "globals",
    "__builtins__",
    "__class__",
    "rmtree",
    "remove",
    "unlink",
    "rmdir",
    "removedirs",
    "rename",
    "replace(",
    "truncate",
    "write",
    "chmod",
    "chown",
    "symlink",
    "link(",
    "makedirs",
    "mkdir",
    "kill",
    "fork",
    "spawn",
    "pty",
    "ctypes",
    "socket",
    "urlopen",
    "urlretrieve",
    "requests",
    "http.client",
    "ftplib",
    "smtplib",
    "paramiko",
    "shutil",
    "marshal",
    "pickle",
    "b64decode",
    "codecs",
    "fromhex",
    "bytes.",
    "chr(",
    "os.",
    "from os",
    "platform.popen",
    "signal",
    "runpy",
    "webbrowser",
    "multiprocessing",
    "shelve",
    "sqlite3",
    "input(",
    "breakpoint",
    "code.interact",
    "exit_handler",
    "posix",
];
const PERL: &[&str] = &[
    "system",
    "exec",
    "`",
    "qx",
    "unlink",
    "rmdir",
    "rename",
    "open",
    "eval",
    "fork",
    "kill",
    "truncate",
    "chmod",
    "chown",
    "symlink",
    "link",
    "require",
    "socket",
    "syscall",
    "rmtree",
    "remove_tree",
    "File::",
    "IO::",
    "LWP",
    "HTTP::",
    "MIME",
    "unpack",
    "pack",
    "do ",
    "use POSIX",
    "dbmopen",
    "mkdir",
    "utime",
    "/e",
    "}e",
    "print $",
    "<",
    "|",
    "sysopen",
    "ioctl",
];
const RUBY: &[&str] = &[
    "system",
    "exec",
    "`",
    "%x",
    "spawn",
    "popen",
    "open",
    "eval",
    "send",
    "fork",
    "Process",
    "File.",
    "FileUtils",
    "Dir.",
    "IO.",
    "Kernel",
    "require",
    "load",
    "rm",
    "unlink",
    "delete",
    "Net::",
    "Socket",
    "URI",
    "write",
    "unpack",
    "decode",
    "constantize",
    "Pathname",
    "trap",
];
const NODE: &[&str] = &[
    "child_process",
    "exec",
    "spawn",
    "fork",
    "eval",
    "Function",
    "fs",
    "unlink",
    "rm",
    "rename",
    "write",
    "truncate",
    "chmod",
    "chown",
    "process.kill",
    "process.binding",
    "process.mainModule",
    "net",
    "http",
    "dgram",
    "import(",
    "vm",
    "Buffer.from",
    "atob",
    "constructor",
    "fetch",
    "worker_threads",
    "Deno.",
    "Bun.",
    "appendFile",
    "symlink",
    "mkdir",
    "cluster",
    "globalThis",
    "global[",
];
const PHP: &[&str] = &[
    "system",
    "exec",
    "passthru",
    "popen",
    "proc_open",
    "`",
    "eval",
    "assert",
    "unlink",
    "rmdir",
    "rename",
    "file_put",
    "fopen",
    "fwrite",
    "chmod",
    "chown",
    "symlink",
    "include",
    "require",
    "curl",
    "fsockopen",
    "base64_decode",
    "create_function",
    "call_user",
    "array_map",
    "mail(",
    "copy(",
    "touch",
    "mkdir",
    "pcntl",
    "posix",
    "dl(",
    "$_",
    "file_get_contents(\"http",
    "file_get_contents('http",
    "preg_replace",
    "move_",
];

/// Harmless phrases that hold a listed word.
const HARMLESS: &[&str] = &[
    "sys.stdout.write",
    "sys.stderr.write",
    "process.stdout.write",
    "os.environ",
    "os.getcwd",
    "os.path",
    "os.listdir",
    "os.getenv",
    "os.cpu_count",
    "os.name",
    "os.uname",
    "os.sep",
    "os.getpid",
    "os.walk",
    "os.stat",
    "os.scandir",
    "require('./package.json')",
    "require(\"./package.json\")",
    "require('os')",
    "require(\"os\")",
    "require('path')",
    "platform.system",
    "json.load",
    "JSON.parse",
    "process.version",
    "import os",
    "import sys",
    "from __future__",
    "os.access",
    ".replace(",
    "re.compile",
    "require 'json'",
    "require \"json\"",
    "fs.readFileSync",
    "fs.existsSync",
    "require('fs')",
    "import fs from 'node:fs'",
    "import fs from \"node:fs\"",
    "import fs from 'fs'",
    "from 'node:path'",
    "from 'node:os'",
    "require('node:fs')",
    "require('node:path')",
    "require('node:os')",
    "fs.readdirSync",
    "fs.statSync",
    "require(\"fs\")",
    "YAML.load_file",
    "YAML.safe_load",
    "JSON.load_file",
    "File.read",
    "File.exist?",
    "perform",
    "format",
    "confirm",
    "normal",
    "term",
    "form",
    "arm",
    "firm",
    "inform",
    "norm",
    "networkInterfaces",
    "socket.gethostname",
    "import socket",
    "IO::Handle",
    "print $F[",
    "print $1",
    "print $_",
    "print $.",
    "=> ",
    "Dir.pwd",
    "Dir.glob",
    "Dir.entries",
    "Math.",
    "preg_replace(",
];

/// What code of this language may do.
pub(super) fn judge(language: Language, code: &str) -> Finding {
    let words = match language {
        Language::Python => PYTHON,
        Language::Perl => PERL,
        Language::Ruby => RUBY,
        Language::Node => NODE,
        Language::Php => PHP,
        Language::Commands => return Finding::confirm("runs-code"),
        Language::Other if computing::only_computes(code) => return Finding::ALLOW,
        Language::Other => return Finding::confirm("runs-code"),
    };
    let mut rest = code.to_owned();
    for phrase in HARMLESS {
        if rest.contains(phrase) {
            rest = rest.replace(phrase, " _ ");
        }
    }
    let jobs = code.contains("system") && code.contains("while") && code.contains("&\"");
    if jobs && !code.contains('\0') {
        return Finding::block("fork-bomb");
    }
    if code.contains('\0')
        || (code.contains("fork")
            && (code.contains("while") || code.contains("loop") || code.contains("for")))
    {
        let bomb = code.contains("fork") && !code.contains('\0');
        return if bomb { Finding::block("fork-bomb") } else { Finding::confirm("runs-code") };
    }
    if signals_everyone(code) {
        return Finding::block("kill-all");
    }
    // Python's write mode and escapes hide in strings: a backslash escape or a joined string is not read.
    let opens = opens_to_write(code);
    let hidden = opens || code.contains("\\x") || code.contains("\\u") || code.contains("\\1");
    if hidden || words.iter().any(|word| rest.contains(word)) {
        let target = strings(code).iter().any(|text| {
            crate::engine::place::Path::new(text, &crate::state::Cwd::Start)
                .parts
                .first()
                .is_some_and(|part| part == "dev")
                && !place::is_sink(text)
                && (writes_by_name(code) || code.contains("open") && (opens || language != Language::Python))
                && !text.starts_with("/dev/shm")
        });
        return if target { Finding::block("raw-device") } else { Finding::confirm("runs-code") };
    }
    Finding::ALLOW
}

/// Whether the code deletes trees.
pub(super) fn deletes(code: &str) -> bool {
    [
        "rmtree",
        "rm_r",
        "rm_rf",
        "remove_tree",
        "rmSync",
        "rmdirSync",
        "rimraf",
        "remove_entry",
        "remove_dir",
        "fs.rm",
        "rmdir",
        "unlink",
        "removedirs",
        "os.remove",
        ".rm(",
        "rm(",
        "removeSync",
        "Deno.remove",
        "File.delete",
        "delete-directory",
        "DirUtil",
    ]
    .iter()
    .any(|word| code.contains(word))
}

/// Whether the code deletes files, or opens some to write them anew.
pub(super) fn takes_files_away(code: &str) -> bool {
    deletes(code) || writes_by_name(code) || code.contains("open") && opens_to_write(code)
}

/// Whether the code calls something that writes to a file by its name.
fn writes_by_name(code: &str) -> bool {
    ["write", "Write", "put_contents", "truncate", "copy", "Copy", "dump", "tofile", "File.open", "rename"]
        .iter()
        .any(|word| code.contains(word))
}

/// Paths in the code: strings, and words that begin like one (`</bin/*>`).
pub(super) fn paths(code: &str) -> Vec<String> {
    let mut found = strings(code);
    if ["HOME", ".home()", "homedir()"].iter().any(|home| code.contains(home)) {
        found.push("~".to_owned());
    }
    let words = code.split(|c: char| c.is_whitespace() || "\"'`<>()[]{},;".contains(c));
    found.extend(words.filter(|word| word.starts_with(['/', '~'])).take(64).map(str::to_owned));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn code_that_only_computes_is_allowed() {
        for (language, code) in [
            (Language::Python, "print(1+1)"),
            (Language::Python, "import json,sys; print(json.load(sys.stdin)['a'])"),
            (Language::Python, "import sys; print(sys.version)"),
            (Language::Node, "console.log(process.version)"),
            (Language::Perl, "print 2**10"),
            (Language::Ruby, "puts RUBY_VERSION"),
            (Language::Php, "echo PHP_VERSION;"),
        ] {
            assert_eq!(judge(language, code).verdict, Verdict::Allow, "{code}");
        }
    }

    #[test]
    fn code_that_reaches_outside_is_not() {
        for (language, code) in [
            (Language::Python, "import os; os.system('ls')"),
            (Language::Python, "open('x','w').write('')"),
            (Language::Python, "__import__('o'+'s').system('x')"),
            (Language::Node, "require('child_process').execSync('ls')"),
            (Language::Perl, "unlink glob '*'"),
            (Language::Ruby, "`ls`"),
            (Language::Php, "system('ls');"),
            (Language::Other, "unlink(1)"),
        ] {
            assert_ne!(judge(language, code).verdict, Verdict::Allow, "{code}");
        }
    }
}
