//! An OpenPGP smartcard and the scdaemon in front of it, for gpg-agent: as the real ones behave with a card that holds
//! one decryption key (Curve25519) and forgets its PIN when the daemon ends. Speaks the Assuan protocol as far as
//! gpg-agent asks for it. Everything about the card lies in files of the GPG home.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use curve25519_dalek::MontgomeryPoint;

/// The card's application id: OpenPGP 3.4, a manufacturer for tests, serial number 1.
pub const SERIAL: &str = "D2760001240103040000000000010000";
/// The wrong PINs after which the card takes none any more.
const TRIES: u8 = 3;

/// What scdaemon answers with (`gpg-error.h`; 6 is its number as the source).
const BAD_PIN: (u32, &str) = (6 << 24 | 87, "Bad PIN");
const CANCELED: (u32, &str) = (6 << 24 | 99, "Operation cancelled");
const CARD_NOT_PRESENT: (u32, &str) = (6 << 24 | 112, "Card not present");
const PIN_BLOCKED: (u32, &str) = (6 << 24 | 130, "PIN blocked");
const NOT_SUPPORTED: (u32, &str) = (6 << 24 | 60, "Not supported");

/// A card's files in a GPG home.
#[derive(Debug)]
pub struct Card {
    home: PathBuf,
}

impl Card {
    /// Makes a card with a fresh key that `pin` opens.
    pub fn make(home: &Path, pin: &str) -> io::Result<Self> {
        let card = Self { home: home.to_owned() };
        let mut key = [0; 32];
        io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut key)?;
        fs::write(card.file("key"), key)?;
        fs::write(card.file("pin"), pin)?;
        Ok(card)
    }

    /// The card of a GPG home.
    pub fn at(home: &Path) -> Self {
        Self { home: home.to_owned() }
    }

    /// Takes the card out of its reader, or puts it back.
    pub fn set_inserted(&self, inserted: bool) {
        let done = if inserted { fs::remove_file(self.file("out")) } else { fs::write(self.file("out"), "") };
        done.expect("a file of ours");
    }

    fn is_inserted(&self) -> bool {
        !self.file("out").exists()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.join(format!("card.{name}"))
    }

    fn key(&self) -> io::Result<[u8; 32]> {
        fs::read(self.file("key"))?.try_into().map_err(|_| io::Error::other("a key has 32 bytes"))
    }

    /// Wrong PINs so far; the card counts them, not the daemon.
    fn wrong(&self) -> u8 {
        fs::read(self.file("wrong")).ok().and_then(|count| count.first().copied()).unwrap_or(0)
    }
}

/// What the daemon does when it was asked something.
type Reply = Result<(), (u32, &'static str)>;

/// One conversation with gpg-agent.
pub struct Daemon<R, W> {
    card: Card,
    from: R,
    to: W,
    /// What is to be decrypted.
    data: Vec<u8>,
    /// Whether the card has seen its PIN since it was inserted.
    open: bool,
}

impl<R: BufRead, W: Write> Daemon<R, W> {
    /// The daemon in front of a card.
    pub fn new(card: Card, from: R, to: W) -> Self {
        Self { card, from, to, data: Vec::new(), open: false }
    }

    /// Answers until gpg-agent is gone.
    ///
    /// # Errors
    /// When it cannot be read from or written to.
    pub fn serve(mut self) -> io::Result<()> {
        self.say("OK ready")?;
        while let Some(line) = self.hear()? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let reply = match verb {
                "SERIALNO" => self.serial()?,
                "GETATTR" if rest == "SERIALNO" => self.serial()?,
                "READKEY" => self.public_key()?,
                "SETDATA" => self.take(rest),
                "PKDECRYPT" => self.decrypt()?,
                "OPTION" | "RESTART" | "NOP" => Ok(()),
                "BYE" => return self.say("OK"),
                _ => Err(NOT_SUPPORTED),
            };
            match reply {
                Ok(()) => self.say("OK")?,
                Err((code, text)) => self.say(&format!("ERR {code} {text} <SCD>"))?,
            }
        }
        Ok(())
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.to, "{line}").and_then(|()| self.to.flush())
    }

    fn hear(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.from.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches('\n').to_owned()))
    }

    /// A data line, with what is special in it escaped.
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(b"D ")?;
        for byte in bytes {
            match byte {
                b'%' | b'\r' | b'\n' => write!(self.to, "%{byte:02X}")?,
                plain => self.to.write_all(&[*plain])?,
            }
        }
        self.say("")
    }

    fn serial(&mut self) -> io::Result<Reply> {
        if !self.card.is_inserted() {
            self.open = false;
            return Ok(Err(CARD_NOT_PRESENT));
        }
        self.say(&format!("S SERIALNO {SERIAL}"))?;
        Ok(Ok(()))
    }

    fn public_key(&mut self) -> io::Result<Reply> {
        let point = MontgomeryPoint::mul_base_clamped(self.card.key()?).to_bytes();
        let mut text = b"(10:public-key(3:ecc(5:curve10:Curve25519)(5:flags9:djb-tweak)(1:q33:\x40".to_vec();
        text.extend(point);
        text.extend(b")))");
        self.data(&text)?;
        Ok(Ok(()))
    }

    fn take(&mut self, hex: &str) -> Reply {
        let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        self.data = (0..hex.len()).step_by(2).map(byte).collect::<Option<_>>().ok_or(NOT_SUPPORTED)?;
        Ok(())
    }

    fn decrypt(&mut self) -> io::Result<Reply> {
        if !self.card.is_inserted() {
            return Ok(Err(CARD_NOT_PRESENT));
        }
        if self.card.wrong() >= TRIES {
            return Ok(Err(PIN_BLOCKED));
        }
        if !self.open
            && let Err(refused) = self.ask()?
        {
            return Ok(Err(refused));
        }
        // A point as OpenPGP writes it begins with 0x40.
        let point = self.data.strip_prefix(&[0x40]).unwrap_or(&self.data);
        let Ok(point) = <[u8; 32]>::try_from(point) else { return Ok(Err(NOT_SUPPORTED)) };
        let mut shared = vec![0x40];
        shared.extend(MontgomeryPoint(point).mul_clamped(self.card.key()?).to_bytes());
        self.data(&shared)?;
        Ok(Ok(()))
    }

    /// Asks for the PIN, through gpg-agent.
    fn ask(&mut self) -> io::Result<Reply> {
        self.say("INQUIRE NEEDPIN ||Please unlock the card")?;
        let mut typed = String::new();
        loop {
            match self.hear()?.as_deref() {
                Some("END") => break,
                Some("CAN") | None => return Ok(Err(CANCELED)),
                Some(line) => typed.push_str(line.strip_prefix("D ").unwrap_or_default()),
            }
        }
        // gpg-agent fills up what it sends with NULs.
        let right = typed.trim_end_matches('\0') == fs::read_to_string(self.card.file("pin"))?;
        let wrong = if right { 0 } else { self.card.wrong() + 1 };
        fs::write(self.card.file("wrong"), [wrong])?;
        self.open = right;
        Ok(if right { Ok(()) } else { Err(BAD_PIN) })
    }
}
