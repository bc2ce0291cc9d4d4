//! How a command in a session is given its standard input, byte for byte: the session's shell must find it in the
//! text that it reads, and no two shells have the same ways to write down what is no line of text.

use super::dialect::Dialect;
use super::frame::SHUT;
use super::marks::Mark;

/// Bytes of input that one command prints: a shell holds them a few times over while it reads that.
const PIECE: usize = 16 * 1024;

/// A way to give a command input.
enum Way {
    /// A here-document in the text of an `eval`. Where the last line has no end, it ends with that text: POSIX leaves
    /// open what becomes of it, and these shells take it as it stands. (bash adds a line end and complains, and mksh
    /// refuses it.)
    Document,
    /// From a process substitution.
    Substitution,
    /// From a file, which every shell can, and which has no name any more when the command begins.
    Spilled,
}

impl Way {
    fn of(dialect: Dialect, input: &[u8]) -> Self {
        let is_text = !input.contains(&0) && std::str::from_utf8(input).is_ok();
        match dialect {
            Dialect::Brief => Self::Substitution,
            Dialect::Posix | Dialect::Zsh if is_text => Self::Document,
            Dialect::Ksh if is_text && input.ends_with(b"\n") => Self::Document,
            _ => Self::Spilled,
        }
    }
}

/// Runs `run` with this input.
pub fn fed(run: &str, input: &[u8], mark: &Mark, dialect: Dialect) -> String {
    if input.is_empty() {
        return format!("{run} </dev/null {SHUT}");
    }
    // Nobody knows this word before.
    let ((first, second), word) = (mark.halves(), dialect.word());
    match Way::of(dialect, input) {
        Way::Document => {
            let text = String::from_utf8_lossy(input);
            let end = if text.ends_with('\n') { format!("{second}{first}") } else { String::new() };
            let document = format!("{run} <<'{second}{first}' {SHUT}\n{text}{end}");
            format!("{word}eval {}", dialect.quote(&document))
        }
        Way::Substitution => format!("{run} < <({{ {}; }} {SHUT}) {SHUT}", printed(input, dialect)),
        Way::Spilled => {
            // Under noclobber no link is followed. Without the whole input nothing runs, nor while the file has its name.
            let file = format!("\"${{TMPDIR:-/tmp}}/.{second}{first}\"");
            let remove = format!("(PATH=/usr/bin:/bin:${{PATH-}}; {}rm -f {file})", dialect.program());
            format!(
                "({word}umask 077; {word}set -C; {{ {}; }} >{file}) </dev/null {SHUT} || {{ {remove}; ({word}exit 1); }} {SHUT} && \
                 {{ {remove} && {run}; }} <{file} {SHUT}",
                printed(input, dialect)
            )
        }
    }
}

