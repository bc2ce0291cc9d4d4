use super::*;

fn shown(raw: &str) -> String {
    let Some(pieces) = read_word(raw) else { return "unreadable".to_owned() };
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text { text, quoted: true } => format!("'{text}'"),
            Piece::Text { text, quoted: false } => text.to_string(),
            Piece::Tilde(user) => format!("<~{user}>"),
            Piece::Param { param, .. } => format!("<${}{}>", param.name, param.op),
            Piece::Subst { code, .. } => format!("<({code})>"),
            Piece::Arith(text) => format!("<(({text}))>"),
            Piece::Process { code, .. } => format!("<<({code})>"),
        })
        .collect()
}

#[test]
fn quotes_of_every_kind_are_told_apart() {
    assert_eq!(shown(r"r''m"), "r''m");
    assert_eq!(shown(r"\rm"), "'r'm");
    assert_eq!(shown(r"$'\x72m'"), "'rm'");
    assert_eq!(shown(r#""r"m"#), "'''r'm");
    assert_eq!(shown("r\\\nm"), "rm");
    assert_eq!(shown(r#""a\"b\$c\d""#), r#"'''a''"b''$c\d'"#);
}

#[test]
fn expansions_are_found_wherever_they_stand() {
    assert_eq!(shown("~/a"), "<~>/a");
    assert_eq!(shown("~bob"), "<~bob>");
    assert_eq!(shown("a~"), "a~");
    assert_eq!(shown(r#""x$(rm "a b")y""#), r#"'''x'<(rm "a b")>'y'"#);
    assert_eq!(shown("${x:-$(rm)}"), "<$x:-$(rm)>");
    assert_eq!(shown("$((1+(2)))"), "<((1+(2)))>");
    assert_eq!(shown("$((rm -rf x); ls)"), "<((rm -rf x); ls)>");
    assert_eq!(shown("`echo \\`rm\\``"), "<(echo `rm`)>");
    assert_eq!(shown("<(rm)"), "<<(rm)>");
    assert_eq!(shown("$"), "'$'");
}

#[test]
fn a_case_inside_a_substitution_keeps_its_brackets() {
    assert_eq!(shown("$(case x in a) rm;; esac)"), "<(case x in a) rm;; esac)>");
    assert_eq!(shown("$(echo a # )\nrm)"), "<(echo a # )\nrm)>");
}

#[test]
fn what_does_not_close_is_unreadable() {
    for raw in ["'a", "\"a", "$(a", "`a", "${a", "$'a", "$(case x in a)", "$(cat <<E\n)"] {
        assert_eq!(shown(raw), "unreadable", "{raw}");
    }
}

#[test]
fn a_here_document_in_a_substitution_is_passed_over() {
    assert_eq!(shown("$(cat <<E\n)\nE\nrm)"), "<(cat <<E\n)\nE\nrm)>");
    assert_eq!(shown("$(cat <<'E F'\nit's (\nE F\n)x"), "<(cat <<'E F'\nit's (\nE F\n)>x");
    assert_eq!(shown("$(cat <<-E <<F\n\t)\n\tE\n)\nF\n)y"), "<(cat <<-E <<F\n\t)\n\tE\n)\nF\n)>y");
    assert_eq!(shown("$(cat <<E\nfoo\\\nE\n)"), "unreadable");
}
