//! The helper's life: open everything in order, accept, keep house, stop.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::{Uid, User};
use sallyport_protocol::handshake::Profile;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use super::admin::Admin;
use super::broker::Broker;
use super::connection::{Role, serve};
use super::listen::{self, Sockets};
use crate::audit::{Audit, Sinks};
use crate::config::{Live, Paths, Settings};
use crate::guard::approvals::Approvals;
use crate::harden::memory::secretly;
use crate::harden::{Hardening, places};
use crate::helper::{FAREWELL, Helper};
use crate::redact::Redactor;
use crate::session::registry::Registry;
use crate::session::transcript::store::{Limits, Store as Transcripts};
use crate::ssh::process;
use crate::ssh::trust::Trust;
use crate::vault::{GpgHome, Locations, Secret, Store, Vault};

/// How long the next connection of a user whose client broke the rules has to wait.
const PENALTY: Duration = Duration::from_millis(500);

/// Why the helper does not start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Opens everything and serves until told to stop or nobody needs it.
///
/// # Errors
/// Whatever keeps it from starting, in a sentence.
pub async fn run(
    paths: Paths,
    mut hardening: Hardening,
    redactor: Redactor,
    ready: impl FnOnce(),
) -> Result<(), StartError> {
    let settings = Settings::read(&paths.config.join("sallyport.toml"))?;
    let store = Store::locate(settings.store.as_deref(), &locations(&paths));
    let live = Live::new(&paths.config);
    let open = store.root().is_dir().then(|| places::open(&paths, &store.roots(), &live.now().inventory));
    process::make_room();
    hardening.confine(open.as_ref());
    hardening.at_least(settings.min_hardening)?;
    let sockets = listen::open(&paths.runtime)?;
    let audit = Audit::open(&paths.state, Sinks::from(&settings))?;
    import_service_key()?;
    let vault = Vault::new(store, GpgHome::default(), Duration::from_secs(settings.unlock_window_s))?;
    let helper = Arc::new(Helper {
        live,
        vault: Arc::new(vault),
        redactor,
        trust: Trust::new(&paths),
        pool: Default::default(),
        registry: Registry::new(&settings),
        transcripts: Transcripts::new(&paths.state, transcript_limits(&settings)),
        forwards: Default::default(),
        approvals: Approvals::default(),
        questions: Default::default(),
        announced: Default::default(),
        home: paths.home.clone(),
        person: Default::default(),
        bulletin: tokio::sync::watch::Sender::new(0),
        audit,
        profile: if settings.broker_users.is_empty() { Profile::SameUser } else { Profile::SeparateUser },
        hardening,
        remembered: Default::default(),
        penalties: Default::default(),
        spool: paths.state.join("jobs"),
        connections: Default::default(),
        settings,
    });
    let details = serde_json::json!({
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
        "hardening": helper.hardening.number(),
        "hardening_steps": helper.hardening.report(),
        "policy_digest": helper.policy_digest(&helper.live.now()),
        "in_doubt": helper.audit.in_doubt.iter().map(|doubt| doubt.id.as_str()).collect::<Vec<_>>(),
    });
    helper.audit.event("started", details).await?;
    ready();
    tell_systemd(sd_notify::NotifyState::Ready);
    tokio::spawn(helper.clone().keep_house());
    if helper.settings.confirm_dialog {
        tokio::spawn(crate::person::dialog::stand(helper.clone()));
    }
    accept(&helper, &sockets).await?;
    // Whoever calls from here on finds nobody, and starts the next one; that one waits until we are gone.
    let _lock = sockets.close();
    tell_systemd(sd_notify::NotifyState::Stopping);
    let ended = helper.registry.close_all();
    helper.forwards.close_all("the vault helper stops");
    let drained = async {
        ended.await;
        drained(&helper).await;
    };
    tokio::time::timeout(FAREWELL, drained).await.unwrap_or(());
    // Who writes the outcomes was woken by the same ends, before us: its records come before the last one.
    tokio::task::yield_now().await;
    helper.audit.event("stopped", serde_json::Value::Null).await?;
    Ok(())
}

fn transcript_limits(settings: &Settings) -> Limits {
    Limits {
        each: settings.transcript_max_bytes,
        all: settings.transcript_total_bytes,
        days: settings.transcript_days,
    }
}

/// Does nothing where systemd does not listen.
fn tell_systemd(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd was not told");
    }
}

