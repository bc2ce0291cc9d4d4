//! YAML: every document of a text. Aliases are checked for an anchor and not expanded.

use saphyr_parser::{Event, Parser};

use super::Flaw;

/// Deepest nesting.
const DEPTH: usize = 200;

/// Checks all documents.
pub fn check(text: &str) -> Result<(), Flaw> {
    let mut depth = 0;
    // For each open mapping its keys of this level, and whether the next node is one; for a sequence nothing.
    let mut open: Vec<Option<Keys>> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let mark = error.marker();
            Flaw::new(mark.line().max(1), mark.col() + 1, error.info())
        })?;
        let place = |what: String| Flaw::new(span.start.line().max(1), span.start.col() + 1, what);
        match event {
            Event::Scalar(value, ..) => {
                if let Some(Some(keys)) = open.last_mut()
                    && keys.node(Some(&value))
                {
                    return Err(place(format!("the key {value:?} stands there twice")));
                }
            }
            Event::Alias(_) => {
                if let Some(Some(keys)) = open.last_mut() {
                    keys.node(None);
                }
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if let Some(Some(keys)) = open.last_mut() {
                    keys.node(None);
                }
                depth += 1;
                if depth > DEPTH {
                    return Err(place(format!("more than {DEPTH} levels deep")));
                }
                open.push(matches!(event, Event::MappingStart(..)).then(Keys::default));
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                open.pop();
            }
            _ => {}
        }
    }
    Ok(())
}

/// The keys of one mapping.
#[derive(Default)]
struct Keys {
    seen: std::collections::HashSet<String>,
    /// The next node is a value.
    value: bool,
}

impl Keys {
    /// A node of the mapping; true when it is a key that was there before.
    fn node(&mut self, scalar: Option<&str>) -> bool {
        let is_key = !self.value;
        self.value = is_key;
        // Merge keys may come several times.
        is_key && scalar.is_some_and(|key| key != "<<" && !self.seen.insert(key.to_owned()))
    }
}
