//! Which link to the helper a request uses.
//!
//! A client of the `initialize` generations has a session, and with it a connection to the helper of its own: what it
//! opened without a name ends with it, as on stdio. Requests without a session share one connection a principal: what
//! they open without a name belongs to whoever holds its handle, and ends by being closed, by idling, or with this
//! broker.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::model::Extensions;
use sallyport_protocol::text::PrincipalName;

use crate::link::{Broker, Link};
use crate::mcp::{Chair, Seat};

/// Makes a link in a principal's name.
pub type Dial = Arc<dyn Fn(&PrincipalName) -> Result<Link<Broker>, ErrorData> + Send + Sync>;

/// The links that requests without a session share.
#[derive(Clone)]
pub struct Shared {
    dial: Dial,
    chairs: Arc<Mutex<HashMap<PrincipalName, Chair>>>,
}

impl Shared {
    /// None yet.
    pub fn new(dial: Dial) -> Self {
        Self { dial, chairs: Arc::default() }
    }

    fn of(&self, principal: &PrincipalName) -> Result<Chair, ErrorData> {
        let mut chairs = self.chairs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chair) = chairs.get(principal) {
            return Ok(chair.clone());
        }
        let chair = self.new_chair(principal)?;
        chairs.insert(principal.clone(), chair.clone());
        Ok(chair)
    }

    fn new_chair(&self, principal: &PrincipalName) -> Result<Chair, ErrorData> {
        Ok(Chair { link: (self.dial)(principal)?, forwards: Arc::default() })
    }

    /// Closes the links of principals that are known no longer: what they opened without a session ends.
    pub fn keep(&self, known: impl Fn(&PrincipalName) -> bool) {
        let mut chairs = self.chairs.lock().unwrap_or_else(PoisonError::into_inner);
        chairs.retain(|principal, _| known(principal));
    }

    /// Closes every link.
    pub fn close(&self) {
        self.chairs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A server's place: one session's, or one request's.
pub struct HttpSeat {
    shared: Shared,
    own: OnceLock<Chair>,
}

impl HttpSeat {
    /// A seat nobody sits in yet.
    pub fn new(shared: Shared) -> Self {
        Self { shared, own: OnceLock::new() }
    }
}

impl Seat for HttpSeat {
    fn chair(&self, extensions: &Extensions) -> Result<Chair, ErrorData> {
        // The door put the principal there; a request that came past it has none.
        let parts = extensions.get::<Parts>();
        let principal = parts.and_then(|parts| parts.extensions.get::<PrincipalName>());
        let (Some(parts), Some(principal)) = (parts, principal) else {
            return Err(ErrorData::internal_error("nobody knows whose request this is", None));
        };
        if !parts.headers.contains_key("mcp-session-id") {
            return self.shared.of(principal);
        }
        if let Some(chair) = self.own.get() {
            return Ok(chair.clone());
        }
        let chair = self.shared.new_chair(principal)?;
        Ok(self.own.get_or_init(|| chair).clone())
    }
}
