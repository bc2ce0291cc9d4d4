//! What the documents name is there: a test that is said to hold something, and a file that is said to do it.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository: its path from the top, and the tests in it.
struct Source {
    path: String,
    tests: Vec<String>,
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        let left_out = [".git", "target", "node_modules"].iter().any(|out| name == *out);
        match entry.file_type().unwrap() {
            kind if kind.is_dir() && !left_out => walk(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    walk(&top(), &mut files);
    let source = |file: &PathBuf| {
        let path = file.strip_prefix(top()).unwrap().to_str().unwrap().to_owned();
        let code = if path.ends_with(".rs") { fs::read_to_string(file).unwrap() } else { String::new() };
        Source { path, tests: tests(&code) }
    };
    files.iter().map(source).collect()
}

/// The names of the functions that follow `#[test]` or the like.
fn tests(code: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in code.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, name)) = line.split_once("fn ").filter(|_| is_test) {
            names.push(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            is_test = false;
        }
    }
    names
}

/// What stands between backticks, line by line.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

fn made_of(span: &str, others: &str) -> bool {
    span.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c))
}

/// Whether `module::name` is a test: dots stand for the rest of a name, `*` for any.
fn is_test(sources: &[Source], span: &str) -> bool {
    let (end_to_end, path) = span.strip_prefix("e2e ").map_or((false, span), |rest| (true, rest));
    let mut parts = path.rsplit("::");
    let name = parts.next().unwrap_or_default();
    let module = parts.find(|part| *part != "tests").unwrap_or_default();
    let homes = ["", "/mod", "/tests"].map(|file| format!("/{module}{file}.rs"));
    let beginning = name.trim_end_matches(['.', '*']);
    let fits = |test: &String| test == name || beginning != name && test.starts_with(beginning);
    let is_home = |path: &str| homes.iter().any(|home| path.ends_with(home));
    let of_its_kind = |path: &str| !end_to_end || path.starts_with("tests/tests/e2e/");
    let mut at_home = sources.iter().filter(|source| is_home(&source.path) && of_its_kind(&source.path));
    at_home.any(|source| source.tests.iter().any(fits))
}

/// Whether a path, or its end, is there; `*` at its end stands for the rest of a name.
fn is_file(sources: &[Source], span: &str) -> bool {
    let paths = sources.iter().map(|source| format!("/{}", source.path));
    match span.strip_suffix('*') {
        Some(beginning) => paths.into_iter().any(|path| path.contains(&format!("/{beginning}"))),
        None => paths.into_iter().any(|path| path.ends_with(&format!("/{span}"))),
    }
}

#[test]
fn every_test_and_file_that_the_documents_name_is_there() {
    let sources = sources();
    let documents = sources.iter().map(|source| source.path.as_str());
    let documents = documents.filter(|path| path.ends_with(".md") && *path != "CHANGELOG.md");
    let (mut named, mut missing) = (0, Vec::new());
    for document in documents {
        for span in spans(&fs::read_to_string(top().join(document)).unwrap()) {
            let there = if span.contains("::") && made_of(span, " _:.*") {
                is_test(&sources, span)
            } else if made_of(span, "_./-*ABCDEFGHIJKLMNOPQRSTUVWXYZ") && span.ends_with(".rs")
                || span.starts_with("scripts/") && made_of(span, "/-")
                || span.starts_with("policy/corpus/") && made_of(span, "/-.")
            {
                is_file(&sources, span)
            } else {
                continue;
            };
            named += 1;
            if !there {
                missing.push(format!("{document}: {span}"));
            }
        }
    }
    assert!(missing.is_empty(), "{} of {named} are not there:\n{}", missing.len(), missing.join("\n"));
    assert!(named > 150, "the documents were read: {named}");
}

#[test]
fn unsafe_code_is_where_the_design_allows_it_and_nowhere_else() {
    let home = "vault-helper/src/harden/sys/";
    let marks = ["{", "fn", "impl"].map(|what| format!("{} {what}", "unsafe"));
    let mut at_home = 0;
    for source in sources().iter().filter(|source| source.path.ends_with(".rs")) {
        let code = fs::read_to_string(top().join(&source.path)).unwrap();
        let found = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        let found = found.filter(|line| marks.iter().any(|mark| line.contains(mark.as_str()))).count();
        assert!(found == 0 || source.path.starts_with(home), "{}: {found}", source.path);
        at_home += found;
    }
    assert!(at_home > 5, "the sources were read: {at_home}");
}

#[test]
fn a_name_that_leads_nowhere_is_found_out() {
    let tests = tests("#[test]\n#[cfg(unix)]\nfn it_holds() {}\nfn helper() {}\n");
    assert_eq!(tests, ["it_holds"]);
    let sources = [
        Source { path: "tests/tests/e2e/walls.rs".into(), tests },
        Source { path: "broker/src/door/tests.rs".into(), tests: vec!["it_shuts".into()] },
    ];
    for there in
        ["e2e walls::it_holds", "e2e walls::it_..", "e2e walls::*", "door::tests::it_shuts", "door::it_shuts"]
    {
        assert!(is_test(&sources, there), "{there}");
    }
    for missing in ["e2e walls::it_held", "e2e doors::*", "e2e door::it_shuts", "walls::helper", "it_holds"] {
        assert!(!is_test(&sources, missing), "{missing}");
    }
    assert!(is_file(&sources, "door/tests.rs") && is_file(&sources, "broker/src/*"));
    assert!(!is_file(&sources, "oor/tests.rs") && !is_file(&sources, "tests/e2e"));
}
