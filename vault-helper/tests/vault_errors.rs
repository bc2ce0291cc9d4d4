//! Every error of the vault as people read it: its code, its sentence, and what to do next.
//!
//! Each list is held against a `match` without a wildcard, so that a new variant does not compile until it is told here.

#![allow(clippy::unwrap_used, reason = "a slug that does not parse fails its test")]

use std::fmt::Write as _;
use std::io;

use sallyport_vault_helper::vault::{
    DotenvError, KeyError, RecipientProblem, RecordType, Slug, SlugError, Unusable, VaultError,
};

/// Lists variants, and refuses to compile when one is missing.
macro_rules! every {
    ($kind:ty: $($pattern:pat => $value:expr),+ $(,)?) => {{
        let known = |error: &$kind| match error { $($pattern => ()),+ };
        let all: Vec<$kind> = vec![$($value),+];
        all.iter().for_each(known);
        all
    }};
}

fn slug() -> Slug {
    "ssh://deploy@web1".parse().unwrap()
}

fn key_errors() -> Vec<KeyError> {
    use KeyError as K;
    every!(KeyError:
        K::Unreadable => K::Unreadable,
        K::Public => K::Public,
        K::PassphraseNeeded => K::PassphraseNeeded,
        K::WrongPassphrase => K::WrongPassphrase,
        K::Unsupported => K::Unsupported,
        K::OnToken => K::OnToken,
        K::TooShort => K::TooShort,
        K::BadCertificate => K::BadCertificate,
        K::OtherCertificate => K::OtherCertificate,
        K::SigningFailed => K::SigningFailed,
    )
}

fn dotenv_errors() -> Vec<DotenvError> {
    use DotenvError as D;
    every!(DotenvError:
        D::Shape(_) => D::Shape(3),
        D::Quotes(_) => D::Quotes(3),
        D::Twice(_) => D::Twice(3),
        D::Nul(_) => D::Nul(3),
        D::TooMany => D::TooMany,
    )
}

fn slug_errors() -> Vec<SlugError> {
    use SlugError as S;
    every!(SlugError:
        S::Shape => S::Shape,
        S::Purpose => S::Purpose,
        S::User => S::User,
        S::Host => S::Host,
        S::Brackets => S::Brackets,
        S::Port => S::Port,
        S::Name => S::Name,
    )
}

fn problems() -> Vec<RecipientProblem> {
    use RecipientProblem as R;
    every!(RecipientProblem:
        R::Absent => R::Absent,
        R::Expired => R::Expired,
        R::Revoked => R::Revoked,
        R::CannotEncrypt => R::CannotEncrypt,
        R::Untrusted => R::Untrusted,
    )
}

fn unusable() -> Vec<Unusable> {
    let keys = key_errors().into_iter().map(Unusable::Key);
    let others = dotenv_errors().into_iter().map(Unusable::Dotenv);
    every!(Unusable:
        Unusable::Key(_) => Unusable::Key(KeyError::Public),
        Unusable::Dotenv(_) => Unusable::Dotenv(DotenvError::TooMany),
        Unusable::Bifrost => Unusable::Bifrost,
    );
    keys.chain(others).chain([Unusable::Bifrost]).collect()
}

fn vault_errors() -> Vec<VaultError> {
    use VaultError as E;
    let (slug, kind, path) =
        (slug(), RecordType::Password, std::path::PathBuf::from("/home/me/.password-store"));
    let mut all = every!(VaultError:
        E::Slug(_) => E::Slug(SlugError::Shape),
        E::WrongType { .. } => E::WrongType { slug: slug.clone(), kind: RecordType::Dotenv },
        E::Missing { .. } => E::Missing { slug: slug.clone(), kind },
        E::Empty { .. } => E::Empty { slug: slug.clone(), kind },
        E::Exists { .. } => E::Exists { slug: slug.clone(), kind },
        E::AgentLocked { .. } => E::AgentLocked { slug: slug.clone() },
        E::WindowClosed => E::WindowClosed,
        E::Cancelled { .. } => E::Cancelled { slug: slug.clone() },
        E::BadPassphrase { .. } => E::BadPassphrase { slug: slug.clone() },
        E::CardWanted { .. } => E::CardWanted { slug: slug.clone(), card: "0006 12345678".into() },
        E::PinBlocked { .. } => E::PinBlocked { slug: slug.clone() },
        E::NoScdaemon { .. } => E::NoScdaemon { slug: slug.clone() },
        E::NoPinentry => E::NoPinentry,
        E::NoAgent => E::NoAgent,
        E::Silent => E::Silent,
        E::AskInProgress => E::AskInProgress,
        E::NotGpg { .. } => E::NotGpg { slug: slug.clone(), kind },
        E::Damaged { .. } => E::Damaged { slug: slug.clone(), kind, reason: "Bad data".into() },
        E::NoSecretKey { .. } => E::NoSecretKey { slug: slug.clone(), kind },
        E::Unusable { .. } => E::Unusable { slug: slug.clone(), kind, reason: Unusable::Bifrost },
        E::TooLarge { .. } => E::TooLarge { slug: slug.clone(), kind },
        E::OutsideStore { .. } => E::OutsideStore { slug: slug.clone() },
        E::NoStore { .. } => E::NoStore { path: path.clone() },
        E::NoRecipients { .. } => E::NoRecipients { path: path.clone() },
        E::Recipient { .. } => E::Recipient { recipient: "me@example.org".into(), problem: RecipientProblem::Absent },
        E::Io { .. } => E::Io { action: "reading", path, source: io::Error::from_raw_os_error(13) },
        E::Busy => E::Busy,
        E::Gpg { .. } => E::Gpg { reason: "General error".into() },
    );
    all.retain(|error| !matches!(error, E::Slug(_) | E::Unusable { .. } | E::Recipient { .. }));
    all.extend(slug_errors().into_iter().map(E::Slug));
    all.extend(unusable().into_iter().map(|reason| {
        let (slug, kind) = match reason {
            Unusable::Key(_) => (slug.clone(), RecordType::Key),
            Unusable::Dotenv(_) => ("env://app".parse().unwrap(), RecordType::Dotenv),
            Unusable::Bifrost => (slug.clone(), RecordType::Password),
        };
        E::Unusable { slug, kind, reason }
    }));
    let recipient = || "me@example.org".to_owned();
    all.extend(problems().into_iter().map(|problem| E::Recipient { recipient: recipient(), problem }));
    all
}

#[test]
fn every_error_says_what_happened_and_what_to_do_next() {
    let mut shown = String::new();
    for error in vault_errors() {
        let again = if error.is_retryable() { ", may be tried again" } else { "" };
        let _ = writeln!(shown, "{}{again}\n  {error}\n  hint: {}", error.code(), error.hint());
        assert!(!error.hint().is_empty(), "{error}");
    }
    insta::assert_snapshot!(shown);
}
