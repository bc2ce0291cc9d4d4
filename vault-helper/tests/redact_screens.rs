//! Rendered screens.
#![allow(clippy::expect_used, reason = "a test that cannot set up must fail")]

use proptest::collection::vec;
use proptest::prelude::*;
use sallyport_vault_helper::redact::{Cursor, Enrollment, MASK, Redactor, Rendered, Screen, SecretKind};

const SECRET: &str = "q7Vx0Lm2Zt9Rb4Kd8Ws1";

fn with(secret: &str) -> (Redactor, Enrollment) {
    let redactor = Redactor::new();
    let guard = redactor.enroll("s", secret.as_bytes(), SecretKind::Password).expect("a good secret");
    (redactor, guard)
}

fn drawn(secret: &str, size: (u16, u16), bytes: &str) -> Rendered {
    let (redactor, _guard) = with(secret);
    let mut screen = redactor.screen(size.0, size.1);
    screen.feed(bytes.as_bytes());
    screen.render()
}

/// The rows down to the last that is not empty.
fn shown(rendered: &Rendered) -> Vec<&str> {
    let rows: Vec<&str> = rendered.rows.iter().map(AsRef::as_ref).collect();
    let used = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
    rows[..used].to_vec()
}

#[test]
fn a_screen_without_a_secret_shows_what_a_terminal_shows() {
    let rendered = drawn(
        SECRET,
        (4, 20),
        "top\r\n\x1b[3;5H\x1b[31mred\x1b[m\x1b[1;10Hé ☃ 🦀\x1b[4;1Hlast line\x1b[?25l",
    );
    assert_eq!(shown(&rendered), ["top      é ☃ 🦀", "", "    red", "last line"]);
    assert_eq!(rendered.cursor, Cursor { row: 3, column: 9, hidden: true });
    assert_eq!((rendered.redactions, rendered.alternate), (0, false));
}

#[test]
fn a_secret_that_the_terminal_wrapped_is_masked_in_every_row() {
    let rendered = drawn(SECRET, (4, 16), &format!("export TOK={SECRET} ok"));
    assert_eq!(shown(&rendered), ["export TOK=[redacted]", "[redacted]", "ok"]);
}

#[test]
fn a_secret_that_the_program_broke_into_rows_is_masked_in_every_row() {
    let rendered = drawn(SECRET, (5, 40), "$ q7Vx0Lm2\r\nZt9Rb4Kd\r\n8Ws1 é ok");
    assert_eq!(shown(&rendered), ["$ [redacted]", "[redacted]", "[redacted] é ok"]);
}

#[test]
fn a_secret_painted_backwards_by_cursor_moves_is_masked() {
    let painted: String =
        SECRET.char_indices().rev().map(|(at, c)| format!("\x1b[2;{}H{c}", at + 3)).collect();
    let rendered = drawn(SECRET, (4, 40), &format!("{painted}\x1b[2;30Hafter"));
    assert_eq!(shown(&rendered), ["", "  [redacted]       after"]);
}

#[test]
fn a_secret_put_together_by_insertions_deletions_and_overwriting_is_masked() {
    for bytes in [
        "q7VxRb4Kd8Ws1\x1b[1;5H\x1b[7@0Lm2Zt9",
        "q7Vxjunk0Lm2Zt9Rb4Kd8Ws1\x1b[1;5H\x1b[4P",
        "q7Vx____Zt9Rb4Kd8Ws1\x1b[1;5H0Lm2",
        "junk\r\nq7Vx0Lm2Zt9Rb4Kd8Ws1\x1b[1;1H\x1b[1M",
    ] {
        let rendered = drawn(SECRET, (4, 40), bytes);
        assert_eq!(shown(&rendered), [MASK], "{bytes:?}");
    }
}

#[test]
fn a_secret_wrapped_inside_a_pane_is_masked_and_its_neighbour_is_not() {
    let rendered =
        drawn(SECRET, (6, 40), "one      │q7Vx0Lm2│\r\ntwo      │Zt9Rb4Kd│\r\nthree    │8Ws1    │\r\nend");
    assert_eq!(
        shown(&rendered),
        ["one      │[redacted]│", "two      │[redacted]│", "three    │[redacted]    │", "end"]
    );
}

#[test]
fn the_beginning_of_a_secret_before_the_cursor_is_masked() {
    for drawn_so_far in [6, 8, 11] {
        let rendered = drawn(SECRET, (4, 40), &format!("key: {}", &SECRET[..drawn_so_far]));
        assert_eq!(shown(&rendered), ["key: [redacted]"]);
        assert_eq!(rendered.cursor.column, 15, "the cursor must not tell how much is hidden");
    }
    let rendered = drawn(SECRET, (4, 40), &format!("key: {}\r\n\r\n\r\n$ \x1b[1;12H", &SECRET[..7]));
    assert!(!shown(&rendered)[0].contains("q7V"), "{rendered:?}");
}

