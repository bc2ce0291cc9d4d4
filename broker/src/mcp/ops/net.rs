//! `ssh_net_check`: who listens on a host, what a name means there, and what can be reached from there.

use sallyport_protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::line::{Line, plain};
use super::run::{Ran, Tool};
use crate::mcp::call::invalid;
use crate::mcp::exec::Asked;

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// listening (default): sockets that accept connections, with port only those on it. resolve: the addresses of host, as
    /// the target sees it. connect: whether port of host accepts a TCP connection. ping: whether host answers.
    #[serde(default)]
    action: Action,
    /// resolve, connect, ping: the name or address.
    host: Option<String>,
    /// listening, connect: the port.
    #[schemars(range(min = 1))]
    port: Option<u16>,
    /// As root, through sudo: listening tells whose sockets they are only to root.
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
    Listening,
    Resolve,
    Connect,
    Ping,
}

/// The answer's own fields; those that the action does not tell are left out.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    /// listening.
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<Vec<Socket>>,
    /// resolve.
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<String>>,
    /// connect, ping.
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable: Option<bool>,
    /// ping: lost of three packets, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_percent: Option<f64>,
    /// ping: the mean round trip, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_ms: Option<f64>,
    #[serde(flatten)]
    ran: Ran,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Socket {
    /// tcp or udp.
    protocol: String,
    address: String,
    port: u16,
    /// Whose it is, as far as the account may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
}

impl Tool for Args {
    type Fields = Fields;

    fn asked(&self) -> Asked {
        Asked::on(&self.target, self.sudo, self.confirm, self.confirmation_id.as_ref())
    }

    fn needs(&self) -> &'static str {
        match self.action {
            Action::Listening => "ss",
            Action::Resolve => "getent",
            Action::Connect => "nc",
            Action::Ping => "ping",
        }
    }

    fn command(&self) -> Result<String, Failure> {
        if self.port == Some(0) {
            return Err(invalid("port is from 1 to 65535"));
        }
        let host = self.host.as_deref().map(|host| plain("host", host)).transpose()?;
        let line = match (self.action, host, self.port) {
            (Action::Listening, None, _) => Line::of("ss -H -t -u -l -n -p"),
            (Action::Resolve, Some(host), None) => Line::of("getent ahosts").word(host),
            (Action::Connect, Some(host), Some(port)) => {
                Line::of("nc -z -w 5").word(host).number(port.into())
            }
            (Action::Ping, Some(host), None) => Line::of("ping -c 3 -W 2").word(host),
            _ => {
                let what = "listening takes a port; resolve and ping a host; connect a host and a port";
                return Err(invalid(what));
            }
        };
        Ok(line.finish())
    }

    fn read(&self, out: &str, ran: Ran) -> Fields {
        let done = ran.exit_code == Some(0);
        let mut fields = Fields { ran, ..Fields::default() };
        match self.action {
            Action::Listening => {
                let wanted = |socket: &Socket| self.port.is_none_or(|port| port == socket.port);
                fields.sockets = Some(out.lines().filter_map(socket).filter(wanted).collect());
            }
            Action::Resolve => {
                let mut addresses: Vec<String> =
                    out.lines().filter_map(|line| line.split_whitespace().next()).map(Into::into).collect();
                addresses.dedup();
                fields.addresses = Some(addresses);
            }
            Action::Connect => fields.reachable = Some(done),
            Action::Ping => {
                fields.reachable = Some(done);
                (fields.loss_percent, fields.round_trip_ms) = (loss(out), round_trip(out));
            }
        }
        fields
    }
}

/// A line of `ss -H`: protocol, state, two queues, local address and port, peer, and perhaps whose it is.
fn socket(line: &str) -> Option<Socket> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = words.get(4)?.rsplit_once(':')?;
    let program = words.get(6).and_then(|users| users.split('"').nth(1)).map(ToOwned::to_owned);
    let (protocol, address) = ((*words.first()?).to_owned(), address.to_owned());
    Some(Socket { protocol, address, port: port.parse().ok()?, program })
}

/// `3 packets transmitted, 2 received, 33.3333% packet loss, time 2003ms`
fn loss(out: &str) -> Option<f64> {
    let (before, _) = out.split_once("% packet loss")?;
    before.rsplit([' ', ',']).next()?.parse().ok()
}

/// `rtt min/avg/max/mdev = 0.020/0.031/0.041/0.008 ms`, or `round-trip min/avg/max = ...`
fn round_trip(out: &str) -> Option<f64> {
    let line = out.lines().find(|line| line.contains("min/avg/max"))?;
    line.split_once(" = ")?.1.split('/').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::arguments;
    use super::*;
    use serde_json::{Value, json};

    fn args(more: Value) -> Args {
        arguments(json!({}), more)
    }

    #[test]
    fn each_action_has_its_command_and_its_arguments() {
        let command = |more: Value| args(more).command();
        assert_eq!(
            command(json!({ "action": "connect", "host": "db", "port": 5432 })).unwrap(),
            "nc -z -w 5 'db' 5432"
        );
        assert_eq!(command(json!({ "action": "ping", "host": "::1" })).unwrap(), "ping -c 3 -W 2 '::1'");
        for bad in [
            json!({ "action": "ping" }),
            json!({ "action": "connect", "host": "db" }),
            json!({ "action": "ping", "host": "-f" }),
            json!({ "host": "db" }),
            json!({ "port": 0 }),
        ] {
            assert!(command(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_tools_print_is_read() {
        let out = "tcp   LISTEN 0  128  0.0.0.0:22   0.0.0.0:*    users:((\"sshd\",pid=7,fd=3))\n\
                   udp   UNCONN 0  0    [::1]:323    [::]:*\nrubbish\n";
        let told = args(json!({})).read(out, Ran::default()).sockets.unwrap();
        assert_eq!((told.len(), told[0].port, told[0].program.as_deref()), (2, 22, Some("sshd")));
        assert_eq!((told[1].address.as_str(), told[1].port), ("[::1]", 323));
        assert_eq!(args(json!({ "port": 323 })).read(out, Ran::default()).sockets.unwrap().len(), 1);
        let out = "3 packets transmitted, 2 received, 33.3333% packet loss, time 2003ms\n\
                   rtt min/avg/max/mdev = 0.020/0.031/0.041/0.008 ms\n";
        let told = args(json!({ "action": "ping", "host": "x" })).read(out, Ran::default());
        assert_eq!((told.loss_percent, told.round_trip_ms), (Some(33.3333), Some(0.031)));
        let out = "10.0.0.1  STREAM db\n10.0.0.1  DGRAM\n::1 STREAM\n";
        let told = args(json!({ "action": "resolve", "host": "db" })).read(out, Ran::default());
        assert_eq!(told.addresses.unwrap(), ["10.0.0.1", "::1"]);
    }
}
