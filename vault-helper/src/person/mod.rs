//! The person in the loop: what only the admin socket may ask beyond its first words.
//!
//! May touch everything a person may know: names of records, findings, what waits. Must never touch: the content of
//! a record beyond judging it, and the broker's side. Nothing here is reachable from the broker's socket but
//! [`watch::declined`], by which a client's user says no.

pub mod checkup;
pub mod course;
pub mod dialog;
pub mod records;
pub mod watch;

use sallyport_protocol::admin::{AdminEvent, AdminOutcome, Surroundings};
use sallyport_protocol::person::{Ask, Tell};

use crate::guard::approvals::Verdict;
use crate::serve::admin::{self, Answer};
use crate::serve::connection::Operation;
use crate::vault::PersonEnv;

/// Answers one request.
///
/// # Errors
/// As the requests say.
pub async fn answer(op: &mut Operation, ask: Ask) -> Answer {
    let helper = op.helper.clone();
    match ask {
        Ask::Checkup { records } => checkup::run(op, records).await,
        Ask::TestHost { target } => course::walk(op, &target).await,
        Ask::Add { slug, kind, secret, allow_weak, surroundings } => {
            let slug = admin::read_slug(&helper, slug.as_str())?;
            let ask = crate::vault::Ask::Person(person(&helper, &surroundings));
            records::add(&helper, &slug, kind, &secret, allow_weak, ask).await
        }
        Ask::AddDefault { user, hosts, kind, secret, allow_weak } => {
            records::add_default(&helper, user.as_str(), hosts.as_str(), kind, &secret, allow_weak).await
        }
        Ask::PlanBifrost => records::plan_bifrost(op),
        Ask::ImportBifrost { surroundings } => {
            let ask = crate::vault::Ask::Person(person(&helper, &surroundings));
            records::import_bifrost(op, ask).await
        }
        Ask::Watch { stand } => watch::tell(op, stand).await,
        Ask::Grant { id } => watch::settle(&helper, id.as_str(), Verdict::ForTenMinutes).await,
        Ask::Revoke { id } => watch::revoke(&helper, id.as_str()).await,
        Ask::Resume { principal } => watch::resume(&helper, principal.as_str()).await,
        Ask::Answer { id, texts } => watch::answer(&helper, id.as_str(), texts.into_vec()).await,
    }
}

fn tell(op: &Operation, tell: Tell) {
    admin::event(op, AdminEvent::Person(tell));
}

/// Where a person sits; remembered for dialogs.
fn person(helper: &crate::helper::Helper, surroundings: &Surroundings) -> PersonEnv {
    let variables = surroundings.iter().map(|variable| (variable.name.as_str(), variable.value.as_str()));
    let person = PersonEnv::from_variables(variables);
    helper.sits_at(person.clone());
    person
}

const DONE: Answer = Ok(AdminOutcome::Done);
