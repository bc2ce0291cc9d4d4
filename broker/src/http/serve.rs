//! Accepting, and stopping without cutting answers off.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use rmcp::transport::streamable_http_server::tower::{StreamableHttpServerConfig, StreamableHttpService};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::door::Door;
use super::place::{Address, Listener, Stream};
use super::seat::{Dial, HttpSeat, Shared};
use super::tokens::{Gatekeeper, TokenFile};
use crate::mcp::{Server, Toolset};

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 256;
/// The time a client has for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes.
const HEAD_BYTES: usize = 32 * 1024;
/// A session nobody uses ends after this.
const SESSION_IDLE: Duration = Duration::from_secs(1800);
/// The time answers under way have when told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How often sessions of removed tokens are looked for.
const SWEEP: Duration = Duration::from_secs(5);

/// How to serve.
pub struct Options {
    /// Where.
    pub address: Address,
    /// The token file.
    pub tokens: TokenFile,
    /// Further names this server is known by (`Host`).
    pub hosts: Vec<String>,
    /// Further origins whose pages may ask (`Origin`).
    pub origins: Vec<String>,
    /// Which tools.
    pub toolsets: Vec<Toolset>,
    /// Characters of output in an answer by default.
    pub answer_chars: u32,
}

/// Serves until SIGTERM or SIGINT; `lock_in` is called between listening and the first request. Then nothing new is accepted, and answers under way get [`DRAIN`] to go out.
///
/// # Errors
/// When the socket cannot be had, or would be open to others without tokens.
pub async fn serve(options: Options, dial: Dial, lock_in: impl FnOnce()) -> Result<(), Failure> {
    let mut stop = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let listener = Listener::open(&options.address).await?;
    let exposed = listener.network().is_some_and(|address| !address.ip().is_loopback());
    let gate = Gatekeeper::new(options.tokens, exposed)?;
    if exposed && gate.is_empty() {
        return Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("{} can be reached from other machines, and there is no token", listener.url()),
            "make one: sallyport token add NAME; or listen on 127.0.0.1",
        ));
    }
    let ending = CancellationToken::new();
    let shared = Shared::new(dial);
    let sessions = Arc::new(manager());
    let door = Arc::new(Door {
        service: StreamableHttpService::new(
            {
                let shared = shared.clone();
                let (toolsets, chars) = (options.toolsets, options.answer_chars);
                move || Ok(Server::new(Box::new(HttpSeat::new(shared.clone())), &toolsets, chars))
            },
            sessions.clone(),
            config(&listener, options.hosts, options.origins, ending.clone()),
        ),
        sessions,
        shared: shared.clone(),
        gate: Mutex::new(gate),
        owners: Mutex::default(),
        busy: Arc::default(),
    });
    tracing::info!(at = listener.url(), "serving MCP");
    eprintln!("sallyport: serving MCP at {}", listener.url());
    // The last word to systemd: telling it takes a socket, and those are gone with the next line.
    notify(&[sd_notify::NotifyState::Ready]);
    lock_in();
    let open = GracefulShutdown::new();
    accept(&listener, &door, &open, &mut stop).await;
    drop(listener);
    let drained = async {
        while door.under_way() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(DRAIN, drained).await;
    ending.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(2), open.shutdown()).await;
    shared.close();
    Ok(())
}

async fn accept(listener: &Listener, door: &Arc<Door>, open: &GracefulShutdown, stop: &mut (Signal, Signal)) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let permit = room.clone().acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            _ = stop.0.recv() => return,
            _ = stop.1.recv() => return,
            _ = sweep.tick() => {
                door.sweep().await;
                continue;
            }
            accepted = accepted => accepted,
        };
        match stream {
            Ok(Stream::Tcp(stream)) => converse(stream, door, open, permit),
            Ok(Stream::Unix(stream)) => converse(stream, door, open, permit),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors: give others time to go instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn converse<S>(stream: S, door: &Arc<Door>, open: &GracefulShutdown, permit: Option<impl Send + 'static>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let door = door.clone();
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, std::convert::Infallible>(door.answer(request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let connection = open.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke");
        }
        drop(permit);
    });
}

fn manager() -> LocalSessionManager {
    let mut config = SessionConfig::default();
    config.keep_alive = Some(SESSION_IDLE);
    let mut manager = LocalSessionManager::default();
    manager.session_config = config;
    manager
}

fn config(
    listener: &Listener,
    mut hosts: Vec<String>,
    mut origins: Vec<String>,
    ending: CancellationToken,
) -> StreamableHttpServerConfig {
    let config =
        StreamableHttpServerConfig::default().with_cancellation_token(ending).enforce_origin_validation();
    let Some(address) = listener.network() else {
        // A page in a browser cannot reach a Unix socket, and its clients make up a host name.
        return config.disable_allowed_hosts().with_allowed_origins(origins);
    };
    let port = address.port();
    for name in ["localhost", "127.0.0.1", "[::1]"] {
        hosts.push(format!("{name}:{port}"));
        origins.push(format!("http://{name}:{port}"));
    }
    if !address.ip().is_unspecified() {
        hosts.push(address.to_string());
    }
    config.with_allowed_hosts(hosts).with_allowed_origins(origins)
}

/// Tells systemd something; does nothing when it does not listen.
fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd was not told");
    }
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| {
        Failure::new(ErrorCode::InternalError, format!("signals cannot be received: {error}"), "")
    })
}
