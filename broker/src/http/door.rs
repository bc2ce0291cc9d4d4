//! One request: is it for `/mcp`, who asks, is there room, and whose session does it name.
//!
//! `Host` and `Origin` are checked by the transport behind this door, before it looks at the body.

#![expect(clippy::result_large_err, reason = "an answer that refuses is an answer like any other")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::tower::StreamableHttpService;
use sallyport_protocol::text::PrincipalName;

use super::seat::Shared;
use super::tokens::{Admission, Gatekeeper};
use crate::mcp::Server;

/// The one path.
pub const PATH: &str = "/mcp";
/// The largest request, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// The time a request's body may take.
const BODY_TIME: Duration = Duration::from_secs(30);
/// Requests of one principal at once.
const REQUESTS: usize = 64;
/// Sessions of one principal at once.
const SESSIONS: usize = 64;
/// The header that names a session.
const SESSION: &str = "mcp-session-id";

type Body = BoxBody<Bytes, Infallible>;

/// See the module.
pub struct Door {
    /// The transport behind.
    pub service: StreamableHttpService<Server, LocalSessionManager>,
    /// Its sessions.
    pub sessions: Arc<LocalSessionManager>,
    /// What requests without a session opened, by principal.
    pub shared: Shared,
    /// Who may come in.
    pub gate: Mutex<Gatekeeper>,
    /// Whose each session is.
    pub owners: Mutex<HashMap<String, PrincipalName>>,
    /// Requests under way, by principal.
    pub busy: Arc<Mutex<HashMap<PrincipalName, usize>>>,
}

/// A request under way; it is over when its answer has gone out.
struct Turn {
    busy: Arc<Mutex<HashMap<PrincipalName, usize>>>,
    principal: PrincipalName,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = busy.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.principal);
            }
        }
    }
}

impl Door {
    /// Requests under way.
    pub fn under_way(&self) -> usize {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Answers a request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        match self.try_answer(request).await {
            Ok(response) | Err(response) => response,
        }
    }

    async fn try_answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Response<Body>> {
        if request.uri().path() != PATH {
            return Err(refuse(StatusCode::NOT_FOUND, "MCP is served at /mcp"));
        }
        let principal = self.principal(&request)?;
        let session = self.session(&request, &principal)?;
        // An open GET is a stream for later messages, not a request that keeps anything busy.
        let turn = if request.method() == Method::GET { None } else { Some(self.turn(&principal)?) };
        let ends = request.method() == Method::DELETE;
        let (mut parts, body) = request.into_parts();
        let body = read(body).await?;
        if session.is_none() && begins_session(&body) {
            self.make_room(&principal).await?;
        }
        parts.extensions.insert(principal.clone());
        // It has done its work, and nothing behind this door needs it.
        parts.headers.remove(AUTHORIZATION);
        let response = self.service.handle(Request::from_parts(parts, Full::new(body))).await;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(session)) = (ends, session) {
            owners.remove(&session);
        } else if let Some(new) = response.headers().get(SESSION).and_then(|id| id.to_str().ok()) {
            owners.insert(new.to_owned(), principal);
        }
        drop(owners);
        Ok(response.map(|body| {
            body.map_frame(move |frame| {
                let _held = &turn;
                frame
            })
            .boxed()
        }))
    }

    fn principal(&self, request: &Request<Incoming>) -> Result<PrincipalName, Response<Body>> {
        let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        match self.gate.lock().unwrap_or_else(PoisonError::into_inner).admit(header) {
            Admission::Known(principal) => Ok(principal),
            Admission::Open => PrincipalName::new("local")
                .map_err(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "no name for who asks")),
            Admission::Refused => {
                let mut response =
                    refuse(StatusCode::UNAUTHORIZED, "a token is needed: sallyport token add NAME");
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                Err(response)
            }
        }
    }

    /// The session a request names. Another principal's is answered as one that is not there.
    fn session(
        &self,
        request: &Request<Incoming>,
        principal: &PrincipalName,
    ) -> Result<Option<String>, Response<Body>> {
        let Some(session) = request.headers().get(SESSION) else { return Ok(None) };
        let session = session.to_str().unwrap_or_default();
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        match owners.get(session) {
            Some(owner) if owner == principal => Ok(Some(session.to_owned())),
            _ => Err(refuse(StatusCode::NOT_FOUND, "there is no such session: initialize a new one")),
        }
    }

    fn turn(&self, principal: &PrincipalName) -> Result<Turn, Response<Body>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let count = busy.entry(principal.clone()).or_default();
        if *count >= REQUESTS {
            return Err(later("too many requests are under way"));
        }
        *count += 1;
        Ok(Turn { busy: self.busy.clone(), principal: principal.clone() })
    }

    /// Makes sure that the principal may have one more session.
    async fn make_room(&self, principal: &PrincipalName) -> Result<(), Response<Body>> {
        let mine: Vec<String> = {
            let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            owners.iter().filter(|(_, owner)| *owner == principal).map(|(id, _)| id.clone()).collect()
        };
        if mine.len() < SESSIONS {
            return Ok(());
        }
        let mut alive = 0;
        for id in mine {
            match self.sessions.has_session(&id.as_str().into()).await {
                Ok(true) => alive += 1,
                _ => {
                    self.owners.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                }
            }
        }
        if alive < SESSIONS { Ok(()) } else { Err(later("too many sessions are open: end some with DELETE")) }
    }

    /// Ends the sessions of principals whose token was removed, and forgets those that ended by themselves.
    pub async fn sweep(&self) {
        let all: Vec<(String, bool)> = {
            let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            gate.refresh();
            self.shared.keep(|principal| gate.knows(principal));
            let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            owners.iter().map(|(id, owner)| (id.clone(), gate.knows(owner))).collect()
        };
        for (id, known) in all {
            let session = id.as_str().into();
            if !known {
                // One that ended meanwhile is what is wanted.
                let _ = self.sessions.close_session(&session).await;
            }
            if !known || !matches!(self.sessions.has_session(&session).await, Ok(true)) {
                self.owners.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
        }
    }
}

async fn read(body: Incoming) -> Result<Bytes, Response<Body>> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Err(_) => Err(refuse(StatusCode::REQUEST_TIMEOUT, "the request's body did not come in time")),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "a request may have 4 MiB"))
        }
        Ok(Err(_)) => Err(refuse(StatusCode::BAD_REQUEST, "the request's body broke off")),
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
    }
}

/// Whether a body is the message that makes a session.
fn begins_session(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        method: Option<std::borrow::Cow<'a, str>>,
    }
    serde_json::from_slice::<Message<'_>>(body)
        .is_ok_and(|message| message.method.as_deref() == Some("initialize"))
}

fn refuse(status: StatusCode, why: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from_static(why.as_bytes())).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn later(why: &'static str) -> Response<Body> {
    let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, why);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_initialize_makes_a_session() {
        assert!(begins_session(br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#));
        assert!(begins_session(br#"{"method":"init\u0069alize"}"#));
        for other in
            [&b""[..], b"[]", b"{}", br#"{"method":"tools/call"}"#, br#"{"params":{"method":"initialize"}}"#]
        {
            assert!(!begins_session(other));
        }
    }
}
