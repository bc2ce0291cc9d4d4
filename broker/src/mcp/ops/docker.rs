//! `ssh_docker`: containers, their output, addresses and networks; starting and stopping them.

use sallyport_protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::line::{Line, counted, name};
use super::run::{Ran, Tool};
use crate::mcp::call::invalid;
use crate::mcp::exec::Asked;

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// ps (default): containers. logs: the end of a container's output. addresses: where running containers, or one, are
    /// in each network. networks, images: which there are. start, stop, restart: a container.
    #[serde(default)]
    action: Action,
    /// A container's name or id.
    container: Option<String>,
    /// ps: also those that do not run.
    #[serde(default)]
    all: bool,
    /// logs: the last so many lines. Default 100.
    #[schemars(range(min = 1, max = 1000), extend("default" = 100))]
    lines: Option<u32>,
    /// As root, through sudo.
    #[serde(default)]
    sudo: bool,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Ps,
    Logs,
    Addresses,
    Networks,
    Images,
    Start,
    Stop,
    Restart,
}

/// A name, then each network and the address in it, behind tabs.
const ADDRESSES: &str = "docker inspect --type container --format \
    '{{.Name}}{{range $name, $at := .NetworkSettings.Networks}}\t{{$name}}={{$at.IPAddress}}{{end}}'";

/// The answer's own fields; those that the action does not tell are left out.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    /// ps.
    #[serde(skip_serializing_if = "Option::is_none")]
    containers: Option<Vec<Container>>,
    /// logs: what the container wrote, on both streams, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<String>>,
    /// addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<Address>>,
    /// networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    networks: Option<Vec<Network>>,
    /// images.
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<Vec<Image>>,
    #[serde(flatten)]
    ran: Ran,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Container {
    id: String,
    name: String,
    image: String,
    /// running, exited, ...
    state: String,
    /// In docker's words: Up 3 hours.
    status: String,
    ports: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Address {
    container: String,
    network: String,
    address: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Network {
    id: String,
    name: String,
    driver: String,
    scope: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Image {
    id: String,
    repository: String,
    tag: String,
    size: String,
}

impl Tool for Args {
    type Fields = Fields;

    fn asked(&self) -> Asked {
        Asked::on(&self.target, self.sudo, self.confirm, self.confirmation_id.as_ref())
    }

    fn needs(&self) -> &'static str {
        "docker"
    }

    fn command(&self) -> Result<String, Failure> {
        let container = self.container.as_deref().map(|word| name("container", word)).transpose()?;
        let lines = counted("lines", self.lines, 100, 1000)?;
        let line = match (self.action, container) {
            (Action::Ps, None) => match self.all {
                true => Line::of("docker ps --no-trunc --all --format '{{json .}}'"),
                false => Line::of("docker ps --no-trunc --format '{{json .}}'"),
            },
            (Action::Networks, None) => Line::of("docker network ls --no-trunc --format '{{json .}}'"),
            (Action::Images, None) => Line::of("docker image ls --no-trunc --format '{{json .}}'"),
            (Action::Addresses, None) => Line::of("docker ps -q | xargs -r").and(ADDRESSES),
            (Action::Addresses, Some(container)) => Line::of(ADDRESSES).and("--").word(container),
            (Action::Logs, Some(container)) => Line::of("docker logs --timestamps --tail")
                .number(lines)
                .and("--")
                .word(container)
                .and("2>&1"),
            (Action::Start, Some(container)) => Line::of("docker start --").word(container),
            (Action::Stop, Some(container)) => Line::of("docker stop --").word(container),
            (Action::Restart, Some(container)) => Line::of("docker restart --").word(container),
            (_, None) => return Err(invalid("this action needs a container")),
            (_, Some(_)) => return Err(invalid("this action takes no container")),
        };
        Ok(line.finish())
    }

    fn read(&self, out: &str, ran: Ran) -> Fields {
        let mut fields = Fields { ran, ..Fields::default() };
        match self.action {
            Action::Ps => fields.containers = Some(rows(out).map(container).collect()),
            Action::Networks => fields.networks = Some(rows(out).map(network).collect()),
            Action::Images => fields.images = Some(rows(out).map(image).collect()),
            Action::Logs => fields.lines = Some(out.lines().map(ToOwned::to_owned).collect()),
            Action::Addresses => fields.addresses = Some(out.lines().flat_map(addresses).collect()),
            Action::Start | Action::Stop | Action::Restart => {}
        }
        fields
    }
}

/// The objects that docker prints, a line each.
fn rows(out: &str) -> impl Iterator<Item = Value> {
    out.lines().filter_map(|line| serde_json::from_str(line).ok())
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

fn container(row: Value) -> Container {
    Container {
        id: text(&row, "ID"),
        name: text(&row, "Names"),
        image: text(&row, "Image"),
        state: text(&row, "State"),
        status: text(&row, "Status"),
        ports: text(&row, "Ports"),
    }
}

fn network(row: Value) -> Network {
    Network {
        id: text(&row, "ID"),
        name: text(&row, "Name"),
        driver: text(&row, "Driver"),
        scope: text(&row, "Scope"),
    }
}

fn image(row: Value) -> Image {
    Image {
        id: text(&row, "ID"),
        repository: text(&row, "Repository"),
        tag: text(&row, "Tag"),
        size: text(&row, "Size"),
    }
}

fn addresses(line: &str) -> Vec<Address> {
    let mut parts = line.split('\t');
    let container = parts.next().unwrap_or_default().trim_start_matches('/');
    let address = |part: &str| {
        let (network, address) = part.split_once('=')?;
        let (container, network) = (container.to_owned(), network.to_owned());
        Some(Address { container, network, address: address.to_owned() })
    };
    parts.filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::arguments;
    use super::*;
    use serde_json::json;

    fn args(more: Value) -> Args {
        arguments(json!({}), more)
    }

    #[test]
    fn each_action_has_its_command_and_takes_a_container_or_none() {
        let command = |more: Value| args(more).command();
        assert_eq!(command(json!({})).unwrap(), "docker ps --no-trunc --format '{{json .}}'");
        assert_eq!(
            command(json!({ "action": "logs", "container": "web_1", "lines": 7 })).unwrap(),
            "docker logs --timestamps --tail 7 -- 'web_1' 2>&1"
        );
        assert_eq!(
            command(json!({ "action": "restart", "container": "web" })).unwrap(),
            "docker restart -- 'web'"
        );
        for bad in [
            json!({ "action": "logs" }),
            json!({ "container": "web" }),
            json!({ "action": "stop", "container": "--all" }),
            json!({ "action": "stop", "container": "web;reboot" }),
            json!({ "action": "stop", "container": "web other" }),
        ] {
            assert!(command(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_docker_prints_is_read_and_what_is_none_of_it_left_out() {
        let out = concat!(
            r#"{"ID":"f00","Names":"web","Image":"nginx","State":"running","Status":"Up 3 hours","Ports":"80/tcp"}"#,
            "\nWARNING: no swap limit\n"
        );
        let told = args(json!({})).read(out, Ran::default()).containers.unwrap();
        assert_eq!((told.len(), told[0].name.as_str(), told[0].state.as_str()), (1, "web", "running"));
        let out = "/web\tfront=10.0.0.2\tback=10.1.0.2\n/idle\n";
        let told = args(json!({ "action": "addresses" })).read(out, Ran::default()).addresses.unwrap();
        let told: Vec<_> = told.iter().map(|a| (&*a.container, &*a.network, &*a.address)).collect();
        assert_eq!(told, [("web", "front", "10.0.0.2"), ("web", "back", "10.1.0.2")]);
    }
}
