//! Users, groups, passwords, privileges.

use super::Tool;
use super::short::{A, B, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "userdel deluser delgroup groupdel",
        values: "-R -P --root --prefix --conf --backup-to",
        otherwise: (C, "accounts"),
        rows: &[(B, "vital-account", "root")],
        reads: &[],
    },
    Tool {
        names: "usermod chsh",
        values: "-a= -c -d -e -f -g -G -l -p -R -P -s -u -v -V -w -W -Z --shell --expiredate --inactive --uid --login --gid --groups --home",
        otherwise: (C, "accounts"),
        rows: &[
            (A, "", "+-l|--list-shells $ !-s"),
            (B, "vital-account", "root +-L|--lock|-e|--expiredate|-u|--uid|-s|--shell|-l|--login"),
        ],
        reads: &["$ +-l|--list-shells !-s|--shell"],
    },
    Tool {
        names: "useradd adduser groupadd groupmod addgroup gpasswd newusers chpasswd chgpasswd chfn vipw vigr visudo newgrp pwconv pwunconv grpconv pwck grpck newuidmap newgidmap sudoedit sudoreplay realm adcli ipa samba-tool smbpasswd pdbedit htpasswd saslpasswd2 kadmin kadmin.local ldapadd ldapmodify ldapdelete ldappasswd dscl dseditgroup sysadminctl pw",
        values: "",
        otherwise: (C, "accounts"),
        rows: &[(A, "", "+-c|--check|-l|-L|--list $ !-f"), (A, "", "list|show|read|get")],
        reads: &["list $", "list * $", "$ +-c|--check !-f|--file|-x|--export|-s|--strict|-R|--root"],
    },
    Tool {
        names: "passwd",
        values: "-n -x -w -i",
        otherwise: (C, "accounts"),
        rows: &[
            (A, "", "+-S|--status !-d|-l|-u|-e"),
            (B, "vital-account", "root +-l|--lock|-d|--delete|-e|--expire"),
        ],
        reads: &["+-S|--status !-d|-l|-u|-e|-R|--root|-x|-n|-w|-i"],
    },
    Tool {
        names: "chage",
        values: "-E -M -m -d -I -W -R --expiredate --maxdays --mindays --lastday --inactive --warndays",
        otherwise: (C, "accounts"),
        rows: &[(A, "", "+-l|--list"), (B, "vital-account", "root +-E|--expiredate")],
        reads: &["+-l|--list !-E|-M|-m|-d|-I|-W"],
    },
    Tool { names: "ssh-copy-id", values: "-i -p -o", otherwise: (C, "login-keys"), rows: &[], reads: &[] },
    Tool {
        names: "ldapsearch ldapwhoami klist",
        values: "-b -H -D -w",
        otherwise: (A, ""),
        rows: &[],
        reads: &["!-T|-t"],
    },
    Tool { names: "kinit kdestroy", values: "", otherwise: (C, "login-keys"), rows: &[], reads: &[] },
    Tool {
        names: "pass gopass op bw lpass secret-tool security keyctl",
        values: "",
        otherwise: (C, "secret-change"),
        rows: &[(A, "", "ls|list|find|search|status|grep|whoami"), (A, "", "$")],
        reads: &["ls|list|find|status|whoami"],
    },
    Tool {
        names: "sallyport sallyport-vault-helper",
        values: "",
        otherwise: (C, "secret-change"),
        rows: &[
            (A, "", "status|doctor|completions"),
            (A, "", "policy check|test|show"),
            (A, "", "host|credential|hostkey|session|transcript list|show"),
            (A, "", "audit show|verify"),
        ],
        reads: &["status", "policy check|show"],
    },
];