#[test]
fn a_short_secret_is_masked_where_the_terminal_wrapped_it() {
    let rendered = drawn("k3y!z", (3, 16), "the new pin: k3y!z end");
    assert_eq!(shown(&rendered), ["the new pin: [redacted]", "[redacted] end"]);
    let rendered = drawn("k3y!z", (3, 16), "the new pin k3y\r\n!z end k3y!z");
    assert_eq!(shown(&rendered), ["the new pin k3y", "!z end [redacted]"]);
}

#[test]
fn a_secret_enrolled_after_it_was_drawn_is_masked_in_the_next_rendering() {
    let redactor = Redactor::new();
    let mut screen = redactor.screen(4, 40);
    screen.feed(SECRET.as_bytes());
    assert_eq!(shown(&screen.render()), [SECRET]);
    let guard = redactor.enroll("s", SECRET.as_bytes(), SecretKind::Password).expect("a good secret");
    assert_eq!(shown(&screen.render()), [MASK]);
    drop(guard);
    assert!(!format!("{screen:?}").contains("q7V"));
}

#[test]
fn the_alternate_screen_is_told_apart_and_left_again() {
    let (redactor, _guard) = with(SECRET);
    let mut screen = redactor.screen(4, 40);
    screen.feed(b"$ vi\r\n\x1b[?1049h\x1b[H~ file");
    let rendered = screen.render();
    assert!(rendered.alternate);
    assert_eq!(shown(&rendered), ["~ file"]);
    screen.feed(b"\x1b[?1049l$ ");
    assert_eq!(shown(&screen.render()), ["$ vi", "$"]);
}

#[test]
fn a_resize_keeps_what_fits_and_odd_sizes_become_possible_ones() {
    let (redactor, _guard) = with(SECRET);
    let mut screen = redactor.screen(0, 0);
    assert_eq!(screen.size(), (2, 16));
    screen.resize(u16::MAX, u16::MAX);
    assert_eq!(screen.size(), (200, 500));
    screen.resize(24, 80);
    screen.feed(b"one\r\ntwo");
    screen.resize(30, 100);
    assert_eq!(shown(&screen.render()), ["one", "two"]);
    assert_eq!(screen.render().cursor, Cursor { row: 1, column: 3, hidden: false });
}

#[test]
fn a_token_that_is_not_in_the_vault_is_masked_unless_the_host_says_otherwise() {
    let token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let feed = |mut screen: Screen| {
        screen.feed(token.as_bytes());
        shown(&screen.render()).concat()
    };
    assert_eq!(feed(Redactor::new().screen(4, 80)), "ghp_[redacted]");
    assert_eq!(feed(Redactor::new().with_shapes(false).screen(4, 80)), token);
}

#[test]
fn a_request_to_repeat_a_character_many_times_costs_one_row_at_most() {
    let (redactor, _guard) = with(SECRET);
    let mut screen = redactor.screen(4, 20);
    for piece in ["x\x1b[6", "5\x07535", "b", "\r\n", "y\x1b[3;5by\x1b[5 b\x1b[?9999b\x1b[999999999999b"] {
        screen.feed(piece.as_bytes());
    }
    let rows = screen.render();
    assert_eq!(shown(&rows), ["xxxxxxxxxxxxxxxxxxxx", "x", "yyyyyyyyyyyyyyyyyyyy", "yyyyy"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_and_no_sizes_break_a_screen(
        steps in vec((vec(any::<u8>(), 0..60), 0..40_u16, 0..90_u16), 0..8),
    ) {
        let (redactor, _guard) = with(SECRET);
        let mut screen = redactor.screen(24, 80);
        for (bytes, rows, columns) in steps {
            screen.feed(&bytes);
            screen.resize(rows, columns);
            let rendered = screen.render();
            prop_assert_eq!(rendered.rows.len(), usize::from(screen.size().0));
        }
    }

    #[test]
    fn a_secret_drawn_in_any_order_at_any_place_is_masked(
        mut order in Just((0..SECRET.len()).collect::<Vec<_>>()).prop_shuffle(),
        column in 0..16_usize,
        width in 16..60_u16,
    ) {
        let cell = |at: usize| ((column + at) / usize::from(width) + 1, (column + at) % usize::from(width) + 1);
        let draw = |at: usize| {
            let (row, column) = cell(at);
            format!("\x1b[{row};{column}H{}", &SECRET[at..=at])
        };
        let bytes: String = order.drain(..).map(draw).collect();
        let rendered = drawn(SECRET, (8, width), &format!("{bytes}\x1b[7;1Hdone"));
        let text: String = rendered.rows.iter().map(AsRef::<str>::as_ref).collect();
        prop_assert!(!SECRET.as_bytes().windows(8).any(|run| text.as_bytes().windows(8).any(|seen| seen == run)));
        prop_assert!(text.ends_with("done"));
    }
}
