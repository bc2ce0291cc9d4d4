//! What the demo puts on the screen, in colour where a terminal can show it.

use std::env;
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use sallyport_tests::world::process;

/// Standard output, with colours unless `NO_COLOR` is set or it is no terminal.
#[derive(Debug)]
pub struct Screen {
    coloured: bool,
}

impl Screen {
    /// The screen as the environment has it (<https://no-color.org>).
    pub fn new() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { coloured: stdout().is_terminal() && !refused }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub fn title(&self, text: &str) {
        println!("\n{}\n", self.paint("1;36", text));
    }

    /// A numbered step's heading.
    pub fn step(&self, number: usize, text: &str) {
        println!("\n{} {}", self.paint("1;36", &format!("{number}.")), self.paint("1", text));
    }

    /// The narrator.
    pub fn say(&self, text: &str) {
        println!("   {}", self.paint("2", text));
    }

    /// What the model asks for.
    pub fn model(&self, text: &str) {
        println!("   {} {text}", self.paint("35", "model  >"));
    }

    /// What a person does.
    pub fn person(&self, text: &str) {
        println!("   {} {text}", self.paint("33", "person $"));
    }

    /// What Sallyport answers, line by line, with the verdict's colour in front.
    pub fn answer(&self, kind: Kind, text: &str) {
        let (code, word) = match kind {
            Kind::Good => ("32", "answer <"),
            Kind::Waits => ("33", "waits  <"),
            Kind::Refused => ("31", "refused<"),
        };
        text.lines().for_each(|line| println!("   {} {line}", self.paint(code, word)));
    }

    /// The end of a demo that went as it says.
    pub fn farewell(&self) {
        self.title("Nothing of it is left. Now with your own hosts:");
        let program = process::built("sallyport");
        let (program, here) =
            (program.display().to_string(), env::current_dir().unwrap_or_else(|_| PathBuf::from(".")));
        for (what, line) in [
            ("pin a host's key", "sallyport host add web1 --hostname web1.example.org".to_owned()),
            (
                "store a login",
                "sallyport credential add ssh://deploy@web1 --key ~/.ssh/id_ed25519".to_owned(),
            ),
            ("Claude Code", format!("claude mcp add sallyport -- {program} serve")),
            ("Codex", format!("codex mcp add sallyport -- {program} serve")),
        ] {
            println!("   {} {line}", self.paint("2", &format!("{what:<16}")));
        }
        println!(
            "\n   {}\n",
            self.paint("2", &format!("README.md in {} goes on from here.", here.display()))
        );
    }

    /// The end of a demo that did not.
    pub fn failure(&self, sentence: &str) {
        println!("\n   {} {sentence}\n", self.paint("1;31", "The demo did not do what it shows:"));
    }
}

/// How an answer is meant.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// It was done.
    Good,
    /// It waits for a person.
    Waits,
    /// It was not done.
    Refused,
}
