//! Slugs: one spelling each, and no way from a slug to a path outside its own folder.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Component, Path};

use proptest::prelude::*;
use sallyport_vault_helper::vault::{Purpose, Slug, SlugError};

fn parsed(text: &str) -> Result<String, SlugError> {
    text.parse::<Slug>().map(|slug| slug.to_string())
}

#[test]
fn every_slug_has_one_spelling() {
    let spellings = [
        ("ssh://deploy@web1.example", "ssh://deploy@web1.example"),
        ("ssh://deploy@WEB1.Example:22", "ssh://deploy@web1.example"),
        ("ssh://deploy@web1:2222", "ssh://deploy@web1:2222"),
        ("sudo://deploy@203.0.113.10", "sudo://deploy@203.0.113.10"),
        ("ssh://root@[2001:DB8:0:0::1]", "ssh://root@[2001:db8::1]"),
        ("ssh://root@[2001:db8::1]:2222", "ssh://root@[2001:db8::1]:2222"),
        ("ssh://root@[fe80::1%eth0]", "ssh://root@[fe80::1%eth0]"),
        ("ssh://me@corp@bastion", "ssh://me@corp@bastion"),
        ("ssh://CORP\\me@win1", "ssh://CORP\\me@win1"),
        ("env://build.prod", "env://build.prod"),
        ("default://admin", "default://admin"),
    ];
    for (text, canonical) in spellings {
        assert_eq!(parsed(text).as_deref(), Ok(canonical));
        assert_eq!(parsed(canonical).as_deref(), Ok(canonical));
    }
}

#[test]
fn users_keep_their_case_and_hosts_do_not() {
    assert_ne!("ssh://Deploy@web1".parse::<Slug>(), "ssh://deploy@web1".parse());
    assert_eq!("ssh://deploy@WEB1".parse::<Slug>(), "ssh://deploy@web1".parse());
}

#[test]
fn folders_are_as_the_interface_says() {
    let folder = |text: &str| text.parse::<Slug>().unwrap().folder();
    assert_eq!(folder("ssh://deploy@web1:2222"), Path::new("sallyport/ssh/web1:2222/deploy"));
    assert_eq!(folder("sudo://deploy@web1"), Path::new("sallyport/sudo/web1/deploy"));
    assert_eq!(folder("ssh://root@[::1]:2222"), Path::new("sallyport/ssh/[::1]:2222/root"));
    assert_eq!(folder("env://build"), Path::new("sallyport/env/build"));
}

#[test]
fn what_is_no_slug_says_which_part_is_wrong() {
    let cases = [
        ("", SlugError::Shape),
        ("web1", SlugError::Shape),
        ("ssh://web1", SlugError::Shape),
        ("winrm://a@b", SlugError::Purpose),
        ("SSH://a@b", SlugError::Purpose),
        ("ssh://@web1", SlugError::User),
        ("ssh://..@web1", SlugError::User),
        ("ssh://.hidden@web1", SlugError::User),
        ("ssh://-oProxyCommand=x@web1", SlugError::User),
        ("ssh://a/b@web1", SlugError::User),
        ("ssh://a b@web1", SlugError::User),
        ("ssh://user:pass@web1", SlugError::User),
        ("ssh://a\0@web1", SlugError::User),
        ("ssh://m\u{fc}ller@web1", SlugError::User),
        ("ssh://a@", SlugError::Host),
        ("ssh://a@..", SlugError::Host),
        ("ssh://a@web1/../x", SlugError::Host),
        ("ssh://a@-web1", SlugError::Host),
        ("ssh://a@web1.", SlugError::Host),
        ("ssh://a@we\u{301}b", SlugError::Host),
        ("ssh://a@we b", SlugError::Host),
        ("ssh://a@[web1]", SlugError::Host),
        ("ssh://a@[::1", SlugError::Host),
        ("ssh://a@[::1]x", SlugError::Host),
        ("ssh://a@[::1%../x]", SlugError::Host),
        ("ssh://a@::1", SlugError::Brackets),
        ("ssh://a@web1:", SlugError::Port),
        ("ssh://a@web1:0", SlugError::Port),
        ("ssh://a@web1:022", SlugError::Port),
        ("ssh://a@web1:+22", SlugError::Port),
        ("ssh://a@web1:65536", SlugError::Port),
        ("env://", SlugError::Name),
        ("env://a/b", SlugError::Name),
        ("env://..", SlugError::Name),
        ("env://a@b", SlugError::Name),
    ];
    for (text, expected) in cases {
        assert_eq!(parsed(text), Err(expected), "{text:?}");
    }
    assert_eq!(parsed(&format!("ssh://{}@web1", "a".repeat(105))), Err(SlugError::User));
    assert_eq!(parsed(&format!("ssh://a@{}", "a".repeat(254))), Err(SlugError::Host));
}

#[test]
fn an_address_needs_no_brackets_when_given_by_parts() {
    let slug = Slug::ssh("root", "2001:DB8::1", 22).unwrap();
    assert_eq!((slug.host(), slug.port(), slug.purpose()), (Some("2001:db8::1"), Some(22), Purpose::Ssh));
    assert_eq!(Slug::ssh("root", "web1", 0), Err(SlugError::Port));
}

proptest! {
    #[test]
    fn whatever_parses_prints_a_text_that_parses_to_the_same(text in "(ssh|sudo|env|default)://\\PC{0,40}") {
        if let Ok(slug) = text.parse::<Slug>() {
            prop_assert_eq!(slug.to_string().parse::<Slug>(), Ok(slug));
        }
    }

    #[test]
    fn whatever_parses_stays_in_its_own_folder(text in "(ssh|sudo)://[ -~]{1,20}@[ -~]{1,20}(:[0-9]{1,5})?") {
        if let Ok(slug) = text.parse::<Slug>() {
            let folder = slug.folder();
            let parts: Vec<_> = folder.components().collect();
            prop_assert_eq!(parts.len(), 4);
            prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
            prop_assert!(folder.iter().all(|part| part.len() <= 255 && !part.as_encoded_bytes().starts_with(b".")));
        }
    }

    #[test]
    fn different_slugs_have_different_folders(a in "ssh://[a-c@]{1,3}@[a-c]{1,3}(:2[0-9])?", b in "ssh://[a-c@]{1,3}@[a-c]{1,3}(:2[0-9])?") {
        if let (Ok(a), Ok(b)) = (a.parse::<Slug>(), b.parse::<Slug>()) {
            prop_assert_eq!(a == b, a.folder() == b.folder());
        }
    }
}
