//! JSON schemas, from the very types that are parsed and answered.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of a tool's arguments. Optional ones are left out, not null.
pub fn input<T: JsonSchema>() -> Arc<JsonObject> {
    let mut schema = raw::<T>(SchemaSettings::draft2020_12());
    tidy(&mut schema, Nulls::Drop);
    object(schema)
}

/// The schema of a tool's structured answer: what all answers have in common,
/// and the tool's own fields, none of which is there in every status.
pub fn output<T: JsonSchema>() -> Arc<JsonObject> {
    let mut own = raw::<T>(SchemaSettings::draft2020_12().for_serialize());
    let mut common = raw::<super::answer::Common>(SchemaSettings::draft2020_12().for_serialize());
    if let (Some(Value::Object(common)), Some(Value::Object(own))) =
        (common.get_mut("properties").map(Value::take), own.get_mut("properties"))
    {
        own.extend(common);
    }
    if let Value::Object(own) = &mut own {
        own.insert("required".into(), json!(["status"]));
        own.remove("additionalProperties");
    }
    tidy(&mut own, Nulls::Keep);
    object(own)
}

fn raw<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|s| {
        // Many clients do not follow references.
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn object(schema: Value) -> Arc<JsonObject> {
    match schema {
        Value::Object(mut object) => {
            object.remove("description");
            object.entry("properties").or_insert_with(|| json!({}));
            Arc::new(object)
        }
        _ => Arc::new(JsonObject::new()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Keep,
    Drop,
}

/// Removes what tells a model nothing: Rust's names and number formats, and for
/// arguments the nulls of optional ones.
fn tidy(schema: &mut Value, nulls: Nulls) {
    let Value::Object(object) = schema else { return };
    object.remove("title");
    object.remove("format");
    if nulls == Nulls::Drop {
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".into(), only);
            }
        }
        if let Some(Value::Array(choices)) = object.get_mut("enum") {
            choices.retain(|choice| !choice.is_null());
        }
        if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            if let [only] = choices.as_slice()
                && let Value::Object(only) = only.clone()
            {
                object.remove("anyOf");
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
        }
    }
    for key in ["properties", "$defs"] {
        if let Some(Value::Object(children)) = object.get_mut(key) {
            children.values_mut().for_each(|child| tidy(child, nulls));
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = object.get_mut(key) {
            tidy(child, nulls);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(children)) = object.get_mut(key) {
            children.iter_mut().for_each(|child| tidy(child, nulls));
        }
    }
}
