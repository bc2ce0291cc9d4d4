//! Services, power, schedules, logs.

use super::Tool;
use super::short::{A, C};

/// A program that is asked for however it is called.
macro_rules! asks {
    ($names:literal, $rule:literal) => {
        Tool { names: $names, values: "", otherwise: (C, $rule), rows: &[], reads: &[] }
    };
}

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "monit",
        values: "-c -g -l -p",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "status|summary|report|validate|procmatch")],
        reads: &["status|summary|report"],
    },
    Tool { names: "start-stop-daemon", values: "", otherwise: (C, "service-change"), rows: &[], reads: &[] },
    Tool {
        names: "capsh pdsh clush dsh pssh parallel-ssh mssh wsl rexec",
        values: "",
        otherwise: (C, "runs-code"),
        rows: &[],
        reads: &[],
    },
    Tool {
        names: "adb",
        values: "-s -t -H -P",
        otherwise: (C, "runs-code"),
        rows: &[
            (C, "remote-shell", "shell $"),
            // What runs there is looked at by itself.
            (A, "", "shell|exec-out *"),
            (
                A,
                "",
                "devices|logcat|version|pull|get-state|get-serialno|forward|reverse|install|wait-for-device|start-server|bugreport|jdwp|help",
            ),
        ],
        reads: &["devices|version|get-state|get-serialno"],
    },
    Tool {
        names: "systemctl",
        values: "-t -p -H -M -n -o -s --type --property --host --machine --lines --output --state --root --signal --kill-whom",
        otherwise: (C, "service-change"),
        rows: &[
            (A, "", "$"),
            (
                A,
                "",
                "status|show|list-*|is-active|is-enabled|is-failed|is-system-running|cat|help|get-default|show-environment",
            ),
            (
                C,
                "power",
                "reboot|poweroff|halt|kexec|suspend|hibernate|hybrid-sleep|rescue|emergency|exit|switch-root|soft-reboot|isolate",
            ),
        ],
        reads: &[
            "$",
            "status|show|list-*|is-active|is-enabled|is-failed|is-system-running|cat|help|get-default|show-environment !-H|--host|-f",
        ],
    },
    Tool {
        names: "service",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "* status"), (A, "", "+--status-all")],
        reads: &["* status $", "+--status-all $"],
    },
    Tool {
        names: "rc-service",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "* status"), (A, "", "+-l|--list")],
        reads: &["* status $"],
    },
    Tool {
        names: "rc-update update-rc.d chkconfig",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "show"), (A, "", "+--list")],
        reads: &["show", "+--list"],
    },
    Tool { names: "rc-status", values: "", otherwise: (A, ""), rows: &[], reads: &[""] },
    Tool {
        names: "launchctl",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "list|print")],
        reads: &["list|print"],
    },
    Tool {
        names: "supervisorctl",
        values: "-c -s -u -p",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "status|tail|pid|avail|version")],
        reads: &["status|tail|pid|avail|version !-c"],
    },
    Tool {
        names: "pm2",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "list|ls|status|logs|info|show|describe|jlist|prettylist|monit")],
        reads: &["list|ls|status|info|show|describe|jlist"],
    },
    Tool {
        names: "initctl start stop restart reload sv s6-svc runsvctrl",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "status|list")],
        reads: &["status|list"],
    },
    Tool {
        names: "nginx apachectl apache2ctl httpd",
        values: "-c -p -g",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "+-t|-T|-v|-V|-S|-M"), (A, "", "configtest|status")],
        reads: &["+-t|-T|-v|-V|-S|-M $ !-s|-k|-g|-c|-p"],
    },
    Tool {
        names: "sshd",
        values: "-f -C",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "+-t|-T")],
        reads: &["+-t|-T !-f|-o"],
    },
    Tool {
        names: "journalctl",
        values: "-u -n -p -o -b -t -g -S -U --unit --lines --since --until --priority --output --grep --identifier -D --directory -k",
        otherwise: (A, ""),
        rows: &[(
            C,
            "logs",
            "+--vacuum-size|--vacuum-time|--vacuum-files|--rotate|--flush|--relinquish-var|--setup-keys|--update-catalog|--smart-relinquish-var",
        )],
        reads: &[
            "!--vacuum-size|--vacuum-time|--vacuum-files|--rotate|--flush|--relinquish-var|--setup-keys|--update-catalog|--sync|--cursor-file|--smart-relinquish-var",
        ],
    },
    Tool {
        names: "logrotate",
        values: "-s -l -m --state --log --mail",
        otherwise: (C, "logs"),
        rows: &[(A, "", "+-d|--debug !-f|--force")],
        reads: &[],
    },
    Tool {
        names: "caddy traefik",
        values: "-c --config --adapter",
        otherwise: (C, "service-change"),
        rows: &[(
            A,
            "",
            "fmt|validate|version|adapt|list-modules|environ|hash-password|build-info|run|file-server|respond|healthcheck|help",
        )],
        reads: &["validate|version|list-modules|build-info"],
    },
    asks!("bconsole", "service-change"),
    Tool {
        names: "am pm wm settings svc setprop monkey input",
        values: "--user -n -a -d -t -e",
        otherwise: (C, "service-change"),
        rows: &[
            (
                A,
                "",
                "list|path|dump|get|get-*|size|density|help|instrument|start|start-activity|tap|swipe|text|keyevent|monitor|stack",
            ),
            (C, "service-change", "size|density|put|delete|reset *"),
        ],
        reads: &[],
    },
    Tool {
        names: "sbatch",
        values: "-A -J -p -t -n -N -c -o -e -D -d -q -w -x -a --array --dependency --partition --time",
        otherwise: (A, ""),
        rows: &[(C, "runs-code", "+--wrap")],
        reads: &["+--test-only !--wrap"],
    },
    Tool {
        names: "sacctmgr sreport",
        values: "",
        otherwise: (C, "accounts"),
        rows: &[(A, "", "show|list|ping|version|cluster|job|user|reservation")],
        reads: &["show|list !-i|--immediate"],
    },
    Tool {
        names: "i2cset i2ctransfer gpioset setpci wrmsr",
        values: "",
        otherwise: (C, "device"),
        rows: &[],
        reads: &[],
    },
    asks!("savelog logsave pam_tally2", "logs"),
    Tool {
        names: "auditctl",
        values: "",
        otherwise: (C, "logs"),
        rows: &[(A, "", "$ +-l|-s|-v !-a|-A|-d|-D|-w|-W|-e|-f|-R|-b|-r")],
        reads: &["$ +-l|-s|-v !-a|-A|-d|-D|-w|-W|-e|-f|-R|-b|-r|-p|-c|-i"],
    },
    Tool {
        names: "faillock",
        values: "--user --dir --conf",
        otherwise: (A, ""),
        rows: &[(C, "logs", "+--reset")],
        reads: &["!--reset|--dir|--conf"],
    },
    Tool { names: "ausearch aureport", values: "", otherwise: (A, ""), rows: &[], reads: &["!--checkpoint"] },
    Tool {
        names: "crontab",
        values: "-u",
        otherwise: (C, "scheduled"),
        rows: &[(A, "", "+-l !-r|-e")],
        reads: &["+-l !-r|-e|-i"],
    },
    Tool { names: "atq", values: "", otherwise: (A, ""), rows: &[], reads: &[""] },
    asks!("atrm anacron run-parts cron crond fcrontab", "scheduled"),
    Tool {
        names: "shutdown reboot halt poweroff init telinit pm-suspend pm-hibernate rtcwake kexec",
        values: "",
        otherwise: (C, "power"),
        rows: &[],
        reads: &[],
    },
    Tool {
        names: "loginctl",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "$"), (A, "", "list-*|show-*|*-status|session-status|user-status")],
        reads: &["$", "list-*|show-*|session-status|user-status|seat-status"],
    },
    Tool {
        names: "hostnamectl timedatectl localectl",
        values: "",
        otherwise: (C, "system-setting"),
        rows: &[(A, "", "$"), (A, "", "status|show|list-*|show-timesync|timesync-status")],
        reads: &["$", "status|show|list-*|show-timesync|timesync-status"],
    },
    Tool {
        names: "systemd-analyze",
        values: "",
        otherwise: (A, ""),
        rows: &[(
            C,
            "system-setting",
            "log-level|log-target|set-log-level|set-log-target|service-watchdogs *",
        )],
        reads: &["$", "blame|critical-chain|time|verify|security|calendar|unit-paths|plot|dump|cat-config"],
    },
    Tool {
        names: "busctl",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "$"), (A, "", "list|status|tree|introspect|get-property|monitor")],
        reads: &["$", "list|status|tree|introspect|get-property"],
    },
    Tool {
        names: "resolvectl systemd-resolve",
        values: "",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "network-change",
                "dns|domain|revert|flush-caches|reset-*|llmnr|mdns|dnssec|default-route * *",
            ),
            (C, "network-change", "flush-caches|reset-server-features|revert"),
        ],
        reads: &["$", "status|query|statistics|show-*", "dns|domain $"],
    },
    Tool {
        names: "networkctl",
        values: "",
        otherwise: (C, "network-change"),
        rows: &[(A, "", "$"), (A, "", "list|status|lldp|label|cat")],
        reads: &["$", "list|status|lldp|label|cat"],
    },
    Tool {
        names: "machinectl portablectl coredumpctl homectl",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "$"), (A, "", "list|list-*|status|show|info|image-status|show-image")],
        reads: &["$", "list|list-*|status|show|info !-o|--output"],
    },
    Tool {
        names: "haproxy",
        values: "-f -p -x -L",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "+-c|-v|-vv !-D|-sf|-st|-x")],
        reads: &["+-c|-v|-vv !-D|-sf|-st|-x|-W|-p|-L|-S"],
    },
    Tool {
        names: "postconf",
        values: "-c -C",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "!*=* !-e|-X|-#")],
        reads: &["!*=* !-e|-X|-#|-c"],
    },
    Tool {
        names: "postqueue exim exim4",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "$ +-p|-j|-bp|-bpc|-bP|-bV !-f|-i|-s")],
        reads: &["$ +-p|-j|-bp|-bpc|-bP|-bV !=-f|=-i|=-s|=-c|=-C|=-q|=-O"],
    },
    Tool {
        names: "mailq",
        values: "",
        otherwise: (A, ""),
        rows: &[(C, "service-change", "+-q")],
        reads: &["$ !-q|-C|-O|-X"],
    },
    Tool {
        names: "postsuper postcat postfix",
        values: "-q",
        otherwise: (C, "service-change"),
        rows: &[(A, "", "status|check"), (A, "", "+-q !-d|-r|-h|-H|-e")],
        reads: &["status"],
    },
    Tool {
        names: "varnishadm",
        values: "-n -S -T -t",
        otherwise: (C, "service-change"),
        rows: &[(
            A,
            "",
            "status|ping|banner|ban.list|backend.list|vcl.list|vcl.show|param.show|panic.show|storage.list|pid",
        )],
        reads: &[
            "status|ping|banner|ban.list|backend.list|vcl.list|vcl.show|param.show|panic.show|storage.list|pid",
        ],
    },
    asks!("invoke-rc.d deb-systemd-invoke corosync-cfgtool", "service-change"),
    asks!(
        "dconf gsettings locale-gen update-ca-certificates update-ca-trust update-mime-database kernel-install",
        "system-setting"
    ),
    asks!("trash-put gio-trash", "delete"),
    asks!(
        "agetty msfconsole tmate scanmem tdbtool distcc pexec run-mailcap runscript gtester gimp cpan cpanm easy_install pdb",
        "runs-code"
    ),
    asks!(
        "hping3 hydra medusa ncrack arpspoof ettercap bettercap aireplay-ng mdk4 responder psftp",
        "network-send"
    ),
    asks!(
        "scancel qdel qsig qhold bkill bstop condor_rm condor_hold lprm cancel lpadmin cupsdisable cupsreject s6-rc",
        "service-change"
    ),
    asks!("telnetd inetd xinetd", "service-change"),
    Tool {
        names: "rndc unbound-control",
        values: "-c -k -s -p -y",
        otherwise: (C, "service-change"),
        rows: &[(
            A,
            "",
            "status|stats_noreset|list_*|lookup|get_option|dump_requestlist|zonestatus|showzone",
        )],
        reads: &[
            "status|stats_noreset|list_*|lookup|get_option|dump_requestlist|zonestatus|showzone !-c|-k|-p",
        ],
    },
];
