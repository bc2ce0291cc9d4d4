//! The unlock window: for how long after a person unlocked the vault the helper decrypts for programs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A clock that never goes back; the time since some fixed moment.
type Clock = fn() -> Duration;

/// The window's state, as `status` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowState {
    /// Programs get nothing decrypted now. Without a window, whether gpg-agent is locked is not known here.
    pub locked: bool,
    /// Time until the window closes; none when it is closed or there is none.
    pub expires_in: Option<Duration>,
}

/// The window. It closes by time, by [`Window::close`], and is closed at the start.
pub struct Window {
    /// None leaves the bound to gpg-agent alone.
    length: Option<Duration>,
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Clone, Copy)]
enum Inner {
    Closed,
    OpenSince(Duration),
}

impl Window {
    /// A window of a length; zero means that only gpg-agent's own limits count, until somebody locks.
    pub fn new(length: Duration) -> Self {
        Self::with_clock(length, boot_clock)
    }

    fn with_clock(length: Duration, clock: Clock) -> Self {
        let length = (!length.is_zero()).then_some(length);
        let start = if length.is_none() { Inner::OpenSince(Duration::ZERO) } else { Inner::Closed };
        Self { length, clock, inner: Mutex::new(start) }
    }

    /// Opens the window anew, after a person unlocked the vault.
    pub fn open(&self) -> WindowState {
        let now = (self.clock)();
        *self.lock() = Inner::OpenSince(now);
        self.state()
    }

    /// Closes it at once.
    pub fn close(&self) {
        *self.lock() = Inner::Closed;
    }

    /// How it stands now.
    pub fn state(&self) -> WindowState {
        let inner = *self.lock();
        let closed = WindowState { locked: true, expires_in: None };
        match (inner, self.length) {
            (Inner::Closed, _) => closed,
            (Inner::OpenSince(_), None) => WindowState { locked: false, expires_in: None },
            (Inner::OpenSince(since), Some(length)) => {
                let left = length.checked_sub((self.clock)().saturating_sub(since));
                match left.filter(|left| !left.is_zero()) {
                    Some(left) => WindowState { locked: false, expires_in: Some(left) },
                    None => closed,
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Assignments of one word cannot leave it half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time since boot. Unlike `Instant` on Linux it also counts while the machine sleeps, so that a laptop
/// opened in the morning is not still unlocked from last night.
fn boot_clock() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::CLOCK_BOOTTIME;
    // Elsewhere the monotonic clock; macOS's counts sleep too.
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::CLOCK_MONOTONIC;
    // A clock that cannot be read closes every window.
    clock_gettime(clock).map_or(Duration::MAX, Duration::from)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local!(static NOW: Cell<u64> = const { Cell::new(1000) });

    fn window(seconds: u64) -> Window {
        Window::with_clock(Duration::from_secs(seconds), || Duration::from_secs(NOW.get()))
    }

    #[test]
    fn a_window_is_closed_until_a_person_opens_it() {
        assert!(window(60).state().locked);
    }

    #[test]
    fn an_open_window_tells_the_time_left_and_closes_at_its_end() {
        let window = window(60);
        window.open();
        NOW.set(1059);
        assert_eq!(window.state(), WindowState { locked: false, expires_in: Some(Duration::from_secs(1)) });
        NOW.set(1060);
        assert_eq!(window.state(), WindowState { locked: true, expires_in: None });
    }

    #[test]
    fn a_second_unlock_starts_the_window_anew() {
        let window = window(60);
        window.open();
        NOW.set(1050);
        window.open();
        NOW.set(1100);
        assert_eq!(window.state().expires_in, Some(Duration::from_secs(10)));
    }

    #[test]
    fn closing_ends_an_open_window_at_once() {
        let window = window(60);
        window.open();
        window.close();
        assert!(window.state().locked);
    }

    #[test]
    fn without_a_length_only_locking_closes() {
        let window = window(0);
        NOW.set(1_000_000);
        assert_eq!(window.state(), WindowState { locked: false, expires_in: None });
        window.close();
        assert!(window.state().locked);
        window.open();
        assert!(!window.state().locked);
    }
}
