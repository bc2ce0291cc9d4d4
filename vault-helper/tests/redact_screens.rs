//! Rendered screens.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]

use sallyport_vault_helper::redact::{Redactor, Row, SecretKind};

fn rows(texts: &[(&str, bool)]) -> Vec<Row> {
    texts.iter().map(|(text, wrapped)| Row { text: (*text).to_owned(), wrapped: *wrapped }).collect()
}

fn shown(secret: &str, texts: &[(&str, bool)]) -> Vec<String> {
    let redactor = Redactor::new();
    let _guard = redactor.enroll("s", secret.as_bytes(), SecretKind::Password).expect("a good secret");
    redactor.screen_rows(&rows(texts)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_secret_over_two_rows_is_masked_in_both_wrapped_or_not() {
    for wrapped in [true, false] {
        let shown = shown(
            "q7Vx0Lm2Zt9Rb4Kd8Ws1",
            &[("$ q7Vx0Lm2", wrapped), ("Zt9Rb4Kd", wrapped), ("8Ws1 é ok", false)],
        );
        assert_eq!(shown, ["$ [redacted]", "[redacted]", "[redacted] é ok"]);
    }
}

#[test]
fn a_short_secret_is_masked_where_the_terminal_wrapped_it() {
    assert_eq!(shown("k3y!z", &[("pin k3y", true), ("!z end", false)]), ["pin [redacted]", "[redacted] end"]);
    assert_eq!(shown("k3y!z", &[("pin k3y", false), ("!z end", false)]), ["pin k3y", "!z end"]);
}

#[test]
fn rows_without_a_secret_come_back_as_they_were() {
    let texts = [("top - 10:00:00", false), ("", false), ("é ☃ 🦀", true), ("", false)];
    assert_eq!(shown("q7Vx0Lm2Zt9Rb4Kd8Ws1", &texts), texts.map(|(text, _)| text));
    assert!(shown("q7Vx0Lm2Zt9Rb4Kd8Ws1", &[]).is_empty());
}
