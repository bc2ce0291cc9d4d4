//! `ssh_secrets`: `env://` records attached to a session, detached from it, and named.

use std::sync::Arc;
use std::time::Duration;

use sallyport_protocol::envelope::Caller;
use sallyport_protocol::list::List;
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::secrets::{SecretNames, Secrets, SecretsAction};
use sallyport_protocol::text::SecretName;
use sallyport_protocol::{ErrorCode, Failure, Text};

use super::exec::{Early, busy, no_audit};
use super::feed::{Feed, Line, Variables};
use super::job::Job;
use super::secrets::Injected;
use super::shell::Shell;
use super::sink::Sink;
use crate::audit::{Ending, Intent};
use crate::guard::gate::{self, Gate};
use crate::redact::CleanText;
use crate::serve::connection::Operation;
use crate::ssh::keeper::failure;
use crate::vault::{Filter, Purpose};

/// The time a shell has to take its variables.
const TAKES: Duration = Duration::from_secs(20);

/// Attaches, detaches or names.
pub async fn run(op: &mut Operation, caller: &Caller, request: Secrets) -> Outcome {
    try_run(op, caller, request).await.unwrap_or_else(|early| *early.0)
}

async fn try_run(op: &Operation, caller: &Caller, request: Secrets) -> Result<Outcome, Early> {
    let principal = caller.principal.as_str();
    let Some(session) = &request.session else {
        return match request.action {
            SecretsAction::List => Ok(known(op)?),
            _ => Err(Failure::new(
                ErrorCode::InvalidArgument,
                "records are attached to a session",
                "name the session; for one call give ssh_exec its `secrets` instead",
            )
            .into()),
        };
    };
    let shell = op.helper.registry.shell(principal, session.as_str())?;
    let act = Act { op, principal, shell: &shell, request: &request };
    match &request.action {
        SecretsAction::List => {}
        SecretsAction::Attach { name } => act.attach(name).await?,
        SecretsAction::Detach { name } => act.detach(name).await?,
    }
    Ok(names(&shell))
}

fn known(op: &Operation) -> Result<Outcome, Failure> {
    let filter = Filter { purpose: Some(Purpose::Env), host: None, user: None };
    let entries = op.helper.vault.store().list(&filter).map_err(failure)?.entries;
    let names = entries.iter().filter_map(|entry| entry.slug.name()).map(Text::from);
    Ok(Outcome::Secrets(SecretNames { names: List::clip(names), variables: List::default() }))
}

fn names(shell: &Shell) -> Outcome {
    let attached = shell.attached();
    let variables = attached.iter().flat_map(|(_, variables)| variables);
    Outcome::Secrets(SecretNames {
        names: List::clip(attached.iter().map(|(name, _)| Text::from(name.as_str()))),
        variables: List::clip(variables.map(|name| Text::from(name.as_str()))),
    })
}

/// One change of a session's variables: judged, audited, done.
struct Act<'a> {
    op: &'a Operation,
    principal: &'a str,
    shell: &'a Arc<Shell>,
    request: &'a Secrets,
}

