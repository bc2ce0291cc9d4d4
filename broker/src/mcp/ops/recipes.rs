//! `recipes.toml`: commands that the operator has written down, with typed parameters.
//!
//! A parameter's value is one quoted word of the command, wherever it stands. A template in which a quoted word would be
//! read again (inside other quotes, an expansion, arithmetic, a here-document) is refused when the file is read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use regex::Regex;
use sallyport_protocol::{ErrorCode, Failure};
use serde::Deserialize;
use toml::Spanned;

use super::line::quote;

/// What a value may be when its parameter does not say: no blanks, nothing a shell or a program reads more into.
const PLAIN: &str = "[A-Za-z0-9_./@:,+][A-Za-z0-9_./@:,+-]*";
/// The longest value, in bytes.
const LONGEST: usize = 1024;
/// What makes a shell read a quoted word once more.
const READ_AGAIN: [&str; 4] = ["<<", "`", "((", "[["];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    recipes: BTreeMap<Spanned<String>, Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    description: String,
    command: Spanned<String>,
    #[serde(default)]
    parameters: BTreeMap<Spanned<String>, RawParameter>,
    run_as: Option<String>,
    #[serde(default)]
    secrets: Vec<String>,
    timeout_s: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParameter {
    #[serde(default)]
    description: String,
    pattern: Option<Spanned<String>>,
    default: Option<Spanned<String>>,
}

/// A recipe.
#[derive(Debug)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// Its parameters, by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// The user it runs as, through sudo.
    pub run_as: Option<String>,
    /// The `env://` records it gets.
    pub secrets: Vec<String>,
    /// Its time, in seconds.
    pub timeout_s: Option<u32>,
    pieces: Vec<Piece>,
}

/// A parameter.
#[derive(Debug)]
pub struct Parameter {
    /// What it is, for the model.
    pub description: String,
    /// The regular expression that a whole value fits.
    pub pattern: String,
    /// Its value when a call gives none.
    pub default: Option<String>,
    whole: Regex,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

impl Recipe {
    /// The command with these values.
    ///
    /// # Errors
    /// `invalid_argument` for a value that is missing, unknown or does not fit its pattern.
    pub fn command(&self, values: &BTreeMap<String, String>) -> Result<String, Failure> {
        if let Some(unknown) = values.keys().find(|name| !self.parameters.contains_key(*name)) {
            return Err(wrong(format!("{} has no parameter {unknown}", self.name)));
        }
        let mut words = BTreeMap::new();
        for (name, parameter) in &self.parameters {
            let value = values.get(name).or(parameter.default.as_ref());
            let value = value.ok_or_else(|| wrong(format!("{} needs the parameter {name}", self.name)))?;
            if !parameter.takes(value) {
                return Err(wrong(format!("{name} does not fit its pattern {}", parameter.pattern)));
            }
            words.insert(name.as_str(), quote(value));
        }
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Parameter(name) => words.get(name.as_str()).cloned().unwrap_or_default(),
        };
        Ok(self.pieces.iter().map(piece).collect())
    }
}

impl Parameter {
    fn takes(&self, value: &str) -> bool {
        value.len() <= LONGEST && !value.contains(char::is_control) && self.whole.is_match(value)
    }
}

fn wrong(message: String) -> Failure {
    Failure::new(
        ErrorCode::InvalidArgument,
        message,
        "ssh_recipe without a name lists the recipes with their parameters",
    )
}

/// A mistake in the file: where, and what.
type Mistake = (usize, String);

fn read(text: &str) -> Result<BTreeMap<String, Recipe>, Mistake> {
    let file: File =
        toml::from_str(text).map_err(|e| (e.span().map_or(0, |span| span.start), e.message().to_owned()))?;
    let recipes = file.recipes.into_iter().map(|(name, raw)| {
        let at = name.span().start;
        let name = name.into_inner();
        if !is_name(&name, "-_") {
            return Err((at, format!("recipes.{name}: a name has small letters, digits, `-` and `_`")));
        }
        Ok((name.clone(), recipe(name, raw)?))
    });
    recipes.collect()
}

