use super::*;

#[track_caller]
fn place(format: Format, text: &str) -> (usize, usize) {
    let flaw = format.check(text).expect_err("it is not valid");
    assert!(!flaw.what.is_empty());
    (flaw.line, flaw.column)
}

#[track_caller]
fn fine(format: Format, texts: &[&str]) {
    for text in texts {
        assert_eq!(format.check(text), Ok(()), "{text}");
    }
}

#[test]
fn the_name_of_a_file_tells_its_format_and_nginx_conf_is_not_ini() {
    let of = |path: &str| Format::of("auto", path).unwrap().map_or("", Format::name);
    assert_eq!(of("/a/b.JSON"), "json");
    assert_eq!(of("compose.yml"), "yaml");
    assert_eq!(of("/srv/.env"), "dotenv");
    assert_eq!(of("/srv/.env.production"), "dotenv");
    assert_eq!(of("Dockerfile"), "dockerfile");
    assert_eq!(of("Dockerfile.dev"), "dockerfile");
    assert_eq!(of("image.svg"), "xml");
    for none in ["/etc/nginx/nginx.conf", "/etc/hosts", "app.conf", "x.cfg", "json", "", "/"] {
        assert_eq!(of(none), "", "{none}");
    }
    assert_eq!(Format::of("none", "a.json").unwrap(), None);
    assert_eq!(Format::of("json", "a.txt").unwrap(), Some(Format::Json));
    assert_eq!(Format::of("nonsense", "a").unwrap_err().code, ErrorCode::InvalidArgument);
}

#[test]
fn a_flaw_is_told_with_its_line_and_column() {
    let failure = validate(Some(Format::Json), "{\n  \"a\": 1,\n}").unwrap_err();
    insta::assert_snapshot!(
        format!("{}\n{}", failure.message, failure.hint),
        @r#"
    this would be no valid json: line 3, column 1: key must be a string
    nothing was written: correct the text, or set validate = "none" if the file is of another kind
    "#
    );
    assert_eq!(failure.code, ErrorCode::ValidationFailed);
}

#[test]
fn json_is_one_value() {
    fine(Format::Json, &["{}", "[1, \"a\"]", "null", "\u{feff}{}"]);
    for bad in ["", "{", "{} {}", "{'a': 1}", "[1,]", "NaN"] {
        assert!(Format::Json.check(bad).is_err(), "{bad}");
    }
    assert!(Format::Json.check(&"[".repeat(100_000)).is_err(), "deep nesting is an error, not a crash");
}

#[test]
fn yaml_may_be_several_documents_and_every_one_counts() {
    fine(
        Format::Yaml,
        &["a: 1\nb: [x, y]\n", "---\na: 1\n---\nb: 2\n...\n", "", "# only a comment\n", "a: &x 1\nb: *x\n"],
    );
    assert_eq!(place(Format::Yaml, "---\na: 1\n---\nb: [1\nc: 2\n").0, 5);
    for bad in ["a: b: c", "a:\n\t- x", "a: *nowhere", "a: 'open", "a: 1\na: 2\n"] {
        assert!(Format::Yaml.check(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_yaml_bomb_is_not_expanded_and_depth_is_bounded() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..40 {
        bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(",")));
    }
    fine(Format::Yaml, &[&bomb]);
    assert!(Format::Yaml.check(&"[".repeat(20_000)).is_err());
}

#[test]
fn toml_tells_where_it_is_broken() {
    fine(Format::Toml, &["", "a = 1\n[b]\nc = \"d\"\n"]);
    assert_eq!(place(Format::Toml, "a = 1\nb = \n").0, 2);
    assert!(Format::Toml.check("a = 1\na = 2\n").is_err());
}

#[test]
fn xml_has_one_root_and_closed_elements() {
    fine(Format::Xml, &["<a/>", "<?xml version=\"1.0\"?>\n<!-- c -->\n<a x=\"1\"><b>t &amp; u</b></a>\n"]);
    for bad in
        ["", "<a>", "<a></b>", "<a/><b/>", "text", "<a/>text", "<a x=1/>", "<a x=\"1\" x=\"2\"/>", "<a"]
    {
        assert!(Format::Xml.check(bad).is_err(), "{bad}");
    }
    let laughs = "<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]><l>&b;</l>";
    fine(Format::Xml, &[laughs]);
    assert!(Format::Xml.check(&"<a>".repeat(200_000)).is_err());
    assert_eq!(place(Format::Xml, "<a>\n  <b></c>\n</a>").0, 2);
}

#[test]
fn ini_has_sections_keys_and_nothing_else() {
    fine(
        Format::Ini,
        &["", "[a]\nb = c\nd: e\n; comment\n# comment\nalone\n", "a = b\n  goes on\n", "[a] ; why\n"],
    );
    assert_eq!(place(Format::Ini, "[a]\nb = c\n[broken\n"), (3, 1));
    for bad in ["[]", "[a] b", "= c", "server { listen 80; }"] {
        assert!(Format::Ini.check(bad).is_err(), "{bad}");
    }
}

#[test]
fn dotenv_lines_are_assignments_and_quotes_may_span_lines() {
    fine(
        Format::Dotenv,
        &[
            "",
            "A=1\nexport B='x y'\n# c\nC=\"two\nlines\" # why\nD=\n",
            "A=\"say \\\"hi\\\"\"\n",
            "KEY='-----BEGIN\nx\n-----END'\nB=1",
        ],
    );
    assert_eq!(place(Format::Dotenv, "A=1\nB='two\nlines'\nnonsense\n").0, 4);
    for bad in ["A", "1A=x", "A B=c", "A=\"open", "A='x' y"] {
        assert!(Format::Dotenv.check(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_dockerfile_begins_with_from_and_knows_its_instructions() {
    fine(
        Format::Dockerfile,
        &[
            "FROM debian:12\nRUN apt-get update && \\\n    # why\n    apt-get install -y curl\nCMD [\"bash\"]\n",
            "# syntax=docker/dockerfile:1\nARG V=1\nFROM x:${V} AS b\nRUN <<EOF\nnot an instruction\nEOF\nCOPY a b\n",
            "# escape=`\nFROM x\nRUN a `\n  b\n",
        ],
    );
    assert_eq!(place(Format::Dockerfile, "FROM x\nRNU echo\n"), (2, 1));
    for bad in ["", "RUN x", "FROM", "FROM x\nRUN a \\", "FROM x\nRUN <<EOF\na\n", "# only"] {
        assert!(Format::Dockerfile.check(bad).is_err(), "{bad}");
    }
}