impl Act<'_> {
    async fn attach(&self, name: &SecretName) -> Result<(), Early> {
        let load = Injected::load(&self.op.helper, std::slice::from_ref(name));
        let injected = self.op.unless_cancelled(load).await??;
        let Some(injected) = injected.filter(|injected| !injected.names.is_empty()) else { return Ok(()) };
        let text = injected.judged(":");
        self.perform("secrets_attach", name, &text, inject(self.op, self.shell, injected)).await
    }

    async fn detach(&self, name: &SecretName) -> Result<(), Early> {
        let found = self.shell.attached().iter().find(|(known, _)| known == name.as_str()).cloned();
        let (_, variables) = found.ok_or_else(|| {
            Failure::new(
                ErrorCode::MissingCredential,
                format!("env://{name} is not attached to this session"),
                "ssh_secrets action=list names those that are",
            )
        })?;
        let text = format!("unset -v {}", variables.join(" "));
        self.perform("secrets_detach", name, &text, feed(self.op, self.shell, text.clone(), None)).await?;
        self.shell.attached().retain(|(known, _)| known != name.as_str());
        Ok(())
    }

    async fn perform(
        &self,
        action: &'static str,
        name: &SecretName,
        text: &str,
        change: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Early> {
        let Self { op, principal, shell, request } = *self;
        let (helper, now) = (&op.helper, op.helper.live.now());
        // From here on it goes through: a session left occupied, or an intent without an outcome, would stay so.
        let mut state = op.unless_cancelled(shell.state.lock()).await?;
        let target = shell.target.by_now(&now, principal)?;
        let passage = Gate {
            helper,
            now: &now,
            principal,
            target: &target,
            text,
            state: &state,
            binding: &[action.as_bytes(), shell.id.as_bytes(), name.as_str().as_bytes()],
            consent: request.consent,
            confirmation: request.confirmation.as_ref(),
        };
        let granted = passage.pass().granted().map_err(Early)?;
        let id = helper.new_id("j");
        let intent = Intent {
            id: id.clone(),
            action,
            session: Some(shell.id.clone()),
            host_key: Some(shell.fingerprint.clone()),
            secrets: vec![format!("env://{name}")],
            ..gate::intent(helper, &now, principal, &target, &helper.redactor.text(text), &granted)?
        };
        shell.occupy(&id).map_err(busy)?;
        if let Err(error) = helper.audit.intent(&intent).await {
            shell.release();
            return Err(no_audit(&error).into());
        }
        let result = change.await;
        let ending = Ending {
            id,
            result: if result.is_ok() { "exited" } else { "failed" },
            code: result.as_ref().err().map(|failure| failure.code.as_str()),
            ..Ending::default()
        };
        if let Err(error) = helper.audit.ending(&ending).await {
            tracing::error!(%error, "an outcome was not written");
        }
        *state = granted.judgement.next;
        Ok(result?)
    }
}

/// Gives a session's shell variables that stay, and notes whose they are. The shell is the caller's, or new and nobody
/// else's.
///
/// # Errors
/// When the shell did not take them.
pub async fn inject(op: &Operation, shell: &Arc<Shell>, injected: Injected) -> Result<(), Failure> {
    let records = injected.records.clone();
    feed(op, shell, ":".into(), Some(Variables { injected, stay: true })).await?;
    let mut attached = shell.attached();
    attached.retain(|(known, _)| records.iter().all(|(name, _)| name != known));
    attached.extend(records);
    Ok(())
}

async fn feed(
    op: &Operation,
    shell: &Arc<Shell>,
    text: String,
    variables: Option<Variables>,
) -> Result<(), Failure> {
    let (job, stops) =
        Job::new(shell.id.clone(), shell.owner.clone(), shell.target.label(), CleanText::default());
    let job = Arc::new(job);
    let sink = Sink::new(job.clone(), &op.helper.redactor, None);
    let failed = |why: &str| {
        Failure::new(
            ErrorCode::SessionNotFound,
            format!("the session did not take its variables: {why}"),
            "open another session",
        )
    };
    let _ = shell.occupy(&shell.id);
    let line = Line::Command { text, input: Vec::new() };
    if shell.feed(Feed { line, sink, stops, cue: None, variables }).is_err() {
        shell.release();
        return Err(failed("it has ended"));
    }
    let exit = tokio::time::timeout(TAKES, job.ended()).await.map_err(|_| failed("it does not answer"))?;
    match (exit.session_ended.or(exit.lost), exit.code) {
        (Some(why), _) => Err(failed(why.as_str())),
        (None, Some(0)) => Ok(()),
        (None, _) => Err(failed(String::from_utf8_lossy(&job.read(0, 1024).bytes).trim())),
    }
}
