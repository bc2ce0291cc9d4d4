//! `break`, `continue`, `return`: what follows them may never have run, so the states they left with stay possible.

use super::Engine;
use crate::state::ShellState;

/// States that jumps may have left with.
#[derive(Debug, Default)]
pub(super) struct Jumps {
    /// Loops around the command at hand, in the function at hand.
    loops: usize,
    /// At any `break` or `continue` of those loops.
    left_loop: Option<ShellState>,
    /// At any `return` of the function at hand.
    left_call: Option<ShellState>,
}

impl Engine<'_> {
    /// Notes a jump: its state may be the one that reaches the end of the loop or call.
    pub(super) fn jump(&mut self, name: &str) {
        let left = if name == "return" { &mut self.jumps.left_call } else { &mut self.jumps.left_loop };
        match left {
            Some(state) => state.merge(&self.shell),
            None => *left = Some(self.shell.clone()),
        }
    }

    /// The end of a loop's body: reached by its last command or by a jump.
    pub(super) fn land(&mut self) {
        if let Some(state) = &self.jumps.left_loop {
            self.shell.merge(state);
        }
    }

    /// Walks a loop.
    pub(super) fn looping<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.jumps.loops += 1;
        let done = walk(self);
        self.land();
        self.jumps.loops -= 1;
        if self.jumps.loops == 0 {
            self.jumps.left_loop = None;
        }
        done
    }

    /// Walks a function's body or a sourced file.
    pub(super) fn calling<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::take(&mut self.jumps);
        let done = walk(self);
        self.land();
        if let Some(state) = &self.jumps.left_call {
            self.shell.merge(state);
        }
        // A function may also jump out of its caller's loop.
        let inner = std::mem::replace(&mut self.jumps, outer);
        if let (Some(state), true) = (inner.left_loop, self.jumps.loops > 0) {
            match &mut self.jumps.left_loop {
                Some(left) => left.merge(&state),
                left => *left = Some(state),
            }
        }
        done
    }
}
