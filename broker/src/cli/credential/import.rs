//! `sallyport credential import bifrost`: what would become of each record, or what became of it.

use std::process::ExitCode;

use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::person::{Ask, PlannedEntry, Tell};
use serde_json::{Value, json};

use super::super::admin::{ask, link, misplaced};
use super::super::output::{Problem, json, line};
use super::super::{git, unlock};
use crate::format::one_line;

/// Takes over the records of Bifrost, or says what would be done.
pub async fn from_bifrost(dry_run: bool, as_json: bool) -> Result<ExitCode, Problem> {
    let request =
        if dry_run { Ask::PlanBifrost } else { Ask::ImportBifrost { surroundings: unlock::surroundings() } };
    let link = link()?;
    let (events, AdminOutcome::Listed) = ask(&link, AdminRequest::Person(request)).await? else {
        return Err(misplaced());
    };
    let planned: Vec<PlannedEntry> = events
        .into_iter()
        .filter_map(|event| match event {
            AdminEvent::Person(Tell::Planned(planned)) => Some(planned),
            _ => None,
        })
        .collect();
    if planned.iter().any(|entry| entry.action.as_str() == "imported")
        && let (_, AdminOutcome::Status(status)) = ask(&link, AdminRequest::Status).await?
        && std::path::Path::new(status.store.as_str()).join(".git").exists()
    {
        let files: Vec<&str> =
            planned.iter().map(|entry| entry.file.as_str()).filter(|f| !f.is_empty()).collect();
        git::commit_all(status.store.as_str(), &files, "Import the records of Bifrost with sallyport.");
    }
    if as_json {
        json(&planned.iter().map(planned_report).collect::<Vec<_>>())?;
    } else if planned.is_empty() {
        line("There are no records of Bifrost in this store.")?;
    } else {
        for entry in &planned {
            line(&planned_text(entry))?;
        }
    }
    let failed = planned.iter().any(|entry| entry.action.as_str() == "failed");
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn planned_text(entry: &PlannedEntry) -> String {
    let mut text = format!("{:<9} {}", entry.action.as_str(), one_line(entry.name.as_str()));
    if !entry.slug.as_str().is_empty() {
        text.push_str(&format!(" as the {} of {}", entry.kind, entry.slug));
    }
    if !entry.reason.as_str().is_empty() {
        text.push_str(&format!(": {}", one_line(entry.reason.as_str())));
    }
    text
}

fn planned_report(entry: &PlannedEntry) -> Value {
    json!({
        "name": entry.name.as_str(),
        "slug": entry.slug.as_str(),
        "type": entry.kind.as_str(),
        "action": entry.action.as_str(),
        "reason": entry.reason.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_says_what_becomes_of_each_record() {
        let entry = |name: &str, slug: &str, action: &str, reason: &str| PlannedEntry {
            name: name.into(),
            slug: slug.into(),
            kind: if slug.is_empty() { "".into() } else { "password".into() },
            action: action.into(),
            reason: reason.into(),
            file: "".into(),
        };
        let planned = [
            entry("ssh://deploy@web1", "ssh://deploy@web1", "import", ""),
            entry("sudo://deploy@web1", "sudo://deploy@web1", "exists", "the vault has that record already"),
            entry("winrm://x@y", "", "skipped", "WinRM is not spoken here"),
        ];
        insta::assert_snapshot!(planned.iter().map(planned_text).collect::<Vec<_>>().join("\n"), @r"
        import    ssh://deploy@web1 as the password of ssh://deploy@web1
        exists    sudo://deploy@web1 as the password of sudo://deploy@web1: the vault has that record already
        skipped   winrm://x@y: WinRM is not spoken here
        ");
    }
}
