//! Files in YAML, edited line by line: everything but our own entry stays to the letter.
//!
//! Only the block style that people and programs write such files in is understood; what is not plainly that is
//! refused, so that nothing is ever broken by a guess.

use super::{ARGUMENTS, Entry, NAME, Server};

/// The indentation that a new file gets.
const INDENT: usize = 2;

/// The file with our server among those under `key`.
///
/// # Errors
/// With what is odd about it.
pub fn with(before: &str, key: &str, server: &Server) -> Result<String, String> {
    let mut lines: Vec<&str> = before.lines().collect();
    let place = find(&lines, key)?;
    let block = match &place {
        Place::Nowhere => format!("{key}:\n{}", block(server, INDENT)),
        Place::Empty { .. } => format!("{key}:\n{}", block(server, INDENT)),
        Place::Among { indent, .. } => block(server, *indent),
    };
    let replaced = match place {
        Place::Nowhere => lines.len()..lines.len(),
        Place::Empty { at } => at..at + 1,
        Place::Among { ours, .. } => ours,
    };
    let own: Vec<&str> = block.lines().collect();
    lines.splice(replaced, own);
    Ok(lines.join("\n") + "\n")
}

/// Our entry as it stands in the file.
pub fn registered(text: &str, key: &str) -> Option<Entry> {
    let lines: Vec<&str> = text.lines().collect();
    let Ok(Place::Among { ours, .. }) = find(&lines, key) else { return None };
    let own = lines.get(ours).filter(|own| !own.is_empty())?;
    let (mut command, mut variables, mut inside) = (None, Vec::new(), None);
    for line in own.iter().skip(1) {
        let Some((name, text)) = line.trim().split_once(':') else { continue };
        let text = scalar(text.trim());
        match (inside.filter(|depth| depth < &depth_of(line)), name) {
            (Some(_), _) => variables.push((name.to_owned(), text)),
            (None, "env") => inside = Some(depth_of(line)),
            (None, "command") => (command, inside) = (Some(text), None),
            (None, _) => inside = None,
        }
    }
    Some((command, variables))
}

/// Where the servers are.
enum Place {
    /// The key is not there.
    Nowhere,
    /// The key is there, with nothing under it.
    Empty { at: usize },
    /// Under it are others, this far indented; the lines that are ours, or where they belong.
    Among { indent: usize, ours: std::ops::Range<usize> },
}

fn find(lines: &[&str], key: &str) -> Result<Place, String> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| says_something(line)) {
        match line.split_once(':') {
            _ if line.starts_with([' ', '#']) => {}
            _ if line.starts_with(['\t', '-', '{', '[', '%', '&', '?']) => {
                return Err(format!("line {} is none of a plain YAML mapping", at + 1));
            }
            Some((name, rest)) if scalar(name) == key => found.push((at, without_comment(rest))),
            Some(_) => {}
            None => return Err(format!("line {} is none of a plain YAML mapping", at + 1)),
        }
    }
    let (at, rest) = match found.as_slice() {
        [] => return Ok(Place::Nowhere),
        [one] => *one,
        _ => return Err(format!("its `{key}` is there several times")),
    };
    let below = lines.iter().enumerate().skip(at + 1);
    let end = below.clone().find(|(_, line)| says_something(line) && depth_of(line) == 0);
    let end = end.map_or(lines.len(), |(end, _)| end);
    let inner: Vec<_> = below.take(end - at - 1).filter(|(_, line)| says_something(line)).collect();
    match (rest, inner.first()) {
        ("" | "{}" | "null" | "~", None) => Ok(Place::Empty { at }),
        ("", Some((_, line))) => {
            let indent = depth_of(line);
            let heads = |line: &str| depth_of(line) <= indent;
            if inner.iter().any(|(_, line)| {
                depth_of(line) < indent
                    || line.trim_start().starts_with(['-', '\t']) && depth_of(line) == indent
            }) {
                return Err(format!("its `{key}` is not a plain YAML mapping"));
            }
            let is_ours = |line: &str| {
                heads(line) && line.trim().split_once(':').is_some_and(|(name, _)| scalar(name) == NAME)
            };
            let Some(start) = inner.iter().position(|(_, line)| is_ours(line)) else {
                return Ok(Place::Among { indent, ours: at + 1..at + 1 });
            };
            // Up to the last line that belongs to it; blank lines and comments after it are the next one's.
            let last = inner[start + 1..].iter().take_while(|(_, line)| !heads(line)).last();
            let last = last.map_or(inner[start].0, |(at, _)| *at);
            Ok(Place::Among { indent, ours: inner[start].0..last + 1 })
        }
        _ => Err(format!("its `{key}` is not written as a block")),
    }
}

