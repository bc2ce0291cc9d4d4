//! What principals have open, of one kind: found by id or name, bounded for each principal, and kept for a while when
//! it has ended, so that its reason and its output can be asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sallyport_protocol::envelope::Caller;

/// How long what ended is kept.
const KEPT: Duration = Duration::from_secs(900);

/// What a table holds.
pub trait Entry {
    /// Its id.
    fn id(&self) -> &str;
    /// The name its owner gave it.
    fn name(&self) -> Option<&str>;
    /// Who opened it.
    fn owner(&self) -> &Caller;
    /// How long ago it ended; `None` while it is open.
    fn ended_for(&self) -> Option<Duration>;
}

/// How much one principal may have.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Open at once.
    pub open: usize,
    /// Ended and still kept; the oldest go first.
    pub ended: usize,
}

/// Why something was not taken in.
#[derive(Debug)]
pub enum Refused<T> {
    /// The principal has an open one of that name.
    Named(Arc<T>),
    /// The principal has as many as it may.
    Full,
}

/// See the module.
pub struct Table<T> {
    all: Mutex<HashMap<String, Arc<T>>>,
    bounds: Bounds,
}

impl<T: Entry> Table<T> {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self { all: Mutex::default(), bounds }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<T>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it in.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn add(&self, entry: Arc<T>) -> Result<(), Refused<T>> {
        let mut all = self.all();
        // Looking through all of them at every command would cost more than the rest of a short one.
        if entry.name().is_some() || all.len() >= self.bounds.open.min(2 * self.bounds.ended) {
            let mine = || all.values().filter(|other| other.owner().principal == entry.owner().principal);
            let open = || mine().filter(|other| other.ended_for().is_none());
            if let Some(same) = open().find(|other| other.name().is_some() && other.name() == entry.name()) {
                return Err(Refused::Named(same.clone()));
            }
            if open().count() >= self.bounds.open {
                return Err(Refused::Full);
            }
            let mut ended: Vec<_> =
                mine().filter_map(|other| Some((other.ended_for()?, other.id().to_owned()))).collect();
            ended.sort();
            for (_, id) in ended.into_iter().skip(self.bounds.ended) {
                all.remove(&id);
            }
        }
        all.insert(entry.id().to_owned(), entry);
        Ok(())
    }

    /// A principal's, by id or name; among several of one name the open one, else the last.
    pub fn find(&self, principal: &str, name: &str) -> Option<Arc<T>> {
        let all = self.all();
        let mine = all.values().filter(|entry| entry.owner().principal.as_str() == principal);
        mine.filter(|entry| entry.id() == name || entry.name() == Some(name))
            .min_by_key(|entry| entry.ended_for())
            .cloned()
    }

    /// Those that are open, of one principal or of all.
    pub fn open(&self, principal: Option<&str>) -> Vec<Arc<T>> {
        let wanted = |entry: &&Arc<T>| principal.is_none_or(|name| entry.owner().principal.as_str() == name);
        self.all().values().filter(|entry| entry.ended_for().is_none()).filter(wanted).cloned().collect()
    }

    /// Takes one out.
    pub fn remove(&self, id: &str) {
        self.all().remove(id);
    }

    /// Takes those out that `gone` names.
    pub fn take(&self, gone: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        self.all().extract_if(|_, entry| gone(entry)).map(|(_, entry)| entry).collect()
    }

    /// Forgets those that ended and nobody can want any more.
    pub fn sweep(&self) {
        self.all().retain(|_, entry| entry.ended_for().is_none_or(|age| age < KEPT));
    }
}

#[cfg(test)]
mod tests {
    use sallyport_protocol::text::PrincipalName;

    use super::*;

    struct Thing {
        id: String,
        name: Option<String>,
        owner: Caller,
        ended: Mutex<Option<Duration>>,
    }

