//! Tokens, and whether they are what the text says.
//!
//! The tokenizer loses its place in some here-documents inside substitutions: it takes characters twice, or one past
//! the end, which would be a panic. Texts that may do that are read with padding behind them, and refused when a
//! token reaches into it or differs from the text it stands for.

use brush_parser::{Token, TokenizerOptions, uncached_tokenize_str};

/// More than the tokenizer takes past the end: one character an expansion.
const PADDING: usize = 200;

/// The tokens of a text.
pub(super) fn read(text: &str, options: &TokenizerOptions) -> Option<Vec<Token>> {
    if !text.contains("<<") || !text.contains(['$', '`']) {
        return uncached_tokenize_str(text, options).ok();
    }
    let padded = format!("{text}\n{}", "#".repeat(PADDING));
    let tokens = uncached_tokenize_str(&padded, options).ok()?;
    faithful(&tokens, &text.chars().collect::<Vec<char>>()).then_some(tokens)
}

/// Whether tokens are the text at their places, and leave nothing of it out but white space.
///
/// A here-document's body and delimiter follow its operator, wherever they stand; its tabs may be stripped, and its
/// place reaches over the delimiter.
fn faithful(tokens: &[Token], chars: &[char]) -> bool {
    let mut covered = vec![false; chars.len()];
    // Words of a here-document still to come: its delimiter, its body, its delimiter again.
    let mut here = 0;
    for token in tokens {
        let (from, to) = (token.location().start.index, token.location().end.index);
        if to > chars.len() + 1 || from > to {
            return false;
        }
        let (from, to) = (from.min(chars.len()), to.min(chars.len()));
        let body = here == 2;
        match token {
            Token::Operator(operator, _) if operator == "<<" || operator == "<<-" => here = 3,
            Token::Word(..) if here > 0 => here -= 1,
            _ => {}
        }
        covered[from..to].fill(true);
        if matches!(token, Token::Word(..))
            && !(here == 0 && from == to)
            && !same(token.to_str(), &chars[from..to], body)
        {
            return false;
        }
    }
    covered.iter().zip(chars).all(|(covered, c)| *covered || c.is_whitespace())
}

/// Whether a word says what stands there (or how that begins), white space and continued lines aside.
fn same(said: &str, stands: &[char], begins: bool) -> bool {
    let kept = |c: &char| !c.is_whitespace() && *c != '\\';
    let mut stands = stands.iter().copied().filter(kept);
    said.chars().filter(kept).all(|c| stands.next() == Some(c)) && (begins || stands.next().is_none())
}
