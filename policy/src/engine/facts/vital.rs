//! Files and accounts that nothing works without, and what would come to stand in their place.

use super::interpreters::is_interpreter;
use crate::engine::Engine;
use crate::engine::arg::Arg;

impl Engine<'_> {
    /// Whether something else comes to stand where a vital file stood. A backup of its own name brings it back, a kernel
    /// is added to the others, and one shell or service manager does what another did.
    pub(super) fn replaces_vital(&self, source: &Arg, target: &Arg) -> bool {
        let base = |arg: &Arg| arg.text.rsplit('/').next().unwrap_or_default().to_owned();
        let same = base(source).starts_with(&base(target));
        let serves = matches!(base(source).as_str(), "systemd" | "busybox") || is_interpreter(&base(source));
        self.is_vital(target) && !(same || serves || self.path(&target.text).key().starts_with("/boot/"))
    }
}
