//! The MCP server, and its life on stdio: start, both protocol generations, end. HTTP serves the same [`Server`].

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CustomRequest, CustomResult, Extensions, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::transport::IntoTransport;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::answer::Answer;
use super::call::{Call, Reply};
use super::hosts;
use super::table::{NEVER_READONLY, Row, TOOLS, Toolset};
use crate::forward::Forwards;
use crate::link::{Broker, Link};

const INSTRUCTIONS: &str = "Runs commands on SSH hosts without ever showing you a credential. \
    ssh_list_hosts tells what is there; ssh_exec runs a command; for several commands on one host open a session with \
    ssh_session_open and pass it to ssh_exec. An answer with status needs_confirmation tells who can agree and how to go \
    on; blocked means no. When the vault is locked, ask the user to run `sallyport unlock`.";

/// Serves MCP on stdin and stdout until the client closes stdin, or SIGTERM or
/// SIGINT comes. Answers under way get a few seconds to go out; then the link
/// closes, and with it what this client left open without a name.
///
/// # Errors
/// `invalid_argument` when what is on stdin is not MCP.
pub async fn serve(link: Link<Broker>, toolsets: &[Toolset], answer_chars: u32) -> Result<(), Failure> {
    serve_on(link, toolsets, answer_chars, rmcp::transport::stdio_pipes()).await
}

/// [`serve`] on any transport.
pub async fn serve_on<T, E, A>(
    link: Link<Broker>,
    toolsets: &[Toolset],
    answer_chars: u32,
    transport: T,
) -> Result<(), Failure>
where
    T: IntoTransport<RoleServer, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let server = Server::new(Box::new(Chair { link, forwards: Arc::default() }), toolsets, answer_chars);
    let running = tokio::select! {
        started = server.serve(transport) => match started {
            Ok(running) => running,
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => {
                return Err(Failure::new(
                    ErrorCode::InvalidArgument,
                    format!("the client did not open an MCP session: {error}"),
                    "`sallyport serve` is started by an MCP client; `sallyport install` registers it with one",
                ));
            }
        },
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let stop = running.cancellation_token();
    let mut waiting = std::pin::pin!(running.waiting());
    tokio::select! {
        _ = &mut waiting => return Ok(()),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
    // However it ended, it has ended.
    let _ = waiting.await;
    Ok(())
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| {
        Failure::new(ErrorCode::InternalError, format!("signals cannot be received: {error}"), "")
    })
}

/// What a client's calls work with.
#[derive(Clone)]
pub struct Chair {
    /// The way to the helper.
    pub link: Link<Broker>,
    /// The client's forwards.
    pub forwards: Arc<Forwards>,
}

/// Which chair a message of the client sits in.
pub trait Seat: Send + Sync {
    /// The chair.
    ///
    /// # Errors
    /// When nobody knows in whose name it would be.
    fn chair(&self, extensions: &Extensions) -> Result<Chair, ErrorData>;
}

/// On stdio there is one client, and one chair.
impl Seat for Chair {
    fn chair(&self, _: &Extensions) -> Result<Chair, ErrorData> {
        Ok(self.clone())
    }
}

/// The server as one client sees it, on any transport.
pub struct Server {
    seat: Box<dyn Seat>,
    answer_chars: u32,
    rows: Vec<&'static Row>,
}

impl Server {
    /// A server that offers `toolsets`; answers have `answer_chars` characters by default.
    pub fn new(seat: Box<dyn Seat>, toolsets: &[Toolset], answer_chars: u32) -> Self {
        let rows = TOOLS.iter().filter(|row| toolsets.contains(&row.toolset)).collect();
        Self { seat, answer_chars, rows }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(
                Implementation::new("sallyport", env!("CARGO_PKG_VERSION")).with_title("Sallyport"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let Ok(Chair { link, .. }) = self.seat.chair(&context.extensions) else { return };
        tokio::spawn(async move {
            // The first call that needs the helper tells what is wrong with it.
            if let Err(failure) = link.warm().await {
                tracing::info!(reason = %failure.message, "no vault helper yet");
            }
        });
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let Chair { link, .. } = self.seat.chair(&context.extensions)?;
        let all_readonly = hosts::all_readonly(&link).await;
        let offered = self.rows.iter().filter(|row| !(all_readonly && NEVER_READONLY.contains(&row.name)));
        Ok(ListToolsResult::with_all_items(offered.map(|row| row.tool()).collect()))
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // What rmcp cannot read as the method that it names comes here, too.
        match request.method.as_str() {
            "tools/call" => Err(ErrorData::invalid_params(
                "tools/call takes the tool's name and an object of arguments",
                None,
            )),
            method => Err(ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, method.to_owned(), None)),
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(row) = self.rows.iter().find(|row| row.name == request.name) else {
            let known = TOOLS.iter().any(|row| row.name == request.name);
            let why = if known { "is not offered by this server" } else { "is unknown" };
            return Err(ErrorData::invalid_params(format!("the tool {} {why}", request.name), None));
        };
        let Chair { link, forwards } = self.seat.chair(&context.extensions)?;
        let call = Call::new(request, context, link, forwards, self.answer_chars);
        Ok(match (row.run)(&call).await {
            Ok(Reply::Answer(answer)) => answer.into_result().into(),
            Ok(Reply::Question(question)) => question.into(),
            Err(failure) => Answer::failed(failure).into_result().into(),
        })
    }
}
