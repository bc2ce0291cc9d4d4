//! Is a text well formed? Asked before it is written. Pure, and bounded on hostile input: every parser here is
//! linear, expands no entities or aliases, and nests no deeper than it says.

mod docker;
mod ini;
mod yaml;

use sallyport_protocol::{ErrorCode, Failure};

/// A format that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// YAML 1.2, several documents too.
    Yaml,
    /// TOML 1.0.
    Toml,
    /// XML 1.0: well-formedness, without DTDs.
    Xml,
    /// Sections and keys.
    Ini,
    /// `NAME=value` lines.
    Dotenv,
    /// A Dockerfile's instructions.
    Dockerfile,
}

const NAMES: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("yaml", Format::Yaml),
    ("toml", Format::Toml),
    ("xml", Format::Xml),
    ("ini", Format::Ini),
    ("dotenv", Format::Dotenv),
    ("dockerfile", Format::Dockerfile),
];

/// File name endings. `.conf` is not among them: half the world's programs have a syntax of their own under that
/// name, nginx first of all.
const ENDINGS: &[(&str, Format)] = &[
    (".json", Format::Json),
    (".webmanifest", Format::Json),
    (".yaml", Format::Yaml),
    (".yml", Format::Yaml),
    (".toml", Format::Toml),
    (".xml", Format::Xml),
    (".svg", Format::Xml),
    (".xhtml", Format::Xml),
    (".xsl", Format::Xml),
    (".xslt", Format::Xml),
    (".xsd", Format::Xml),
    (".plist", Format::Xml),
    (".ini", Format::Ini),
    (".env", Format::Dotenv),
    (".dockerfile", Format::Dockerfile),
];

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What, without the place.
    pub what: String,
}

impl Flaw {
    fn new(line: usize, column: usize, what: impl Into<String>) -> Self {
        Self { line, column, what: what.into() }
    }

    /// At a byte offset.
    fn at(text: &str, offset: usize, what: impl Into<String>) -> Self {
        let before = &text[..floor(text, offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self::new(line, column, what)
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Format {
    /// The format's name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// The format a request means for a path: none for `none`, or for `auto` and a name that says nothing.
    ///
    /// # Errors
    /// `invalid_argument` for a word that is no format.
    pub fn of(word: &str, path: &str) -> Result<Option<Self>, Failure> {
        let word = match word {
            "none" => return Ok(None),
            "auto" => return Ok(Self::by_name(path)),
            "yml" => "yaml",
            "env" => "dotenv",
            "docker" => "dockerfile",
            other => other,
        };
        let known = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        known.map(|(_, format)| Some(*format)).ok_or_else(|| {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
            Failure::new(
                ErrorCode::InvalidArgument,
                format!("there is no validator {word:?}"),
                format!("validate is auto, none, {}", names.join(", ")),
            )
        })
    }

    fn by_name(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if name == "dockerfile" || name == "containerfile" || name.starts_with("dockerfile.") {
            return Some(Self::Dockerfile);
        }
        // .env.local, .env.production: names of the same kind of file.
        if name == ".env" || name.starts_with(".env.") {
            return Some(Self::Dotenv);
        }
        ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, format)| *format)
    }

    /// Checks a text.
    ///
    /// # Errors
    /// The first flaw.
    pub fn check(self, text: &str) -> Result<(), Flaw> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self {
            Self::Json => json(text),
            Self::Yaml => yaml::check(text),
            Self::Toml => toml(text),
            Self::Xml => xml(text),
            Self::Ini => ini::check(text),
            Self::Dotenv => ini::check_dotenv(text),
            Self::Dockerfile => docker::check(text),
        }
    }
}

/// Checks what is to be written; gives the format's name, empty for none.
///
/// # Errors
/// `validation_failed` with line and column.
pub fn validate(format: Option<Format>, text: &str) -> Result<&'static str, Failure> {
    let Some(format) = format else { return Ok("") };
    match format.check(text) {
        Ok(()) => Ok(format.name()),
        Err(Flaw { line, column, what }) => Err(Failure::new(
            ErrorCode::ValidationFailed,
            format!("this would be no valid {}: line {line}, column {column}: {what}", format.name()),
            "nothing was written: correct the text, or set validate = \"none\" if the file is of another kind",
        )),
    }
}

fn json(text: &str) -> Result<(), Flaw> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            Err(Flaw::new(error.line().max(1), error.column().max(1), what))
        }
    }
}

fn toml(text: &str) -> Result<(), Flaw> {
    match toml::from_str::<toml::Table>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Flaw::at(text, error.span().map_or(0, |span| span.start), error.message())),
    }
}

fn xml(text: &str) -> Result<(), Flaw> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut depth = 0_u32;
    let mut roots = 0_u32;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
                return Err(Flaw::at(text, at, error.to_string()));
            }
        };
        match event {
            Event::Start(_) | Event::Empty(_) if depth == 0 && roots > 0 => {
                return Err(Flaw::at(text, at, "a second root element"));
            }
            Event::Start(start) => {
                attributes(&start, text, at)?;
                roots += u32::from(depth == 0);
                depth += 1;
            }
            Event::Empty(start) => {
                attributes(&start, text, at)?;
                roots += u32::from(depth == 0);
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if depth == 0 => {
                let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
                let between = &text[floor(text, at)..floor(text, end)];
                if !between.trim().is_empty() {
                    return Err(Flaw::at(text, at, "text outside the root element"));
                }
            }
            Event::Eof if depth > 0 => return Err(Flaw::at(text, text.len(), "an element is not closed")),
            Event::Eof if roots == 0 => return Err(Flaw::at(text, text.len(), "there is no element")),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn attributes(start: &quick_xml::events::BytesStart<'_>, text: &str, at: usize) -> Result<(), Flaw> {
    for attribute in start.attributes() {
        if let Err(error) = attribute {
            return Err(Flaw::at(text, at, error.to_string()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
