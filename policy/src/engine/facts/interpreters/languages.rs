//! Interpreters of languages, and their options that take code.

use super::Language;

/// An interpreter's options.
pub(super) struct Interpreter {
    pub(super) names: &'static str,
    /// Options whose value is code.
    pub(super) code: &'static [&'static str],
    /// Options with a value that is no code.
    pub(super) values: &'static [&'static str],
    /// Options that only print something.
    pub(super) prints: &'static [&'static str],
    pub(super) language: Language,
}

pub(super) const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: "python ipython ipython3 python2 python3 pypy pypy3 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13",
        code: &["-c"],
        values: &["-W", "-X", "--check-hash-based-pycs"],
        prints: &["-V", "-VV", "--version", "-h"],
        language: Language::Python,
    },
    Interpreter {
        names: "perl",
        code: &["-e", "-E"],
        values: &["-I", "-M", "-x"],
        prints: &["-v", "-V"],
        language: Language::Perl,
    },
    Interpreter {
        names: "ruby irb jruby",
        code: &["-e"],
        values: &["-I", "-r", "-C", "-F"],
        prints: &["-v", "--version"],
        language: Language::Ruby,
    },
    Interpreter {
        names: "node nodejs deno bun",
        code: &["-e", "--eval", "-p", "--print", "-pe"],
        values: &["-r", "--require", "--import", "-C"],
        prints: &["-v", "--version", "-h"],
        language: Language::Node,
    },
    Interpreter {
        names: "php php-cgi",
        code: &["-r", "-R", "-B", "-E"],
        values: &["-d", "-c", "-z"],
        prints: &["-v", "-m", "-i", "--version"],
        language: Language::Php,
    },
    Interpreter {
        names: "lua luajit",
        code: &["-e"],
        values: &["-l"],
        prints: &["-v"],
        language: Language::Other,
    },
    Interpreter {
        names: "gdb lldb cgdb",
        code: &[
            "-ex",
            "-iex",
            "-eval-command",
            "-x",
            "-o",
            "--one-line",
            "-O",
            "--one-line-before-file",
            "-s",
            "--source",
        ],
        values: &[],
        prints: &["-v", "--version"],
        language: Language::Other,
    },
    Interpreter {
        names: "Rscript R julia octave octave-cli groovy scala kotlin raku ocaml elixir iex erl clojure clj bb csharp gnuplot jjs jrunscript jshell slsh m4 \
            janet fennel fsi fsharpi",
        code: &["-e", "-E", "--eval", "--print", "--rpc-eval", "-eval"],
        values: &[],
        prints: &["-v", "--version", "-version", "-V", "-h", "--help"],
        language: Language::Other,
    },
    Interpreter {
        names: "ghc ghci runghc runhaskell swipl gs maxima",
        code: &["-e", "-g", "-t", "-c", "--batch-string"],
        values: &[],
        prints: &["-v", "--version", "-V", "-h", "--help"],
        language: Language::Other,
    },
    Interpreter {
        names: "tclsh wish expect osascript pwsh powershell nu xonsh elvish",
        code: &["-e", "-c", "-Command", "-x", "-EncodedCommand", "--commands", "-l"],
        values: &[],
        prints: &["-v", "--version"],
        language: Language::Commands,
    },
    Interpreter {
        names: "guile racket sbcl pry byebug ginsh hy newlisp gforth chez sage wolframscript matlab \
            psysh",
        code: &[
            "-e",
            "-c",
            "-ex",
            "--eval",
            "-E",
            "-Command",
            "-x",
            "-eval",
            "-EncodedCommand",
            "-code",
            "-batch",
            "-r",
            "--command",
            "--execute",
        ],
        values: &[],
        prints: &["-v", "--version"],
        language: Language::Other,
    },
];

/// Shells, by name.
pub(super) const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash", "rbash", "fish", "csh", "tcsh", "yash",
    "posh", "rc", "es", "sash", "oksh", "loksh", "osh", "ysh", "hush",
];