async fn accept(helper: &Arc<Helper>, sockets: &Sockets) -> Result<(), StartError> {
    let own = Uid::effective().as_raw();
    let brokers = allowed(&helper.settings.broker_users, &[own])?;
    let admins = allowed(&helper.settings.admin_users, &[own, 0])?;
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let idle_exit = helper.settings.idle_exit_s;
    let mut idle_since = Instant::now();
    loop {
        tokio::select! {
            () = welcome::<Broker>(helper, &sockets.broker, &brokers) => idle_since = Instant::now(),
            () = welcome::<Admin>(helper, &sockets.admin, &admins) => idle_since = Instant::now(),
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)), if idle_exit > 0 => {
                if !helper.is_idle() {
                    idle_since = Instant::now();
                } else if idle_since.elapsed() >= Duration::from_secs(idle_exit) {
                    return Ok(());
                }
            }
        }
    }
}

/// Accepts one connection and serves it beside the others.
async fn welcome<R: Role>(helper: &Arc<Helper>, listener: &UnixListener, allowed: &[u32]) {
    let socket = match listener.accept().await {
        Ok((socket, _)) => socket,
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            // Out of descriptors: give others time to go instead of spinning.
            tokio::time::sleep(Duration::from_millis(100)).await;
            return;
        }
    };
    let uid = match listen::permitted(&socket, allowed) {
        Ok(Ok(uid)) => uid,
        Ok(Err(uid)) => {
            tracing::warn!(uid, "a connection of another user was refused");
            return;
        }
        Err(error) => {
            tracing::warn!(%error, "a peer could not be told");
            return;
        }
    };
    let helper = helper.clone();
    tokio::spawn(async move {
        helper.connections.fetch_add(1, Ordering::Relaxed);
        let penalty = helper.penalties.lock().unwrap_or_else(PoisonError::into_inner).get(&uid).copied();
        if let Some(until) = penalty {
            tokio::time::sleep_until(until.into()).await;
        }
        let ended = serve::<R>(helper.clone(), socket).await;
        if ended.is_violation() {
            tracing::warn!(uid, reason = %ended, "a connection was closed");
            let until = Instant::now() + PENALTY;
            helper.penalties.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, until);
            let details = serde_json::json!({ "uid": uid, "reason": ended.to_string() });
            if let Err(error) = helper.audit.event("violation", details).await {
                tracing::error!(%error, "a violation was not written");
            }
        } else {
            tracing::debug!(uid, reason = %ended, "a connection ended");
        }
        helper.connections.fetch_sub(1, Ordering::Relaxed);
    });
}

fn allowed(users: &[String], always: &[u32]) -> Result<Vec<u32>, StartError> {
    let mut uids = always.to_vec();
    for name in users {
        let user = User::from_name(name)?
            .ok_or_else(|| format!("sallyport.toml names the user {name:?}, who does not exist"))?;
        uids.push(user.uid.as_raw());
    }
    Ok(uids)
}

/// Waits until the last command has been told to stop and has ended.
async fn drained(helper: &Helper) {
    while helper.registry.counts() != (0, 0) || !helper.forwards.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The name under which a service manager hands in the key of an account where no person unlocks
/// (`LoadCredentialEncrypted=gpg-key:FILE`, systemd.exec(5)).
const SERVICE_KEY: &str = "gpg-key";

/// Takes the service's secret key into its GPG home, when there is one.
fn import_service_key() -> Result<(), StartError> {
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty()) else {
        return Ok(());
    };
    let path = std::path::Path::new(&folder).join(SERVICE_KEY);
    let bytes = match secretly(|| std::fs::read(&path)) {
        Ok(bytes) => zeroize::Zeroizing::new(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display()).into()),
    };
    GpgHome::default()
        .import_secret_key(&Secret::copy_of(&bytes))
        .map_err(|error| format!("the service's GPG key cannot be imported: {error}").into())
}

fn locations(paths: &Paths) -> Locations {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(Into::into);
    Locations {
        home: paths.home.clone().unwrap_or_default(),
        password_store_dir: var("PASSWORD_STORE_DIR"),
        xdg_config_home: var("XDG_CONFIG_HOME"),
        xdg_data_home: var("XDG_DATA_HOME"),
        gopass_homedir: var("GOPASS_HOMEDIR"),
    }
}
