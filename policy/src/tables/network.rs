//! Network configuration, firewalls, scanners.

use super::Tool;
use super::short::{A, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "ip",
        values: "-n -netns -family -f",
        otherwise: (C, "network-change"),
        rows: &[
            (A, "", "$ !-batch|=-b|-ba|-force"),
            (
                A,
                "",
                "a*|l|li*|r|ro*|n|ne*|ru*|m|ma*|netn*|tu*|x*|ntable|token|tcp_metrics|vrf|nexthop|stats $",
            ),
            (A, "", "* show|list|ls|sh|s|lst|get|g|monitor|list-id|identify|pids|help"),
            (A, "", "x* state|policy $"),
            (A, "", "x* state|policy list|get|count"),
            (A, "", "monitor|help|-V"),
            (C, "network-change", "l|li|lin|link s *"),
            (C, "network-change", "+-batch|=-b|-ba|-force"),
        ],
        reads: &[
            "$ !-batch|=-b|-ba|-force|-B",
            "a*|l|li*|r|ro*|n|ne*|ru*|m|ma*|netn*|tu* $ !-batch|=-b|-ba|=-B",
            "* show|list|ls|sh|s|lst|get|g|identify|pids|help !-batch|=-b|-ba|=-B",
            "x* state|policy $ !-batch|=-b|-ba|=-B",
        ],
    },
    Tool {
        names: "ifconfig iwconfig",
        values: "",
        otherwise: (A, ""),
        rows: &[(C, "network-change", "* *")],
        reads: &["$", "* $ !-v"],
    },
    Tool {
        names: "route",
        values: "",
        otherwise: (A, ""),
        rows: &[(C, "network-change", "add|del|delete|flush|change")],
        reads: &["$", "get *"],
    },
    Tool {
        names: "arp",
        values: "-i",
        otherwise: (A, ""),
        rows: &[(C, "network-change", "+-d|-s|-f")],
        reads: &["!-d|-s|-f|--delete|--set|--file"],
    },
    Tool {
        names: "ss",
        values: "-A -f -F -N",
        otherwise: (A, ""),
        rows: &[(C, "network-change", "+-K|--kill")],
        reads: &["!-K|--kill|-D|--diag|-F"],
    },
    Tool {
        names: "iptables ip6tables iptables-legacy ip6tables-legacy iptables-nft ebtables arptables",
        values: "-t --table",
        otherwise: (C, "firewall"),
        rows: &[
            (A, "", "+-L|-S|--list|--list-rules|-C|--check|-V !-F|-X|-Z|-A|-D|-I|-P|-N|-R|-E|--flush|--zero"),
            (A, "", "+-L +-n !-F|-X|-Z|-A|-D|-I|-P"),
        ],
        reads: &[
            "+-L|-S|--list|--list-rules|-C|--check !-F|-X|-Z|-A|-D|-I|-P|-N|-R|-E|--flush|--zero|--delete-chain|--append|--delete|--insert|--policy|--new-chain|--replace|--rename-chain|-M|--modprobe",
        ],
    },
    Tool {
        names: "iptables-save ip6tables-save",
        values: "-t",
        otherwise: (A, ""),
        rows: &[(A, "", "+-f|--file")],
        reads: &["!-f|--file|-M|--modprobe"],
    },
    Tool {
        names: "iptables-restore ip6tables-restore netplan wpa_cli wpa_supplicant dhclient dhcpcd ifup ifdown brctl ovs-vsctl vconfig hciconfig rfkill pfctl ipfw ipvsadm wg-quick openvpn strongswan ipsec",
        values: "",
        otherwise: (C, "network-change"),
        rows: &[(A, "", "show|status|list|get"), (A, "", "+-L|-l|--list|-s|-n !-F|-f|-D|-X|-d|-e|-C|-A")],
        reads: &["show|list|status|get $"],
    },
    Tool {
        names: "bridge",
        values: "",
        otherwise: (C, "network-change"),
        rows: &[
            (A, "", "link|fdb|mdb|vlan|vni $ !-b|-batch"),
            (A, "", "* show|list|ls|get !-b|-batch"),
            (A, "", "monitor"),
        ],
        reads: &["link|fdb|mdb|vlan|vni $ !-b|-batch|-force", "* show|list|ls|get !-b|-batch|-force"],
    },
    Tool {
        names: "conntrack",
        values: "-s -d -p -g -q -o -f -r -m -z -w",
        otherwise: (C, "network-change"),
        rows: &[(
            A,
            "",
            "+-L|-G|-C|-S|-E|--dump|--get|--count|--stats|--event !-D|-F|-I|-U|-A|-R|--delete|--flush|--create|--update|--load-file",
        )],
        reads: &[
            "+-L|-G|-C|-S|--dump|--get|--count|--stats !-D|-F|-I|-U|-A|-R|-E|--delete|--flush|--create|--update|--load-file",
        ],
    },
    Tool {
        names: "ipset",
        values: "-o -output -f -file",
        otherwise: (C, "network-change"),
        rows: &[(A, "", "list|save|test|version !-f|-file"), (A, "", "$ +-L|-l|-t|-n !-F|-f|-D|-X|-A|-N")],
        reads: &["list|save|test|version !-f|-file"],
    },
    Tool {
        names: "wg",
        values: "",
        otherwise: (C, "network-change"),
        rows: &[(A, "", "$"), (A, "", "show|showconf|genkey|pubkey|genpsk")],
        reads: &["$", "show"],
    },
    Tool {
        names: "nft",
        values: "-I",
        otherwise: (C, "firewall"),
        rows: &[(A, "", "list|describe|monitor !-f|--file|-i"), (A, "", "+-c|--check")],
        reads: &["list|describe !-f|--file|-i|--interactive"],
    },
    Tool {
        names: "ufw",
        values: "",
        otherwise: (C, "firewall"),
        rows: &[(A, "", "status|show|version"), (A, "", "app list|info")],
        reads: &["status|show|version", "app list|info"],
    },
    Tool {
        names: "firewall-cmd",
        values: "--zone",
        otherwise: (C, "firewall"),
        rows: &[(
            A,
            "",
            "+--state|--list-all|--list-ports|--list-services|--get-zones|--get-default-zone|--get-active-zones|--list-all-zones|--query-service|--query-port|--list-rich-rules|--get-services|--info-zone|--info-service !--add-port|--add-service|--remove-port|--remove-service|--reload|--set-default-zone|--panic-on|--complete-reload|--runtime-to-permanent|--add-rich-rule|--remove-rich-rule|--add-source|--remove-source|--change-interface|--add-interface|--add-masquerade|--direct",
        )],
        reads: &[
            "+--state|--list-all|--list-ports|--list-services|--get-zones|--get-default-zone|--get-active-zones|--list-all-zones|--query-service|--query-port|--list-rich-rules|--get-services|--info-zone|--info-service !--add-port|--add-service|--remove-port|--remove-service|--reload|--set-default-zone|--panic-on|--panic-off|--complete-reload|--runtime-to-permanent|--add-rich-rule|--remove-rich-rule|--add-source|--remove-source|--change-interface|--add-interface|--add-masquerade|--direct|--new-zone|--delete-zone",
        ],
    },
    Tool {
        names: "tc",
        values: "",
        otherwise: (C, "network-change"),
        rows: &[(A, "", "* show|list|ls"), (A, "", "* $")],
        reads: &["* show|list|ls !-b|-batch|-force"],
    },
    Tool {
        names: "ethtool",
        values: "",
        otherwise: (C, "network-change"),
        rows: &[
            (A, "", "* $"),
            (
                A,
                "",
                "+-i|-S|-k|-g|-a|-c|-l|-T|-m|-P|-d|--driver|--statistics|--show-features !-s|-K|-G|-A|-C|-L|-r|-E|-f|-t|--change|--reset|--flash",
            ),
        ],
        reads: &[
            "* $ !-s|-K|-G|-A|-C|-L|-r|-E|-f|-p|-t|-U|-N|-X|-W|--change|--reset|--flash|--offload|--identify|--test|--negotiate",
        ],
    },
    Tool {
        names: "nmcli",
        values: "-f -m -c -g -w -e --fields --mode --colors --get-values --wait --escape",
        otherwise: (C, "network-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "g|general|d|dev|device|c|con|connection|n|networking|r|radio|monitor $"),
            (A, "", "* s|show|status|st|list|connectivity|permissions|wifi $"),
            (A, "", "g|general|d|dev|device|c|con|connection s|show|status|st"),
            (A, "", "d|dev|device wifi list"),
        ],
        reads: &[
            "$",
            "* s|show|status|st|connectivity|permissions",
            "d|dev|device wifi $",
            "d|dev|device wifi list",
            "g|general|d|dev|device|c|con|connection $",
        ],
    },
    Tool {
        names: "iw",
        values: "",
        otherwise: (A, ""),
        rows: &[
            (C, "network-change", "dev|phy|reg * set|del|add|disconnect|connect|interface"),
            (C, "network-change", "reg set"),
        ],
        reads: &["list|help", "reg get", "dev $", "dev * info|link|scan $"],
    },
    Tool {
        names: "nmap masscan zmap",
        values: "-p -oN -oX -oG -iL",
        otherwise: (A, ""),
        rows: &[(C, "runs-option", "+--script|--datadir|-iL|-oN|-oX|-oG|-oA")],
        reads: &[],
    },
    Tool {
        names: "ngrok cloudflared frpc frps chisel bore localtunnel lt tailscale zerotier-cli",
        values: "",
        otherwise: (C, "network-tunnel"),
        rows: &[(A, "", "status|ip|netcheck|version|ping|info|listpeers|listnetworks|peers")],
        reads: &["status|ip|netcheck|version|info|listpeers|listnetworks"],
    },
    Tool {
        names: "http https xh httpie",
        values: "",
        otherwise: (A, ""),
        rows: &[
            (C, "network-send", "POST|PUT|PATCH|DELETE"),
            (C, "network-send", "* *=*|*:=*|*@*"),
            (C, "network-send", "GET|* * *=*|*:=*"),
        ],
        reads: &[],
    },
    Tool {
        names: "aria2c axel lftp ftp tftp ncftp rclone s3cmd azcopy mc",
        values: "",
        otherwise: (C, "network-send"),
        rows: &[(
            A,
            "",
            "ls|lsd|lsl|lsf|lsjson|size|about|cat|check|version|listremotes|tree|ncdu|du|info|stat|find|md5sum|sha1sum",
        )],
        reads: &["ls|lsd|lsl|lsf|lsjson|size|about|version|listremotes|tree|du|stat !--config|--log-file"],
    },
];
