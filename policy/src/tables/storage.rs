//! Volumes, file systems, mounts, quotas.

use super::Tool;
use super::short::{A, B, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "lvs vgs pvs lvdisplay vgdisplay pvdisplay lvscan vgscan pvscan lvmdiskscan",
        values: "-o -O -S --options --units --config",
        otherwise: (A, ""),
        rows: &[(C, "volume-change", "+--cache|--mknodes|--config")],
        reads: &["!--cache|--mknodes|--config|--activate"],
    },
    Tool {
        names: "lvremove vgremove pvremove vgcreate",
        values: "",
        otherwise: (B, "raw-device"),
        rows: &[(C, "volume-change", "^ +--test")],
        reads: &[],
    },
    Tool {
        names: "lvreduce vgreduce lvcreate lvresize lvextend vgextend lvchange vgchange pvchange pvmove pvresize lvconvert lvrename vgrename vgcfgrestore vgexport vgimport vgsplit vgmerge",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[],
        reads: &[],
    },
    Tool {
        names: "lvm dmsetup losetup multipath kpartx iscsiadm",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[
            (A, "", "ls|info|status|table|version|deps|targets|lvs|vgs|pvs !--exec"),
            (A, "", "+-l|--list|-a|--all|-ll $ !-d|-D|-f|-F|-c|-r|-P|-u|-o"),
            (B, "raw-device", "lvremove|vgremove|pvremove|pvcreate|vgcreate"),
        ],
        reads: &[
            "ls|info|status|version|deps|targets|lvs|vgs|pvs !--config|--cache|--mknodes|--activate",
            "+-l|--list|-a|--all|-ll $ !-d|-D|-f|-F|-c|-r|-P|-u|-o",
        ],
    },
    Tool {
        names: "ceph gluster drbdadm rbd rados",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[
            (A, "", "status|health|df|version|versions|ls|dump|dstate|cstate|role|info|peer|du"),
            (A, "", "* ls|list|status|info|tree|df|dump|stat|get|show|help|lspools"),
            (A, "", "$ +-s|--status|--version|-w"),
            (C, "volume-change", "peer probe|detach"),
        ],
        reads: &[
            "status|health|df|versions $",
            "$ +-s|--status",
            "health|df detail $",
            "osd|mon|pg|fs|mgr|volume|pool tree|stat|df|ls|status|info|list $",
            "osd df tree $",
        ],
    },
    Tool {
        names: "zfs",
        values: "-o -t -r -d -s",
        otherwise: (C, "volume-change"),
        rows: &[
            (A, "", "list|get|diff|holds|version|userspace|groupspace|projectspace"),
            (B, "raw-device", "destroy +-r|-R|-rf|-Rf|-fr"),
        ],
        reads: &["list|get|diff|holds|version|userspace|groupspace"],
    },
    Tool {
        names: "btrfs",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[
            (B, "raw-device", "device|dev add"),
            (B, "raw-device", "replace start"),
            (
                A,
                "",
                "subvolume|filesystem|device|scrub|balance|qgroup|property|inspect-internal|quota|su|fi|dev list|show|df|usage|stats|status|du|get|get-default|find-new|rootid|dump-tree|dump-super",
            ),
        ],
        reads: &[
            "subvolume|filesystem|device|scrub|balance|qgroup|property|su|fi|dev list|show|df|usage|stats|status|du|get|get-default !-z|--reset",
        ],
    },
    Tool {
        names: "mount",
        values: "-t -o -L -U -O --types --options",
        otherwise: (C, "mount"),
        rows: &[(A, "", "$ !-a|--all"), (A, "", "+-l $ !-a|--all")],
        reads: &["$ !-a|--all|-o|--bind|-m|-L|-U"],
    },
    Tool {
        names: "umount swapoff fusermount fusermount3 udisksctl pmount pumount automount sshfs mount.nfs mount.cifs mount.fuse",
        values: "",
        otherwise: (C, "mount"),
        rows: &[(A, "", "info|status|dump|monitor"), (A, "", "+-v|-s $ !-a|--all")],
        reads: &["info|status|dump"],
    },
    Tool {
        names: "exportfs",
        values: "",
        otherwise: (C, "mount"),
        rows: &[(A, "", "+-v|-s $ !-a|-r|-u|-f|-o|-i")],
        reads: &["+-v|-s $ !-a|-r|-u|-f|-o|-i"],
    },
    Tool { names: "mountpoint", values: "", otherwise: (A, ""), rows: &[], reads: &[""] },
    Tool {
        names: "smartctl",
        values: "-d",
        otherwise: (A, ""),
        rows: &[(C, "device", "+-t|--test|-s|--smart|-X|--abort|-o|-S|--set")],
        reads: &["!-t|--test|-s|--smart|-X|--abort|-o|-S|--set|--offlineauto|--saveauto"],
    },
    Tool {
        names: "quotaon quotaoff setquota edquota quotacheck",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[],
        reads: &[],
    },
    Tool {
        names: "megacli MegaCli MegaCli64 megacli64",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[
            (
                A,
                "",
                "+-AdpAllInfo|-AdpGetProp|-LDInfo|-LdInfo|-PDList|-PdList|-PDInfo|-pdInfo|-LdPdInfo|-CfgDsply|-AdpBbuCmd|-EncInfo|-AdpCount|-ShowSummary|-v !-CfgClr|-CfgLdDel|-LDInit|-PDOffline|-CfgForeign",
            ),
            (B, "raw-device", "+-CfgClr|-CfgLdDel|-CfgLDDel|-LDDel|-LDInit|-LdInit|-PDClear"),
        ],
        reads: &[
            "+-AdpAllInfo|-LDInfo|-PDList|-PDInfo|-LdPdInfo|-CfgDsply|-EncInfo !-CfgClr|-CfgLdDel|-LDInit|-AppLogFile",
        ],
    },
    Tool {
        names: "storcli storcli64 perccli perccli64 arcconf ssacli hpssacli hpacucli mvcli tw_cli",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[
            (A, "", "show|*show*|getconfig|getlogs|help|info"),
            (A, "", "* show|getconfig"),
            (B, "raw-device", "* delete|erase|init"),
            (B, "raw-device", "delete|ctrl*delete*"),
        ],
        reads: &["show $", "/* show", "getconfig *"],
    },
    Tool { names: "quota repquota", values: "", otherwise: (A, ""), rows: &[], reads: &[""] },
    Tool {
        names: "xfs_repair xfs_growfs xfs_admin xfs_db e2label fatlabel ntfsfix ntfsresize reiserfsck photorec testdisk sg_write_buffer partprobe partx blockdev fstrim fsfreeze growpart sync eject tune.exfat dosfslabel swaplabel e4defrag",
        values: "",
        otherwise: (C, "volume-change"),
        rows: &[
            (
                A,
                "",
                "+--getsize64|--getsz|--getro|--getss|--getbsz|--report|-l|--list|-s|--show|-n|-r !--setro|--setrw|--flushbufs|--rereadpt|-w|-x|-a|-d|-u",
            ),
            (A, "", "sync"),
        ],
        reads: &[
            "+-s|--show|-l|--list !-a|-d|-u|--add|--delete|--update|-c|-x|-p",
            "+--getsize64|--getsz|--getro|--getss|--getbsz|--report !--setro|--setrw|--flushbufs|--rereadpt|--setra|--setfra|--setbsz",
        ],
    },
    Tool {
        names: "restic borg duplicity rdiff-backup rsnapshot timeshift snapper bacula duplicati tmutil",
        values: "-r -c --repo --repository",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "delete",
                "forget|prune|delete*|rm|remove-older-than|cleanup|restore|undochange|rollback|break-lock|compact|unlock",
            ),
            (C, "delete", "sync|hourly|daily|weekly|monthly|alpha|beta|gamma"),
            (C, "delete", "+--delete|--restore|--delete-all|--remove-older-than|--force"),
        ],
        reads: &["snapshots|list|ls|stats|check|info|status|listbackups !--read-data-x|--repair"],
    },
    Tool {
        names: "flash_erase flash_eraseall flashcp nandwrite ubiformat mtd flashrom",
        values: "-p",
        otherwise: (B, "raw-device"),
        rows: &[(A, "", "^ +-r|--read|-v|--verify|--version|-L|--list-supported !-w|-E|--write|--erase")],
        reads: &[],
    },
    Tool {
        names: "scrub nwipe secure-delete sfill sswap",
        values: "",
        otherwise: (B, "raw-device"),
        rows: &[],
        reads: &[],
    },
];
