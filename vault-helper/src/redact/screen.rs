//! Screens: what a full-screen program drew, row by row, after a terminal model has rendered it.
//!
//! A program can draw a secret in any order by moving the cursor, so a stream cannot be the last word on it.
//! The rendered rows are read once more, as one text: the normaliser drops line ends, so a secret is seen
//! whether the terminal wrapped it or the program broke it.

use super::MASK;
use super::clean::CleanText;
use super::registry::Redactor;

/// One row of a rendered screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its text, without the blanks at its end.
    pub text: String,
    /// It was full and goes on in the next row.
    pub wrapped: bool,
}

impl Redactor {
    /// Masks the rows of a rendered screen: as many come back as went in.
    #[must_use]
    pub fn screen_rows(&self, rows: &[Row]) -> Vec<CleanText> {
        let mut joined = String::new();
        let mut places = Vec::with_capacity(rows.len());
        for row in rows {
            places.push(joined.len()..joined.len() + row.text.len());
            joined.push_str(&row.text);
            joined.push_str(if row.wrapped { "" } else { "\n" });
        }
        let spans = self.stream().spans(joined.into_bytes());
        let masked = rows.iter().zip(places).map(|(row, place)| {
            let text = row.text.as_bytes();
            let mut out = Vec::with_capacity(text.len());
            let mut at = place.start;
            for span in spans.iter().filter(|span| span.start < place.end && span.end > place.start) {
                out.extend_from_slice(&text[at - place.start..span.start.max(place.start) - place.start]);
                out.extend_from_slice(MASK.as_bytes());
                at = span.end.min(place.end);
            }
            out.extend_from_slice(&text[at - place.start..]);
            CleanText::new(String::from_utf8_lossy(&out).into_owned())
        });
        masked.collect()
    }
}
