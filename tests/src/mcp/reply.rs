//! What a tool call came to.

use std::ops::Index;

use serde_json::Value;

/// A JSON-RPC answer to `tools/call`: the `result`, or the protocol's own `error`.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The whole answer object.
    pub raw: Value,
}

impl Reply {
    /// `structuredContent`; null when there is none.
    pub fn structured(&self) -> &Value {
        &self.raw["result"]["structuredContent"]
    }

    /// A field of `structuredContent` as text; empty when it is absent or no string.
    pub fn text(&self, field: &str) -> &str {
        self.structured()[field].as_str().unwrap_or_default()
    }

    /// The `status` field.
    pub fn status(&self) -> &str {
        self.text("status")
    }

    /// The `code` field.
    pub fn code(&self) -> &str {
        self.text("code")
    }

    /// Whether the server marked it as an error of the tool.
    pub fn is_error(&self) -> bool {
        self.raw["result"]["isError"] == Value::Bool(true)
    }

    /// The protocol's own error (an unknown tool, say); null when there is none.
    pub fn refusal(&self) -> &Value {
        &self.raw["error"]
    }

    /// The text rendering, its parts joined by line ends.
    pub fn rendering(&self) -> String {
        let parts = self.raw["result"]["content"].as_array().cloned().unwrap_or_default();
        parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Panics, showing all of the answer, unless the status is `ok`.
    #[track_caller]
    pub fn expect_ok(self) -> Self {
        assert_eq!(self.status(), "ok", "{:#}", self.raw);
        self
    }

    /// Panics, showing all of the answer, unless it is an error of the tool with `code`.
    #[track_caller]
    pub fn expect_code(self, code: &str) -> Self {
        assert_eq!(self.code(), code, "{:#}", self.raw);
        assert!(self.is_error(), "{:#}", self.raw);
        self
    }
}

impl Index<&str> for Reply {
    type Output = Value;

    /// A field of `structuredContent`.
    fn index(&self, field: &str) -> &Value {
        &self.structured()[field]
    }
}
