//! The vault's front: decrypt, unlock, lock, add, remove.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::ask;
use super::error::VaultError;
use super::gpg::GpgHome;
use super::person::PersonEnv;
use super::pool::Pool;
use super::record::{MAX_SECRET_BYTES, RecordType, Secret};
use super::slug::Slug;
use super::store::Store;
use super::window::{Window, WindowState};
use super::write::Written;

/// How often a waiter looks whether the window is closed.
const CLOSED_POLL: Duration = Duration::from_millis(500);

/// Who may be asked for a passphrase.
#[derive(Clone, Debug)]
#[must_use]
pub enum Ask {
    /// Nobody: for everything an agent causes. Bound by the window, and never starts a pinentry.
    Never,
    /// The person at this terminal or display, who runs a command at this moment. Not bound by the window.
    Person(PersonEnv),
}

/// The vault: a store, gpg, and the window.
pub struct Vault {
    pub(super) store: Store,
    pub(super) home: GpgHome,
    window: Window,
    pub(super) pool: Pool,
    asking: Arc<Semaphore>,
}

impl Vault {
    /// Opens the vault over a store. `window` is `unlock_window_s`; zero leaves the bound to gpg-agent.
    ///
    /// # Errors
    /// When the threads for gpg cannot be started.
    pub fn new(store: Store, home: GpgHome, window: Duration) -> Result<Self, VaultError> {
        Ok(Self {
            store,
            home,
            window: Window::new(window),
            pool: Pool::start()?,
            asking: Arc::new(Semaphore::new(1)),
        })
    }

    /// The store, for listings and metadata.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The GPG home in use.
    pub fn gpg_home(&self) -> &GpgHome {
        &self.home
    }

    /// Decrypts one record. A `password` or `passphrase` is the record's first line, anything else the whole.
    ///
    /// # Errors
    /// With [`Ask::Never`], [`VaultError::WindowClosed`] or [`VaultError::AgentLocked`] at once when a person
    /// would be needed; otherwise what is wrong with the record or with gpg.
    pub async fn decrypt(&self, slug: &Slug, kind: RecordType, ask: Ask) -> Result<Secret, VaultError> {
        let cipher = self.read(slug, kind).await?;
        let plain = self.open(slug, kind, cipher, ask).await?;
        Secret::from_record(kind, plain).ok_or_else(|| VaultError::Empty { slug: slug.clone(), kind })
    }

    /// Decrypts what was read. That a record is missing or damaged is found before the window is looked at: in
    /// a locked vault too, the advice given should be the one that helps. Which records exist is no secret of
    /// the window.
    pub(super) async fn open(
        &self,
        slug: &Slug,
        kind: RecordType,
        cipher: Vec<u8>,
        ask: Ask,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match ask {
            Ask::Never if self.window.state().locked => return Err(VaultError::WindowClosed),
            Ask::Never => {}
            Ask::Person(person) => self.ask(person, slug, kind, cipher.clone()).await?,
        }
        let (home, slug) = (self.home.clone(), slug.clone());
        self.pool.run(move || home.decrypt(&slug, kind, &cipher)).await
    }

    /// Warms gpg-agent with one record, asking the person if it must, and opens the window.
    ///
    /// # Errors
    /// As [`Vault::decrypt`]; [`VaultError::AskInProgress`] while another person is being asked.
    pub async fn unlock(
        &self,
        slug: &Slug,
        kind: RecordType,
        person: PersonEnv,
    ) -> Result<WindowState, VaultError> {
        let cipher = self.read(slug, kind).await?;
        self.ask(person, slug, kind, cipher).await?;
        Ok(self.window.open())
    }

    /// Closes the window at once. gpg-agent's own cache is left alone: it also serves the user's other work.
    pub fn lock(&self) {
        self.window.close();
    }

    /// How the window stands.
    pub fn window(&self) -> WindowState {
        self.window.state()
    }

    /// Returns once the window is closed, by time or by [`Vault::lock`], at most half a second late; at once when
    /// it is closed already. Whoever keeps something decrypted drops it then.
    pub async fn closed(&self) {
        loop {
            let state = self.window.state();
            if state.locked {
                return;
            }
            // Timers stand still while the machine sleeps and the window does not, so nothing long is waited for.
            tokio::time::sleep(state.expires_in.map_or(CLOSED_POLL, |left| left.min(CLOSED_POLL))).await;
        }
    }

    /// Encrypts and writes a new record.
    ///
    /// # Errors
    /// [`VaultError::Exists`] and leaves what is there; what is wrong with the secret, the recipients or the
    /// store.
    pub async fn add(&self, slug: &Slug, kind: RecordType, secret: Secret) -> Result<Written, VaultError> {
        if secret.is_empty() {
            return Err(VaultError::Empty { slug: slug.clone(), kind });
        }
        if secret.len() > MAX_SECRET_BYTES {
            return Err(VaultError::TooLarge { slug: slug.clone(), kind });
        }
        let (store, home, slug) = (self.store.clone(), self.home.clone(), slug.clone());
        let written = self.pool.run(move || {
            if store.has(&slug, kind)? {
                return Err(VaultError::Exists { slug, kind });
            }
            let cipher = home.encrypt(&store.recipients(&slug, kind)?, secret.expose())?;
            store.write(&slug, kind, &cipher)
        });
        written.await
    }

    /// Removes a record.
    ///
    /// # Errors
    /// [`VaultError::Missing`]; what the file system says.
    pub async fn remove(&self, slug: &Slug, kind: RecordType) -> Result<Written, VaultError> {
        let (store, slug) = (self.store.clone(), slug.clone());
        self.pool.run(move || store.remove(&slug, kind)).await
    }

    async fn read(&self, slug: &Slug, kind: RecordType) -> Result<Vec<u8>, VaultError> {
        let (store, slug) = (self.store.clone(), slug.clone());
        self.pool.run(move || store.read(&slug, kind)).await
    }

    async fn ask(
        &self,
        person: PersonEnv,
        slug: &Slug,
        kind: RecordType,
        cipher: Vec<u8>,
    ) -> Result<(), VaultError> {
        // One dialog at a time: two at once would have the person type into the wrong one.
        let _permit = self.asking.try_acquire().map_err(|_| VaultError::AskInProgress)?;
        ask::warm(self.home.clone(), person, slug.clone(), kind, cipher).await
    }
}
