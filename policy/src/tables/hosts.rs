//! Kernel, clock, host name, hardware, security frameworks.

use super::Tool;
use super::short::{A, B, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "sysctl",
        values: "-p -r --load --pattern",
        otherwise: (A, ""),
        rows: &[(C, "kernel-setting", "+-w|--write|-p|--load|--system"), (C, "kernel-setting", "~*=*")],
        reads: &[
            "+-a|-A|-X|--all !*=* !-w|--write|-p|--load|--system|-f",
            "* !*=* !-w|--write|-p|--load|--system|-f",
        ],
    },
    Tool {
        names: "modprobe insmod rmmod depmod kmod dkms",
        values: "",
        otherwise: (C, "kernel-module"),
        rows: &[
            (A, "", "+-n|--dry-run|--show-depends|-D|--showconfig|-c !-C|-d|-S|--config"),
            (A, "", "list|status"),
        ],
        reads: &["+--show-depends|-D|--showconfig|-c|-n !-C|-d|--config|-S|--install|-i", "list|status"],
    },
    Tool {
        names: "hostname domainname nisdomainname",
        values: "-F --file",
        otherwise: (A, ""),
        rows: &[(C, "system-setting", "*"), (C, "system-setting", "+-F|--file|-b")],
        reads: &["$ !-F|--file|-b|--boot"],
    },
    Tool {
        names: "ntpdate chronyc ntpd chronyd rdate",
        values: "-h",
        otherwise: (C, "clock"),
        rows: &[(A, "", "+-q"), (A, "", "tracking|sources|sourcestats|activity|ntpdata|clients")],
        reads: &["tracking|sources|sourcestats|activity", "+-q"],
    },
    Tool {
        names: "setenforce setsebool semanage semodule aa-disable aa-enforce aa-complain aa-teardown apparmor_parser fixfiles",
        values: "",
        otherwise: (C, "security-setting"),
        rows: &[(A, "", "* +-l|--list"), (A, "", "+-l|--list")],
        reads: &["+-l|--list|--list-modules !-i|-r|-d|-a|-m|-e|-X|-R|-B|-D", "* +-l|--list !-a|-d|-m|-D|-i"],
    },
    Tool {
        names: "getenforce sestatus aa-status getsebool getcap apparmor_status",
        values: "",
        otherwise: (A, ""),
        rows: &[],
        reads: &[""],
    },
    Tool {
        names: "grub-install update-grub grub-mkconfig grub2-mkconfig grub2-install grubby update-initramfs dracut mkinitcpio mkinitramfs lilo fwupdmgr kernelstub",
        values: "",
        otherwise: (C, "boot"),
        rows: &[(A, "", "status|list|get-devices|get-updates|get-history")],
        reads: &["status|list|get-devices|get-updates|get-history"],
    },
    Tool {
        names: "efibootmgr bootctl",
        values: "",
        otherwise: (C, "boot"),
        rows: &[(A, "", "$ !-o|-n|-b|-B|-c|-t|-a|-A|-O|-N|-D"), (A, "", "status|list")],
        reads: &["$ !-o|-n|-b|-B|-c|-t|-a|-A|-O|-N|-D", "status|list"],
    },
    Tool {
        names: "ipmitool racadm",
        values: "-H -U -P -I",
        otherwise: (C, "power"),
        rows: &[
            (A, "", "sensor|sdr|sel|fru|lan|mc|user|chassis list|print|info|status|get|elist|type"),
            (A, "", "chassis power status"),
            (A, "", "sensor|sdr|fru $"),
        ],
        reads: &[
            "sensor|sdr|fru $",
            "sdr type|elist *",
            "sensor|sdr|sel|lan|mc|user|chassis list|print|info|status|elist",
        ],
    },
    Tool {
        names: "ulimit renice cpupower cpufreq-set swapon x86_energy_perf_policy tuned-adm powertop nvidia-smi",
        values: "",
        otherwise: (C, "system-setting"),
        rows: &[
            (A, "", "$ !-a-x|-pl|-r|-pm|--gpu-reset|--auto-tune|-a"),
            (A, "", "+-s|--show|--summary|-L|-q !-a|--all"),
            (A, "", "active|list|frequency-info|idle-info"),
            (A, "", "+--query-gpu|--query-compute-apps|-l|-q"),
            (A, "", "topo|nvlink|dmon|pmon !-pl|-r|-pm|-f"),
        ],
        reads: &[
            "$ !-a|-pl|-r|-pm|--gpu-reset|--auto-tune|-f|-e|-i|-ac|-rac|-c|-C|-mig|--html|--csv|--calibrate|--workload",
            "+-s|--show|--summary|--query-gpu|--query-compute-apps !-a|-e|-pl|-r|-pm|--gpu-reset|-f|-ac|-c|-mig",
            "active|list|frequency-info|idle-info $",
            "topo +-m|-mp|-i|-c|-n !-f",
        ],
    },
    Tool { names: "crash", values: "", otherwise: (B, "sysrq"), rows: &[], reads: &[] },
    Tool {
        names: "ipcrm setterm loadkeys chvt dbus-send gdbus qdbus xdotool ydotool wmctrl xmodmap setxkbmap",
        values: "",
        otherwise: (C, "system-setting"),
        rows: &[(A, "", "introspect")],
        reads: &[],
    },
    Tool { names: "stty", values: "-F", otherwise: (A, ""), rows: &[], reads: &["size $", "$ +-a|--all"] },
    Tool {
        names: "ptrace reptyr gcore jattach jmap nsjail",
        values: "",
        otherwise: (C, "process-kill"),
        rows: &[(A, "", "+-histo|-histo:live|-heap|-clstats|-finalizerinfo")],
        reads: &[],
    },
    Tool {
        names: "wall write mesg",
        values: "",
        otherwise: (C, "system-setting"),
        rows: &[(A, "", "$")],
        reads: &[],
    },
];