fn recipe(name: String, raw: Raw) -> Result<Recipe, Mistake> {
    let in_recipe = |(at, what): Mistake| (at, format!("recipes.{name}.{what}"));
    let mut parameters = BTreeMap::new();
    for (key, raw) in raw.parameters {
        let at = key.span().start;
        let key = key.into_inner();
        if !is_name(&key, "_") {
            return Err(in_recipe((
                at,
                format!("parameters.{key}: a name has small letters, digits and `_`"),
            )));
        }
        let read =
            parameter(at, raw).map_err(|(at, what)| in_recipe((at, format!("parameters.{key}.{what}"))))?;
        parameters.insert(key, read);
    }
    let at = raw.command.span().start;
    let pieces = pieces(raw.command.get_ref(), &parameters)
        .map_err(|what| in_recipe((at, format!("command: {what}"))))?;
    if let Some(unused) = parameters.keys().find(|key| !pieces.contains(&Piece::Parameter((*key).clone()))) {
        return Err(in_recipe((at, format!("command: it has no {{{unused}}}"))));
    }
    let Raw { description, run_as, secrets, timeout_s, .. } = raw;
    Ok(Recipe { name, description, parameters, run_as, secrets, timeout_s, pieces })
}

fn parameter(at: usize, raw: RawParameter) -> Result<Parameter, Mistake> {
    let (at, pattern) = match raw.pattern {
        Some(pattern) => (pattern.span().start, pattern.into_inner()),
        None => (at, PLAIN.to_owned()),
    };
    let whole = Regex::new(&format!(r"\A(?:{pattern})\z"));
    let whole = whole.map_err(|_| (at, format!("pattern: {pattern} is no regular expression")))?;
    let read = Parameter { description: raw.description, pattern, default: None, whole };
    match raw.default {
        Some(default) if !read.takes(default.get_ref()) => {
            Err((default.span().start, "default: it does not fit the pattern".to_owned()))
        }
        default => Ok(Parameter { default: default.map(Spanned::into_inner), ..read }),
    }
}

fn is_name(name: &str, more: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c))
}

/// Takes a template apart: `{name}` is a parameter where it stands by itself; other braces are the shell's.
fn pieces(template: &str, parameters: &BTreeMap<String, Parameter>) -> Result<Vec<Piece>, String> {
    if let Some(again) = READ_AGAIN.iter().find(|again| template.contains(**again) && !parameters.is_empty())
    {
        return Err(format!(
            "a template with parameters has no `{again}`: a value would be read twice there"
        ));
    }
    let (mut pieces, mut text) = (Vec::new(), String::new());
    // The quote that is open, and how many expansions `${` are.
    let (mut quote, mut expansions) = (None, 0_usize);
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        let name = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(name, _)| name);
        // In quotes other braces are text; by themselves they were meant as a parameter.
        let means = |name: &str| is_name(name, "_") && (quote.is_none() || parameters.contains_key(name));
        match (character, quote) {
            ('{', _) if !text.ends_with('$') && name.is_some_and(means) => {
                let name = name.unwrap_or_default();
                if quote.is_some() || expansions > 0 {
                    return Err(format!(
                        "{{{name}}} stands inside quotes or an expansion; it is quoted by itself"
                    ));
                }
                if !parameters.contains_key(name) {
                    return Err(format!("{{{name}}} is no parameter of it"));
                }
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Parameter(name.to_owned()));
                rest = &rest[name.len() + 2..];
                continue;
            }
            ('{', open) if open != Some('\'') && text.ends_with('$') => expansions += 1,
            ('}', open) if open != Some('\'') => expansions = expansions.saturating_sub(1),
            ('\'' | '"', None) => quote = Some(character),
            (closing, Some(open)) if closing == open => quote = None,
            ('\\', open) if open != Some('\'') => {
                text.push('\\');
                rest = &rest[1..];
                let Some(next) = rest.chars().next() else { break };
                text.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            }
            _ => {}
        }
        text.push(character);
        rest = &rest[character.len_utf8()..];
    }
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

/// The recipes in force, and what is wrong with the file when it was changed for the worse.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// By name.
    pub recipes: Arc<BTreeMap<String, Recipe>>,
    /// The mistake that keeps the file as it is now from being in force.
    pub mistake: Option<String>,
}

/// What is known of the file: when it was changed and how long it is, and the book of then.
type Shelf = Mutex<Option<(Option<(SystemTime, u64)>, Book)>>;
static SHELF: Shelf = Mutex::new(None);

/// The recipes of the configuration directory. The file is read again when it was changed; one with a mistake leaves the
/// last good ones in force.
pub fn book() -> Book {
    let path = crate::config::config_directory().join("recipes.toml");
    let mut shelf = SHELF.lock().unwrap_or_else(PoisonError::into_inner);
    let now = std::fs::metadata(&path).ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
    if let Some((then, book)) = &*shelf
        && *then == now
    {
        return book.clone();
    }
    let last = shelf.take().map(|(_, book)| book).unwrap_or_default();
    let book = load(&path, last);
    *shelf = Some((now, book.clone()));
    book
}

