//! Taking a secret from a person: a hidden prompt, stdin or a file; never an
//! argument, which others can see.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use sallyport_protocol::text::SecretBytes;
use zeroize::{Zeroize, Zeroizing};

use super::admin::usage;
use super::output::Problem;

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const ERASE: [u8; 2] = [0x08, 0x7f];
const ERASE_LINE: u8 = 0x15;

/// A line typed at a hidden prompt, or all of stdin without its last line end.
///
/// # Errors
/// When nothing is given, or more than a record may hold.
pub fn typed(prompt: &str) -> Result<SecretBytes, Problem> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let line = Hidden::start()?.read_line(&format!("{prompt}: "))?;
        return taken(line);
    }
    let mut bytes = read_bounded(stdin.lock())?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    taken(bytes)
}

/// A line typed at a hidden prompt, or one line of stdin; none when it was given up.
pub fn answer(prompt: &str) -> Option<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let line = super::output::reply(prompt)?;
        return Some(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let line = Hidden::start().ok()?.read_line(&format!("{prompt} ")).ok()?;
    String::from_utf8(line.to_vec()).ok()
}

/// The content of a file; `-` is stdin.
///
/// # Errors
/// When it cannot be read, is empty, or is more than a record may hold.
pub fn from_file(path: &Path) -> Result<SecretBytes, Problem> {
    if path == Path::new("-") {
        return taken(read_bounded(std::io::stdin().lock())?);
    }
    let file = File::open(path).map_err(|error| {
        Problem::usage(format!("{} cannot be read: {error}", path.display()), "check the path")
    })?;
    taken(read_bounded(file)?)
}

fn taken(mut bytes: Zeroizing<Vec<u8>>) -> Result<SecretBytes, Problem> {
    if bytes.is_empty() {
        return Err(Problem::usage(
            "no secret was given",
            "type it at the prompt, or give it on standard input; nothing was changed",
        ));
    }
    SecretBytes::new(std::mem::take(&mut *bytes)).map_err(usage)
}

/// Reads into a buffer that never moves, so that no copy is left behind.
fn read_bounded(from: impl Read) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let limit = SecretBytes::MAX + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    from.take(limit as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| Problem::usage(format!("the secret cannot be read: {error}"), "try again"))?;
    Ok(bytes)
}

/// The terminal while it shows nothing of what is typed; as it was when dropped.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn start() -> Result<Self, Problem> {
        let refused = |errno: nix::Error| {
            Problem::usage(
                format!("the terminal cannot hide what is typed: {errno}"),
                "give the secret on standard input",
            )
        };
        let before = tcgetattr(std::io::stdin()).map_err(refused)?;
        let mut hidden = before.clone();
        // Without ISIG an interrupt is read as a byte, so that the terminal is
        // put right again before we leave.
        hidden.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &hidden).map_err(refused)?;
        Ok(Self { before })
    }

    /// The prompt is shown only now that the terminal hides: whoever answers it the moment it appears is neither
    /// shown nor lost (`TCSAFLUSH` forgets what was typed before it).
    fn read_line(self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
        eprint!("{prompt}");
        let line = edit(keys());
        drop(self);
        eprintln!();
        let _ = std::io::stderr().flush();
        line.ok_or_else(|| Problem::usage("no secret was given", "nothing was changed; try again"))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &self.before);
    }
}

/// What is typed, read a byte at a time past the buffer of [`std::io::stdin`], which would keep a copy.
fn keys() -> impl Iterator<Item = u8> {
    std::iter::from_fn(|| {
        let mut key = [0];
        loop {
            match nix::unistd::read(std::io::stdin(), &mut key) {
                Ok(0) => return None,
                Ok(_) => return Some(key[0]),
                Err(nix::Error::EINTR) => {}
                Err(_) => return None,
            }
        }
    })
}

/// A line from key presses; `None` when it was given up.
fn edit(keys: impl Iterator<Item = u8>) -> Option<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(SecretBytes::MAX + 1));
    for key in keys {
        match key {
            b'\n' | b'\r' => return Some(line),
            INTERRUPT => return None,
            END if line.is_empty() => return None,
            END => return Some(line),
            ERASE_LINE => line.zeroize(),
            key if ERASE.contains(&key) => {
                // A whole character, not one byte of it.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            _ if line.len() > SecretBytes::MAX => return Some(line),
            key => line.push(key),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(keys: &[u8]) -> Option<Vec<u8>> {
        edit(keys.iter().copied()).map(|line| line.to_vec())
    }

    #[test]
    fn a_line_ends_with_enter_and_can_be_corrected() {
        assert_eq!(edited(b"secret\rrest").unwrap(), b"secret");
        assert_eq!(edited("aä\x7fb\n".as_bytes()).unwrap(), b"ab");
        assert_eq!(edited(b"wrong\x15right\n").unwrap(), b"right");
        assert_eq!(edited(b"\x7f\n").unwrap(), b"");
    }

    #[test]
    fn an_interrupt_or_the_end_gives_nothing() {
        assert_eq!(edited(b"half\x03\n"), None);
        assert_eq!(edited(b"\x04"), None);
        assert_eq!(edited(b"half"), None);
    }

    #[test]
    fn a_file_that_is_empty_missing_or_too_large_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(from_file(&path).is_err());
        std::fs::write(&path, "").unwrap();
        assert!(from_file(&path).is_err());
        std::fs::write(&path, vec![b'x'; SecretBytes::MAX + 1]).unwrap();
        assert!(from_file(&path).is_err());
        std::fs::write(&path, vec![b'x'; SecretBytes::MAX]).unwrap();
        assert!(from_file(&path).is_ok());
    }
}