fn block(server: &Server, indent: usize) -> String {
    let pad = " ".repeat(indent);
    // Text in JSON's quotes is text in YAML's double quotes.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let arguments: Vec<String> = ARGUMENTS.iter().map(|argument| quoted(argument)).collect();
    let mut text = format!(
        "{pad}{NAME}:\n{pad}{pad}command: {}\n{pad}{pad}args: [{}]\n",
        quoted(&server.program),
        arguments.join(", ")
    );
    if !server.environment.is_empty() {
        text.push_str(&format!("{pad}{pad}env:\n"));
    }
    for (name, value) in &server.environment {
        text.push_str(&format!("{pad}{pad}{pad}{name}: {}\n", quoted(value)));
    }
    text
}

fn says_something(line: &str) -> bool {
    let text = line.trim();
    !text.is_empty() && !text.starts_with('#')
}

fn depth_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn without_comment(text: &str) -> &str {
    text.split_once(" #").map_or(text, |(text, _)| text).trim()
}

/// A plain or quoted scalar's text.
fn scalar(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('"') {
        return serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
    }
    let single = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    single.map_or_else(|| text.to_owned(), |text| text.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server { program: "/usr/bin/sallyport".into(), environment: vec![("HOME".into(), "/home/me".into())] }
    }

    fn with(before: &str) -> Result<String, String> {
        super::with(before, "mcp_servers", &server())
    }

    #[test]
    fn a_new_file_and_one_without_servers_get_the_block() {
        insta::assert_snapshot!(with("").unwrap(), @r#"
        mcp_servers:
          sallyport:
            command: "/usr/bin/sallyport"
            args: ["serve"]
            env:
              HOME: "/home/me"
        "#);
        let other = "model: some-model # mine\ntools:\n  - a\n  - b\n";
        let both = with(other).unwrap();
        assert!(both.starts_with(other) && both.ends_with(&with("").unwrap()), "{both}");
        assert_eq!(with("mcp_servers: {} # none yet\nmodel: x\n").unwrap(), with("").unwrap() + "model: x\n");
    }

    #[test]
    fn other_servers_stay_to_the_letter_and_an_old_entry_is_replaced() {
        let file = "# mine\nmcp_servers:\n\n    # time\n    time:\n        command: uvx\n        args:\n        - mcp-server-time\n\n# end\nmodel: x\n";
        let once = with(file).unwrap();
        insta::assert_snapshot!(once, @r#"
        # mine
        mcp_servers:
            sallyport:
                command: "/usr/bin/sallyport"
                args: ["serve"]
                env:
                    HOME: "/home/me"

            # time
            time:
                command: uvx
                args:
                - mcp-server-time

        # end
        model: x
        "#);
        assert_eq!(with(&once).unwrap(), once, "a second time changes nothing");
        let old = "mcp_servers:\n  sallyport:\n    command: old\n    extra:\n      - 1\n\n  # next\n  next:\n    url: u\n";
        let new = with(old).unwrap();
        assert!(new.ends_with("\n\n  # next\n  next:\n    url: u\n") && !new.contains("old"), "{new}");
    }

    #[test]
    fn what_is_not_plainly_a_block_is_refused() {
        for odd in [
            "mcp_servers: {time: {command: uvx}}\n",
            "mcp_servers:\n- time\n",
            "mcp_servers:\n  - time\n",
            "mcp_servers: &anchor\n  time: x\n",
            "mcp_servers:\n    a: 1\n  b: 2\n",
            "mcp_servers:\n  a: 1\nmcp_servers:\n  b: 2\n",
            "- a list\n",
            "{mcp_servers: {}}\n",
            "---\na: 1\n---\nb: 2\n",
            "just text\n",
        ] {
            assert!(with(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let read = registered(&with("model: x\n").unwrap(), "mcp_servers").unwrap();
        assert_eq!(read.0.as_deref(), Some("/usr/bin/sallyport"));
        assert_eq!(read.1, [("HOME".to_owned(), "/home/me".to_owned())]);
        assert_eq!(registered("mcp_servers:\n  time:\n    command: x\n", "mcp_servers"), None);
        assert_eq!(registered("model: x\n", "mcp_servers"), None);
    }
}
