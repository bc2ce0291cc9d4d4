//! Dockerfiles: known instructions, FROM first, continued lines and here-documents closed.

use super::Flaw;

/// The instructions (docs.docker.com/reference/dockerfile).
const INSTRUCTIONS: &[&str] = &[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Checks a Dockerfile.
pub fn check(text: &str) -> Result<(), Flaw> {
    let escape = escape(text);
    let mut lines = text.lines().enumerate();
    let mut from = false;
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let word = trimmed.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let column = line.len() - line.trim_start().len() + 1;
        if !INSTRUCTIONS.contains(&word.as_str()) {
            let shown: String = word.chars().take(40).collect();
            return Err(Flaw::new(number + 1, column, format!("{shown:?} is no instruction")));
        }
        if !from && !matches!(word.as_str(), "FROM" | "ARG") {
            return Err(Flaw::new(number + 1, column, "the first instruction is FROM"));
        }
        from |= word == "FROM";
        if trimmed.len() == word.len() {
            return Err(Flaw::new(number + 1, column, format!("{word} needs an argument")));
        }
        let mut last = trimmed;
        let mut documents = heredocs(&word, last);
        while last.ends_with(escape) {
            match lines.next() {
                None => {
                    return Err(Flaw::new(
                        number + 1,
                        column,
                        "the instruction goes on after the file's end",
                    ));
                }
                Some((_, next)) => {
                    let next = next.trim();
                    // Comments and empty lines within an instruction are passed over.
                    if !next.is_empty() && !next.starts_with('#') {
                        last = next;
                        documents.extend(heredocs(&word, last));
                    }
                }
            }
        }
        for end in documents {
            if !lines.by_ref().any(|(_, line)| line.trim_start_matches('\t') == end) {
                return Err(Flaw::new(number + 1, column, format!("the here-document {end} is not closed")));
            }
        }
    }
    if from { Ok(()) } else { Err(Flaw::new(1, 1, "there is no FROM")) }
}

/// The character that continues a line: a directive in the first comment lines may change it.
fn escape(text: &str) -> char {
    for line in text.lines() {
        let Some(directive) = line.trim().strip_prefix('#') else { break };
        let Some((name, value)) = directive.split_once('=') else { break };
        if name.trim().eq_ignore_ascii_case("escape") {
            return value.trim().chars().next().unwrap_or('\\');
        }
    }
    '\\'
}

/// The names of the here-documents a line begins.
fn heredocs(instruction: &str, line: &str) -> Vec<String> {
    if !matches!(instruction, "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    line.match_indices("<<")
        .filter(|(at, _)| !line[..*at].ends_with('<') && !line[at + 2..].starts_with('<'))
        .filter_map(|(at, _)| {
            let word = line[at + 2..].trim_start_matches('-');
            let word = word.trim_start_matches(['"', '\'']);
            let name: String = word.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
        })
        .collect()
}
