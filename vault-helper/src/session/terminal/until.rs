//! What a look waits for: a text, or a regular expression of the `regex` crate, whose search takes time in proportion to
//! the text. Both are searched in a bounded window at the end of what is shown.

use regex::{Regex, RegexBuilder};
use sallyport_protocol::terminal;
use sallyport_protocol::{ErrorCode, Failure};

/// The window that is searched, in bytes; output is taken in smaller pieces, so that nothing passes unseen.
pub const WINDOW: usize = 16 * 1024;
/// The piece of output after which the window is searched.
pub const PIECE: usize = 8 * 1024;
/// A compiled expression may not be larger than this, in bytes.
const COMPILED: usize = 256 * 1024;

/// See the module.
#[derive(Debug, Clone)]
pub enum Until {
    /// This text.
    Literal(String),
    /// This expression; `^` and `$` match at line ends.
    Regex(Regex),
}

impl Until {
    /// Reads what is to be waited for.
    ///
    /// # Errors
    /// `invalid_argument` for an expression that is none, or too large.
    pub fn new(until: &terminal::Until) -> Result<Self, Failure> {
        let pattern = until.pattern.as_str();
        if !until.regex {
            return Ok(Self::Literal(pattern.to_owned()));
        }
        let built = RegexBuilder::new(pattern)
            .multi_line(true)
            .size_limit(COMPILED)
            .dfa_size_limit(COMPILED)
            .nest_limit(50)
            .build();
        built.map(Self::Regex).map_err(|error| {
            let what = match error {
                regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
                error => format!("until is no regular expression: {}", last_line(&error.to_string())),
            };
            Failure::new(
                ErrorCode::InvalidArgument,
                what,
                "the syntax is that of Rust's regex crate: no look-around and no back-references; without regex = true \
                 the text itself is waited for",
            )
        })
    }

    /// Whether it stands in a text. An expression is searched on a thread of its own: some take their time.
    pub async fn is_in(&self, text: String) -> bool {
        match self {
            Self::Literal(literal) => text.contains(literal.as_str()),
            Self::Regex(regex) => {
                let regex = regex.clone();
                tokio::task::spawn_blocking(move || regex.is_match(&text)).await.unwrap_or(false)
            }
        }
    }
}

/// The last line of the crate's errors says what is wrong; the ones before it draw the expression.
fn last_line(text: &str) -> &str {
    text.lines().next_back().unwrap_or_default().trim_start_matches("error: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::text::Pattern;

    fn until(pattern: &str, regex: bool) -> Result<Until, Failure> {
        Until::new(&terminal::Until { pattern: Pattern::new(pattern).unwrap(), regex })
    }

    #[tokio::test]
    async fn a_text_is_itself_and_an_expression_matches_at_line_ends() {
        assert!(until("[$] ", false).unwrap().is_in("a [$] b".into()).await);
        assert!(!until("[$] ", false).unwrap().is_in("a $ b".into()).await);
        assert!(until(r"^done \d+$", true).unwrap().is_in("x\ndone 7\ny".into()).await);
        assert!(until(r"(?i)PASSWORD.*: $", true).unwrap().is_in("Password for root: ".into()).await);
    }

    #[test]
    fn what_is_no_expression_or_too_large_a_one_is_refused() {
        for bad in ["(", "a{1000}{1000}", "(?=x)", r"(a)\1", "[", r"\w{1000}"] {
            assert_eq!(until(bad, true).unwrap_err().code, ErrorCode::InvalidArgument, "{bad}");
        }
        let failure = until("(", true).unwrap_err();
        insta::assert_snapshot!(failure.message, @"until is no regular expression: unclosed group");
        let failure = until(&"(".repeat(60), true).unwrap_err();
        assert!(failure.message.as_str().starts_with("until is no regular expression"));
    }

    #[tokio::test]
    async fn an_expression_made_to_be_slow_is_not() {
        let text = "a".repeat(WINDOW);
        assert!(!until("(a*)*b", true).unwrap().is_in(text.clone()).await);
        assert!(!until("(a|a)*(a|a)*(a|a)*c", true).unwrap().is_in(text).await);
    }
}
