//! Screens: what a full-screen program drew, after a terminal model has rendered it.
//!
//! A program can draw a secret in any order by moving the cursor, so a stream cannot be the last word on it.
//! [`Screen`] feeds the raw bytes to a terminal model (`vt100`) and reads the rendered rows once more: joined
//! where the terminal wrapped them, joined where it did not, and pane by pane between vertical lines.
//!
//! The model holds raw output, so it lives no longer than its terminal, and nothing but rows that were read
//! leaves it.

mod model;
mod rows;

pub use model::{Cursor, Rendered, Screen};