    impl Thing {
        fn of(principal: &str, id: &str, name: Option<&str>) -> Arc<Self> {
            let owner = Caller { principal: PrincipalName::new(principal).unwrap(), client: 1 };
            Arc::new(Self { id: id.into(), name: name.map(Into::into), owner, ended: Mutex::default() })
        }

        fn end(&self, ago_s: u64) {
            *self.ended.lock().unwrap() = Some(Duration::from_secs(ago_s));
        }
    }

    impl Entry for Thing {
        fn id(&self) -> &str {
            &self.id
        }
        fn name(&self) -> Option<&str> {
            self.name.as_deref()
        }
        fn owner(&self) -> &Caller {
            &self.owner
        }
        fn ended_for(&self) -> Option<Duration> {
            *self.ended.lock().unwrap()
        }
    }

    /// A table full of one principal's.
    fn full(bounds: Bounds) -> (Table<Thing>, Vec<Arc<Thing>>) {
        let table = Table::new(bounds);
        let things: Vec<_> = (0..bounds.open).map(|n| Thing::of("one", &format!("t{n}"), None)).collect();
        things.iter().for_each(|thing| table.add(thing.clone()).unwrap_or_else(|_| panic!("{}", thing.id)));
        (table, things)
    }

    #[test]
    fn a_principal_that_has_as_many_as_it_may_gets_one_more_only_when_one_ended() {
        for open in [1, 3, 128, 512] {
            let (table, things) = full(Bounds { open, ended: 64 });
            let more = Thing::of("one", "more", None);
            assert!(matches!(table.add(more.clone()), Err(Refused::Full)), "{open}");
            assert!(matches!(table.add(Thing::of("one", "named", Some("n"))), Err(Refused::Full)), "{open}");
            assert!(table.find("one", "more").is_none(), "what was refused is not there");
            things[0].end(0);
            assert!(table.add(more).is_ok(), "{open}");
            assert!(matches!(table.add(Thing::of("one", "again", None)), Err(Refused::Full)), "{open}");
        }
    }

    #[test]
    fn what_one_principal_has_takes_nothing_from_another() {
        let (table, _) = full(Bounds { open: 2, ended: 1 });
        assert!(table.add(Thing::of("two", "b0", None)).is_ok());
        assert!(table.find("two", "t0").is_none(), "and is not found by it");
        assert_eq!((table.open(Some("one")).len(), table.open(Some("two")).len()), (2, 1));
    }

    #[test]
    fn a_name_is_its_open_ones_and_free_again_when_that_ended() {
        let table = Table::new(Bounds { open: 8, ended: 8 });
        let first = Thing::of("one", "t1", Some("build"));
        assert!(table.add(first.clone()).is_ok());
        let second = Thing::of("one", "t2", Some("build"));
        let Err(Refused::Named(same)) = table.add(second.clone()) else { panic!("the name is taken") };
        assert_eq!(same.id, "t1");
        first.end(1);
        assert!(table.add(second).is_ok());
        assert_eq!(table.find("one", "build").unwrap().id, "t2", "the open one");
        assert_eq!(table.find("one", "t1").unwrap().id, "t1", "the other can still be asked for");
    }

    #[test]
    fn of_those_that_ended_the_oldest_go_first_and_all_do_in_time() {
        let table = Table::new(Bounds { open: 2, ended: 2 });
        for (id, ago) in [("old", 30), ("older", 40), ("young", 10), ("younger", 5)] {
            let thing = Thing::of("one", id, None);
            assert!(table.add(thing.clone()).is_ok(), "{id}");
            thing.end(ago);
        }
        assert!(table.add(Thing::of("one", "open", None)).is_ok());
        let kept = |id: &str| table.find("one", id).is_some();
        assert_eq!(["old", "older", "young", "younger", "open"].map(kept), [false, false, true, true, true]);
        table.find("one", "young").unwrap().end(KEPT.as_secs());
        table.sweep();
        assert_eq!(["young", "younger", "open"].map(kept), [false, true, true]);
    }
}
