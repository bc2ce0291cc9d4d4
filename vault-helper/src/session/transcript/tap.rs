//! Who else sees what a session shows: a recorder, and people who watch. None of them can slow the session down.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sallyport_protocol::terminal::Size;
use tokio::sync::mpsc;

use super::cast::Recorder;
use crate::redact::{Clean, CleanText, trusted_text};

/// Pieces that may wait for a watcher; one that is slower misses some.
const WAITING: usize = 256;

/// What a watcher is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Output of a terminal.
    Output(Clean),
    /// Text whose lines end as files' do.
    Text(Clean),
    /// The terminal has another size.
    Size(Size),
}

/// See the module.
#[derive(Default)]
pub struct Tap(Mutex<Option<Box<Inner>>>);

#[derive(Default)]
struct Inner {
    recorder: Option<Recorder>,
    watchers: Vec<mpsc::Sender<Seen>>,
}

/// How a recording stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub id: String,
    /// Its events so far.
    pub entries: u64,
}

impl Tap {
    fn inner(&self) -> MutexGuard<'_, Option<Box<Inner>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records and shows output.
    pub fn output(&self, clean: &Clean) {
        if let Some(inner) = self.inner().as_mut() {
            if let Some(recorder) = &mut inner.recorder {
                recorder.output(clean);
            }
            inner.show(|| Seen::Output(clean.clone()));
        }
    }

    /// Records and shows text whose lines end as files' do.
    pub fn text(&self, clean: &Clean) {
        if let Some(inner) = self.inner().as_mut() {
            if let Some(recorder) = &mut inner.recorder {
                recorder.text(clean);
            }
            inner.show(|| Seen::Text(clean.clone()));
        }
    }

    /// Records and shows a command that begins.
    pub fn command(&self, command: &CleanText) {
        if !self.is_idle() {
            self.text(&trusted_text("$ ").and(command).with("\n").into());
        }
    }

    /// Records what was typed; watchers see its echo.
    pub fn input(&self, text: &CleanText) {
        if let Some(recorder) = self.inner().as_mut().and_then(|inner| inner.recorder.as_mut()) {
            recorder.input(text);
        }
    }

    /// Records and shows a change of size.
    pub fn resized(&self, size: Size) {
        if let Some(inner) = self.inner().as_mut() {
            if let Some(recorder) = &mut inner.recorder {
                recorder.resized(size);
            }
            inner.show(|| Seen::Size(size));
        }
    }

    /// The session has ended: the recording gets its last note, the watchers go home.
    pub fn end(&self, why: &CleanText) {
        if let Some(mut inner) = self.inner().take()
            && let Some(recorder) = &mut inner.recorder
        {
            recorder.note(why.as_str());
        }
    }

    /// Whether nobody looks: output need not be prepared.
    pub fn is_idle(&self) -> bool {
        self.inner().is_none()
    }

    /// The recording under way.
    pub fn recording(&self) -> Option<Standing> {
        self.inner().as_ref()?.recorder.as_ref().map(standing)
    }

    /// Begins to record, unless a recording is under way.
    ///
    /// # Errors
    /// Those of `begin`.
    pub fn record<E>(&self, begin: impl FnOnce() -> Result<Recorder, E>) -> Result<Standing, E> {
        let mut inner = self.inner();
        if let Some(recorder) = inner.as_ref().and_then(|inner| inner.recorder.as_ref()) {
            return Ok(standing(recorder));
        }
        let recorder = begin()?;
        let standing = standing(&recorder);
        inner.get_or_insert_default().recorder = Some(recorder);
        Ok(standing)
    }

    /// Stops recording.
    pub fn stop(&self) -> Option<Standing> {
        let mut inner = self.inner();
        let recorder = inner.as_mut()?.recorder.take()?;
        if inner.as_ref().is_some_and(|inner| inner.watchers.is_empty()) {
            *inner = None;
        }
        Some(standing(&recorder))
    }

    /// Shows what comes from now on, until the session or the receiver goes.
    pub fn watch(&self) -> mpsc::Receiver<Seen> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.inner().get_or_insert_default().watchers.push(sender);
        receiver
    }
}

impl Inner {
    fn show(&mut self, seen: impl Fn() -> Seen) {
        self.watchers.retain(|watcher| match watcher.try_send(seen()) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
    }
}

fn standing(recorder: &Recorder) -> Standing {
    Standing { id: recorder.id.clone(), entries: recorder.entries() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[test]
    fn a_slow_watcher_misses_output_and_holds_nobody_up() {
        let (tap, redactor) = (Tap::default(), Redactor::new());
        let mut seen = tap.watch();
        for _ in 0..2 * WAITING {
            tap.output(&redactor.bytes(b"x"));
        }
        tap.end(&CleanText::default());
        let mut count = 0;
        while seen.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, WAITING);
        assert!(tap.is_idle());
    }

    #[test]
    fn a_watcher_that_left_is_forgotten() {
        let (tap, redactor) = (Tap::default(), Redactor::new());
        drop(tap.watch());
        tap.output(&redactor.bytes(b"x"));
        assert!(tap.inner().as_ref().is_some_and(|inner| inner.watchers.is_empty()));
        assert_eq!(tap.recording(), None);
        assert_eq!(tap.stop(), None);
    }
}
