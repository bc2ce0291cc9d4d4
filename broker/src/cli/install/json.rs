//! Files in JSON: every other member keeps its place and its very text.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::NAME;

/// The file with our server among those under `key`.
///
/// # Errors
/// With what is odd about it: comments, for one, would be lost.
pub fn with(before: &str, key: &str, entry: &Value) -> Result<String, String> {
    let parsed = |text: &str| serde_json::from_str::<Entries>(text);
    let text = if before.trim().is_empty() { "{}" } else { before };
    let mut file = parsed(text).map_err(|error| format!("it is not a plain JSON object: {error}"))?;
    let mut servers = match file.get(key) {
        Some(servers) => {
            parsed(servers.get()).map_err(|error| format!("its `{key}` is not an object: {error}"))?
        }
        None => Entries::default(),
    };
    let raw = |error: serde_json::Error| error.to_string();
    servers.set(NAME, to_raw_value(entry).map_err(raw)?);
    file.set(key, to_raw_value(&servers).map_err(raw)?);
    Ok(serde_json::to_string_pretty(&file).map_err(raw)? + "\n")
}

/// An object whose members keep their order and their very text.
#[derive(Debug, Default)]
struct Entries(Vec<(String, Box<RawValue>)>);

impl Entries {
    fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Entries::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    entries.set(&name, value);
                }
                Ok(entries)
            }
        }
        d.deserialize_map(InOrder)
    }
}
