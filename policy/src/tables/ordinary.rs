//! Programs of everyday work: `guarded` lets them run though no row says what their arguments do.
//!
//! What a group does was reviewed, not every option: words that say that something is deleted, options that write
//! elsewhere or run code, and disks among the words are looked at all the same. What changes the system, other hosts
//! or shared services does not belong here, but in a table with rows.

mod building;
mod computing;
mod fields;
mod looking;
mod texts;

/// What the programs of a group do, and their names, separated by spaces.
type Group = (&'static str, &'static str);

/// The names of all groups.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    [building::GROUPS, computing::GROUPS, fields::GROUPS, looking::GROUPS, texts::GROUPS]
        .into_iter()
        .flatten()
        .flat_map(|(_, names)| names.split_ascii_whitespace())
}
