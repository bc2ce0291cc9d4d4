//! Turns: how many openings of shell sessions on one account are under way at once.
//!
//! An opening takes much more memory than the session it leaves behind. Hundreds of them at once would leave holes between
//! those sessions that nothing else fills; and no host opens so many sooner than one after the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// At once, for one principal and account.
const AT_ONCE: usize = 32;

/// By principal and account on a host.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<(String, String), Weak<Semaphore>>>);

impl Turns {
    /// Waits for a turn; it is over when what this returns is dropped.
    pub async fn take(&self, principal: &str, target: &str) -> Option<OwnedSemaphorePermit> {
        let turns = self.of(principal, target);
        // Nobody closes it.
        turns.acquire_owned().await.ok()
    }

    fn of(&self, principal: &str, target: &str) -> Arc<Semaphore> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, turns| turns.strong_count() > 0);
        let key = (principal.to_owned(), target.to_owned());
        if let Some(turns) = known.get(&key).and_then(Weak::upgrade) {
            return turns;
        }
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        known.insert(key, Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_turns_of_one_target_are_bounded_and_those_of_others_are_not_touched() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for _ in 0..AT_ONCE {
            taken.push(turns.take("local", "web1").await);
        }
        let mut waiting = Box::pin(turns.take("local", "web1"));
        assert!(tokio::time::timeout(Duration::ZERO, &mut waiting).await.is_err());
        assert!(turns.take("local", "web2").await.is_some());
        assert!(turns.take("ci", "web1").await.is_some());
        taken.pop();
        assert!(waiting.await.is_some());
    }

    #[tokio::test]
    async fn targets_nobody_opens_anything_on_are_forgotten() {
        let turns = Turns::default();
        for name in ["a", "b", "c"] {
            drop(turns.take("local", name).await);
        }
        let _turn = turns.take("local", "d").await;
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