fn load(path: &Path, last: Book) -> Book {
    let told = |mistake: String| Book { mistake: Some(mistake), ..last.clone() };
    match std::fs::read_to_string(path) {
        Ok(text) => match read(&text) {
            Ok(recipes) => Book { recipes: Arc::new(recipes), mistake: None },
            Err((at, what)) => {
                let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
                told(format!("{} line {line}: {what}", path.display()))
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Book::default(),
        Err(error) => told(format!("{}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Recipe {
        let (_, recipe) = read(text).unwrap().pop_first().unwrap();
        recipe
    }

    fn mistake(text: &str) -> (usize, String) {
        let (at, what) = read(text).unwrap_err();
        (text[..at].matches('\n').count() + 1, what)
    }

    fn made(recipe: &Recipe, values: &[(&str, &str)]) -> Result<String, Failure> {
        recipe
            .command(&values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    const DU: &str = r#"
[recipes.disk-of]
description = "How much a directory takes"
command = "du -sh -- {path} | awk '{print}'; echo ${HOME} \"{\" {a,b}"
[recipes.disk-of.parameters.path]
pattern = "/srv/.*"
"#;

    #[test]
    fn a_value_is_one_quoted_word_and_other_braces_are_the_shells() {
        let recipe = one(DU);
        assert_eq!(
            made(&recipe, &[("path", "/srv/it's $(id); x")]).unwrap(),
            "du -sh -- '/srv/it'\\''s $(id); x' | awk '{print}'; echo ${HOME} \"{\" {a,b}"
        );
        for bad in [&[("path", "/etc")][..], &[("path", "/srv/a\nb")], &[], &[("path", "/srv/"), ("x", "1")]]
        {
            assert!(made(&recipe, bad).is_err(), "{bad:?}");
        }
        let plain = one(
            "[recipes.a]\ndescription = \"\"\ncommand = \"a {x}\"\n[recipes.a.parameters.x]\ndefault = \"y\"\n",
        );
        assert_eq!(made(&plain, &[]).unwrap(), "a 'y'");
        for bad in ["-rf", "a b", "$(id)", "a;b", "", "*"] {
            assert!(made(&plain, &[("x", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_template_that_would_read_a_value_twice_is_refused() {
        for command in [
            "echo '{x}'",
            "echo \\\"a {x}\\\"",
            "cat <<END\\n{x}\\nEND",
            "echo `id {x}`",
            "echo $(( {x} ))",
            "[[ {x} -eq 1 ]]",
            "echo ${A:-{x}}",
            "echo {y}",
            "echo",
        ] {
            let text = format!(
                "[recipes.a]\ndescription = \"\"\ncommand = \"{command}\"\n[recipes.a.parameters.x]\n"
            );
            let (line, what) = mistake(&text);
            assert!(line == 3 && what.starts_with("recipes.a.command: "), "{command}: {line} {what}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_key() {
        for (text, line, key) in [
            ("[recipes.a]\ndescription = \"\"\ncommand = \"x\"\ncolour = 1\n", 4, "colour"),
            ("\n[recipes.A]\ndescription = \"\"\ncommand = \"x\"\n", 2, "recipes.A"),
            ("[recipes.a]\ndescription = \"\"\n", 1, "command"),
            (
                "[recipes.a]\ndescription = \"\"\ncommand = \"{x}\"\n[recipes.a.parameters.x]\npattern = \"(\"\n",
                5,
                "pattern",
            ),
            (
                "[recipes.a]\ndescription = \"\"\ncommand = \"{x}\"\n[recipes.a.parameters.x]\ndefault = \"-x\"\n",
                5,
                "recipes.a.parameters.x.default",
            ),
        ] {
            let (at, what) = mistake(text);
            assert!(at == line && what.contains(key), "{text}: line {at}: {what}");
        }
    }

    #[test]
    fn the_last_good_recipes_stay_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recipes.toml");
        assert!(load(&path, Book::default()).recipes.is_empty());
        std::fs::write(&path, DU).unwrap();
        let good = load(&path, Book::default());
        assert!(good.mistake.is_none() && good.recipes.contains_key("disk-of"));
        std::fs::write(&path, "[recipes.x]\n").unwrap();
        let bad = load(&path, good);
        assert!(bad.mistake.unwrap().contains("recipes.toml line 1"));
        assert!(bad.recipes.contains_key("disk-of"));
    }
}
