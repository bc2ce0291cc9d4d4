//! The fallback account: one user whose secrets are offered to hosts that have no record of their own, and
//! only to hosts that match patterns which a person wrote down.
//!
//! The binding stands in our configuration and not in the store: a store may be shared, and whoever could widen
//! the patterns there would have the password sent to a host of theirs.

use crate::hostkeys::HostPatterns;

use super::slug::{Slug, SlugError};

/// A fallback account with the hosts that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    slug: Slug,
    hosts: HostPatterns,
}

/// Why an account or its binding is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FallbackError {
    /// The user is not acceptable.
    #[error("{0}")]
    User(#[from] SlugError),
    /// A pattern binds to nothing or to everything.
    #[error(
        "the host pattern `{0}` would bind the account to every host or to none; name a part of the host names"
    )]
    Pattern(String),
}

impl Fallback {
    /// An account bound to a comma-separated list of host patterns, such as `db*.example,!db-lab.example`.
    ///
    /// # Errors
    /// When the user is no user name, or a pattern names no part of a host name: an account for every host
    /// would send its password to whatever host an agent connects to.
    pub fn new(user: &str, hosts: &str) -> Result<Self, FallbackError> {
        let slug = Slug::default_account(user)?;
        let patterns = HostPatterns::parse(hosts);
        match patterns.meaningless() {
            Some(pattern) => Err(FallbackError::Pattern(pattern.to_owned())),
            None => Ok(Self { slug, hosts: patterns }),
        }
    }

    /// The slug that its records are stored under.
    pub fn slug(&self) -> &Slug {
        &self.slug
    }

    /// Its user.
    pub fn user(&self) -> &str {
        self.slug.user().unwrap_or_default()
    }

    /// Whether the account may be offered to a host, given by the real host name of its slug.
    pub fn covers(&self, host: &str) -> bool {
        self.hosts.covers(host)
    }
}

/// The account to offer to a host: the first that is bound to it.
pub fn fallback_for<'a>(accounts: &'a [Fallback], host: &str) -> Option<&'a Fallback> {
    accounts.iter().find(|account| account.covers(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_offered_to_its_hosts_alone() {
        let accounts = [
            Fallback::new("admin", "db*.example, !db-lab.example").unwrap(),
            Fallback::new("ops", "web?").unwrap(),
        ];
        let user = |host| fallback_for(&accounts, host).map(Fallback::user);
        assert_eq!(user("DB1.example"), Some("admin"));
        assert_eq!(user("db-lab.example"), None);
        assert_eq!(user("web1"), Some("ops"));
        assert_eq!(user("evil.test"), None);
    }

    #[test]
    fn an_account_for_every_host_or_none_is_refused() {
        for hosts in ["*", "db*,*", "?*", "*.*", "", "db*,", "!*", "!"] {
            assert!(matches!(Fallback::new("admin", hosts), Err(FallbackError::Pattern(_))), "{hosts:?}");
        }
        assert!(matches!(Fallback::new("../admin", "db*"), Err(FallbackError::User(_))));
    }
}
