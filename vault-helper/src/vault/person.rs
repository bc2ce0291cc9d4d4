//! Where a person is, in the words that gpg-agent needs to show them a dialog.

use std::collections::BTreeMap;

use sallyport_protocol::admin::SURROUNDINGS;

/// Longest value that is passed on, in bytes.
const MAX_VALUE: usize = 1024;

/// Where a person is: their terminal and display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonEnv(BTreeMap<&'static str, String>);

impl PersonEnv {
    /// Takes the variables of [`SURROUNDINGS`] from a list; others, empty ones, overlong ones and those
    /// with control characters are left out.
    pub fn from_variables<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut taken = BTreeMap::new();
        for (name, value) in variables {
            let known = SURROUNDINGS.into_iter().find(|known| *known == name);
            let fits = !value.is_empty() && value.len() <= MAX_VALUE && !value.contains(char::is_control);
            if let (Some(known), true) = (known, fits) {
                taken.insert(known, value.to_owned());
            }
        }
        Self(taken)
    }
}

impl PersonEnv {
    /// The variables, for a process that asks.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_places_a_dialog_is_taken_from_a_persons_environment() {
        let person = PersonEnv::from_variables([
            ("GPG_TTY", "/dev/pts/3"),
            ("LD_PRELOAD", "/tmp/x.so"),
            ("GNUPGHOME", "/tmp/other"),
            ("TERM", ""),
            ("DISPLAY", ":0\nOPTION x"),
        ]);
        assert_eq!(person, PersonEnv::from_variables([("GPG_TTY", "/dev/pts/3")]));
    }
}