/// Commands that print the input, on one line. `\0` and three octal digits are any byte (XCU printf, `%b`).
fn printed(input: &[u8], dialect: Dialect) -> String {
    let mut commands = Vec::new();
    for piece in input.chunks(PIECE) {
        let mut escaped = String::with_capacity(piece.len() + 16);
        for byte in piece {
            match byte {
                b'\\' => escaped.push_str(r"\\"),
                b'\n' => escaped.push_str(r"\n"),
                b'\'' | b'!' | 0..=0x1f | 0x7f.. => escaped.push_str(&format!("\\0{byte:03o}")),
                _ => escaped.push(char::from(*byte)),
            }
        }
        commands.push(dialect.prints(&escaped));
    }
    // One that could not write ends it all.
    commands.join(" && ")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// What a shell says that is given `text` as its own input.
    fn said(shell: &[&str], text: &str, from: &std::path::Path) -> Option<Vec<u8>> {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg("-s").env("TMPDIR", from).current_dir(from);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            println!("skipped: no {} here", shell[0]);
            return None;
        };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        Some(child.wait_with_output().unwrap().stdout)
    }

    #[test]
    fn every_shell_gives_a_command_the_very_bytes_and_keeps_what_it_changes() {
        let all: Vec<u8> = (0..=255).collect();
        let long = [b"a".repeat(PIECE + 1), all.repeat(PIECE / 256), b"%s\\c'\\0101\\\\n".to_vec()].concat();
        let inputs: [&[u8]; 10] = [
            b"",
            b"\n",
            b"a\n\tit's\n",
            b"a\n!!\n!1\nb",
            b"last",
            b"a\nb",
            b"\0",
            b"it's\0\n",
            "-e \u{fc}\\c%d".as_bytes(),
            &long,
        ];
        let table: [(&[&str], &[Dialect]); 10] = [
            (&["dash"], &[Dialect::Posix]),
            (&["busybox", "ash"], &[Dialect::Posix]),
            (&["ksh93"], &[Dialect::Ksh]),
            (&["mksh"], &[Dialect::Ksh]),
            (&["zsh"], &[Dialect::Zsh]),
            (&["bash"], &[Dialect::Bash, Dialect::Brief]),
            (&["bash", "-o", "posix"], &[Dialect::Bash]),
            (&["bash", "-eu"], &[Dialect::Bash, Dialect::Brief]),
            (&["bash", "-o", "history", "-H"], &[Dialect::Bash, Dialect::Brief]),
            (&["zsh", "-o", "cshjunkiequotes"], &[Dialect::Zsh]),
        ];
        let from = tempfile::tempdir().unwrap();
        for (shell, dialects) in table {
            for (dialect, input) in dialects.iter().flat_map(|dialect| inputs.map(|input| (*dialect, input)))
            {
                let frame =
                    fed("eval 'v=kept; od -An -v -tx1; echo end'", input, &Mark::random().unwrap(), dialect);
                let text = format!("v=\n{frame}\necho $? $v; umask; set -C; umask 077\n");
                let Some(said) = said(shell, &text, from.path()) else { continue };
                let said = String::from_utf8(said).unwrap();
                let (bytes, rest) = said.split_once("end\n").unwrap_or(("", &said));
                let bytes: Vec<u8> =
                    bytes.split_whitespace().map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect();
                assert!(bytes == input, "{shell:?}: {} bytes of {}", bytes.len(), input.len());
                let umask =
                    rest.strip_prefix("0 kept\n").map(|umask| umask.trim_start_matches('0').trim_end());
                assert_eq!(umask, Some("22"), "{shell:?}: {input:?}");
                let left = std::fs::read_dir(from.path()).unwrap().count();
                assert_eq!(left, 0, "{shell:?}: nothing is left behind");
            }
        }
    }

    #[test]
    fn nothing_is_left_behind_where_no_program_is_found() {
        let from = tempfile::tempdir().unwrap();
        for (shell, dialect) in [("ksh93", Dialect::Ksh), ("mksh", Dialect::Ksh), ("bash", Dialect::Bash)] {
            let run = "eval 'read -r x; echo \"<$x>\"'";
            let frame = fed(run, b"last", &Mark::random().unwrap(), dialect);
            let text = format!("PATH=/nowhere\n{frame}\n");
            let Some(said) = said(&[shell], &text, from.path()) else { continue };
            assert_eq!(String::from_utf8_lossy(&said), "<last>\n", "{shell}");
            assert_eq!(std::fs::read_dir(from.path()).unwrap().count(), 0, "{shell}");
        }
    }

    #[test]
    fn a_command_whose_input_cannot_be_written_down_does_not_run() {
        let nowhere = std::path::Path::new("/proc");
        for shell in ["dash", "mksh", "ksh93", "bash"] {
            let frame = fed("eval 'echo ran'", b"last", &Mark::random().unwrap(), Dialect::Ksh);
            let Some(said) = said(&[shell], &format!("{frame}\necho $?\n"), nowhere) else { continue };
            assert_eq!(String::from_utf8_lossy(&said), "1\n", "{shell}");
        }
    }
}
