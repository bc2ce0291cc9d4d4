//! Programs that look at files, text and the system.

use super::Tool;
use super::short::{A, C};

/// Options of awk that load, write and run nothing.
pub(crate) const AWK_READS: &[&str] = &[
    "-e",
    "-b",
    "-n",
    "-r",
    "--",
    "--field-separator",
    "--assign",
    "--source",
    "--posix",
    "--re-interval",
    "--sandbox",
    "--csv",
    "--non-decimal-data",
    "--characters-as-bytes",
    "--use-lc-numeric",
    "--version",
    "-S",
    "-k",
    "-P",
    "-N",
    "-O",
];

/// A program that reads whatever its arguments are, or with some options left out.
macro_rules! reader {
    ($names:literal) => {
        reader!($names, "", "")
    };
    ($names:literal, $values:literal, $pattern:literal) => {
        Tool { names: $names, values: $values, otherwise: (A, ""), rows: &[], reads: &[$pattern] }
    };
}

pub(super) const TOOLS: &[Tool] = &[
    reader!(
        "cat tac head tail wc nl od hexdump hd strings cksum sum b2sum md5sum sha1sum sha224sum sha256sum sha384sum sha512sum base32 basenc"
    ),
    reader!(
        "ls dir vdir stat du df lsblk lscpu lsmod lspci lsusb lsattr lslocks lsns lsipc lsmem findmnt getfacl getfattr namei"
    ),
    reader!("lsof", "-i= -p -u -c -d -g= -F= -s= -T= -S= -o= -r=", "!+m* !-D"),
    reader!("cut paste join comm fold fmt expand unexpand tr rev pr tsort numfmt seq factor expr bc yes"),
    reader!(
        "grep egrep fgrep zgrep bzgrep xzgrep zcat bzcat xzcat zstdcat lz4cat zcmp zdiff zegrep zfgrep zstdgrep lzcat lzgrep xzdiff xzcmp bzdiff"
    ),
    reader!(
        "zless bzless xzless zstdless lzless zmore bzmore xzmore",
        "",
        "!+* !-o|-O|-k|--log-file|--lesskey-file|--lesskey-src"
    ),
    reader!(
        "ugrep ug",
        "-e -f -g -t -A -B -C -m",
        "!--filter|--pager|-Q|--query|--save-config|--view|--config"
    ),
    reader!("basename dirname realpath readlink pathchk whereis look"),
    reader!(
        "id whoami who w users groups logname tty last lastb uptime uname arch nproc hostid getconf locale getent finger pinky"
    ),
    reader!(
        "ps pstree pgrep pidof pmap pwdx top htop btop vmstat iostat mpstat nfsiostat free slabtop iotop numastat ipcs smem tload"
    ),
    reader!("dig nslookup host traceroute traceroute6 tracepath mtr whois netstat iftop ipcalc sipcalc"),
    reader!("diff cmp diff3 sdiff colordiff wdiff dwdiff", "", "!-o|--output"),
    reader!(
        "echo printf true false sleep cal ncal printenv man-db apropos whatis help zipinfo tput nohup.out infocmp tree2"
    ),
    reader!("jq jshon gron", "--arg --argjson --slurpfile --rawfile --indent -L", "!-L|--from-file|-f"),
    reader!(
        "yq dasel xq tomlq",
        "-o -p -I --output-format --input-format --indent",
        "!put|delete !-i|--inplace|-w|--write|--in-place|--split-exp|-s"
    ),
    reader!("xmllint", "", "!--output|-o|--shell|--dumpdir"),
    reader!("c++filt addr2line file mimetype", "", "!-C|--compile"),
    // It may run what it is given: only files of the system's own are proven.
    Tool {
        names: "ldd",
        values: "",
        otherwise: (A, ""),
        rows: &[],
        reads: &[
            "/bin/*|/usr/*|/lib*|/sbin/*|/opt/* $",
            "/bin/*|/usr/*|/lib*|/sbin/* /bin/*|/usr/*|/lib*|/sbin/* $",
            "$",
        ],
    },
    reader!("nm objdump readelf size", "", "!--plugin"),
    reader!("locate mlocate plocate", "-d -l -n", "!-u|-U|-o|--output|--update"),
    reader!("blkid", "-o -s -t -L -U -c -H -n -O -S", "!-g|--garbage-collect|-w|-c|--cache-file"),
    reader!("ping ping6 arping fping", "-c -i -I -W -w -s -t -p -Q -m -l", "!-f|--flood|-l"),
    Tool {
        names: "lastlog",
        values: "-b -t -u",
        otherwise: (A, ""),
        rows: &[(C, "logs", "+-C|--clear|-S|--set")],
        reads: &["!-C|--clear|-S|--set|-R|--root"],
    },
    reader!("pidstat", "-C -G -p -T -e", "!-e"),
    reader!("sar sadf atop", "-o -f -s -e -n -P -w", "!-o|-w"),
    reader!("info", "-o -d -f -n", "!=-o|--output|-d|--dribble|--restore"),
    reader!("ptx", "-A -F -g -M -S -W -b -i -o -w", "!-G|--traditional"),
    reader!("sensors", "-c", "!-s|--set|--bus-list"),
    reader!("lshw", "-class -C", "!-dump"),
    reader!("hwinfo", "--only", "!--log|--save-config|--dump-db|--map"),
    reader!("inxi", "", "!-U|--update|-u|--upload"),
    reader!(
        "xfs_info dumpe2fs e2freefrag systemd-cgls systemd-cgtop systemd-detect-virt systemd-path systemd-escape"
    ),
    reader!(
        "csvstat csvcut csvgrep csvlook csvsort csvjoin csvjson csvformat csvstack in2csv",
        "",
        "!--write-sheets"
    ),
    reader!("col showmount named-checkconf varnishstat varnishtop", "", "!-w|-D"),
    reader!("nfsstat", "", "!-z|--zero"),
    reader!("nstat", "", "!-r|--reset|-z|-d|--scan|-t|--interval"),
    reader!("ntpq", "-c", "!-c|--command|-i|--interactive"),
    reader!("lstopo lstopo-no-graphics hwloc-ls", "--of --output-format -i --input", "$ !-i|--input"),
    reader!("php-fpm squid", "", "+-t|-tt|-v|-m|-i !-c|-y|-p|-d|-k|-z|-f|-s|-n"),
    Tool {
        names: "ldconfig",
        values: "-C -f -r",
        otherwise: (C, "system-setting"),
        rows: &[(A, "", "+-p|--print-cache|-V|--version")],
        reads: &["+-p|--print-cache $ !-C|-f|-r|-n|-l|-N|-X"],
    },
    Tool {
        names: "xmlstarlet xml",
        values: "",
        otherwise: (A, ""),
        rows: &[],
        reads: &["sel|el|elements|val|validate|fo|format|c14n|pyx", "ed !-L|--inplace"],
    },
    Tool {
        names: "mlr",
        values: "--ifs --ofs --from",
        otherwise: (A, ""),
        rows: &[],
        reads: &["!put|filter|tee|split|case|nothing !-I|-s|--load|--mload|--prepipe|--prepipex"],
    },
    Tool {
        names: "fail2ban-client",
        values: "-c -s -p",
        otherwise: (C, "firewall"),
        rows: &[(A, "", "status|ping|version|banned|get")],
        reads: &["status|ping|version|banned|get !-c"],
    },
    Tool {
        names: "doveadm certbot",
        values: "",
        otherwise: (A, ""),
        rows: &[(
            C,
            "service-change",
            "delete|revoke|renew|unregister|rollback|expunge|kick|kill|stop|reload|purge|move|import|backup|sync",
        )],
        reads: &["who|penalty|certificates $"],
    },
    reader!("ffprobe", "-v -of -i -f -show_entries -select_streams -print_format", "!=-o|=-report|-report"),
    reader!(
        "htmlq pup pygmentize pdfgrep scc xidel hxselect hxnormalize lslogins lastlog2 zeek-cut hexyl pdffonts pdfdetach",
        "-f -t -g -l -n -A -B -C -s -w -a --filename --text --attribute",
        "!=-o|--output|-saveall|-save|-O|-r|--remove-nodes"
    ),
    reader!("lsirq", "-s -o --sort --output", "!-S"),
    reader!("pv", "-L -s -i -N -B -H -w -D", "!-o|--output|-d|--watchfd|-R|--remote|-P|--pidfile"),
    reader!("lsar zipgrep zipdetails iwlist sha3sum xxhsum xxh64sum xxh128sum b3sum crc32"),
    reader!(
        "lsb_release lsinitramfs lsscsi lsiio biosdecode dmidecode acpi upower hostinfo neofetch fastfetch screenfetch vdpauinfo glxinfo cpuid",
        "",
        "!--dump-bin|--from-dump"
    ),
    reader!("modinfo journal dpkg-query"),
    Tool {
        names: "apt-cache",
        values: "-o -c --option --config-file",
        otherwise: (A, ""),
        rows: &[],
        reads: &["!gencaches !-o|-c|-g|--option|--config-file|--generate"],
    },
    Tool {
        names: "apt-config",
        values: "-o -c --option --config-file",
        otherwise: (A, ""),
        rows: &[],
        reads: &["dump|shell !-o|-c|--option|--config-file"],
    },
    reader!("exa eza lsd bat batcat", "-o", "!cache !-o|--pager|--cache-build"),
    reader!(
        "rg",
        "-e -f -g -t -T -A -B -C -m -M -j --glob --type --regexp --context --after-context --before-context --max-count --sort",
        "!--pre|--hostname-bin|--search-zip-pre"
    ),
    reader!("ag ack pt", "-A -B -C -m -G -g", "!--pager|--output"),
    reader!(
        "sort",
        "-k -t -S -T --key --field-separator --buffer-size --parallel --temporary-directory --batch-size",
        "!-o|--output|--compress-program|-T|--temporary-directory"
    ),
    reader!("shuf base64", "-n -i -w --head-count", "!-o|--output"),
    Tool {
        names: "uniq",
        values: "-f -s -w --skip-fields --skip-chars --check-chars",
        otherwise: (A, ""),
        rows: &[],
        reads: &["$", "* $"],
    },
    Tool {
        names: "date gdate",
        values: "-d -f -r -I= --date --file --reference",
        otherwise: (C, "clock"),
        rows: &[(A, "", "$ !-s|--set"), (A, "", "+* !-s|--set")],
        reads: &["$ !-s|--set", "+* $ !-s|--set"],
    },
    Tool {
        names: "hwclock",
        values: "",
        otherwise: (C, "clock"),
        rows: &[(A, "", "+-r|--show|--get|--version !-w|-s|--systohc|--hctosys|--set|--adjust")],
        reads: &["+-r|--show|--get"],
    },
    Tool {
        names: "xxd",
        values: "-l -s -c -g -o -n",
        otherwise: (A, ""),
        rows: &[(A, "", "* *")],
        reads: &["* $", "$"],
    },
    Tool {
        names: "tree",
        values: "-L -I -P -H -T -o --filelimit",
        otherwise: (A, ""),
        rows: &[],
        reads: &["!-o|-R"],
    },
    Tool { names: "ncdu", values: "-o -f", otherwise: (A, ""), rows: &[], reads: &[] },
    Tool {
        names: "dmesg",
        values: "-l -f -n",
        otherwise: (A, ""),
        rows: &[(
            C,
            "logs",
            "+-C|--clear|-c|--read-clear|-D|--console-off|-n|--console-level|-E|--console-on",
        )],
        reads: &["!-C|--clear|-c|--read-clear|-D|-E|-n|--console-off|--console-on|--console-level"],
    },
    Tool { names: "column colrm", values: "-t -s", otherwise: (A, ""), rows: &[], reads: &[""] },
    Tool {
        names: "tcpdump tshark",
        values: "-i -c -s -r -w -n -G -W -C -z",
        otherwise: (A, ""),
        rows: &[(C, "runs-option", "+-z|-X")],
        reads: &["!-w|-z|-G|-W|-C|-Z|-F"],
    },
    Tool {
        names: "openssl",
        values: "-in -connect -servername -inform -days -passin -CAfile -CApath -starttls -verify -showcerts=",
        otherwise: (A, ""),
        rows: &[(C, "runs-option", "+-engine|-provider-path|-provider"), (C, "runs-option", "engine *")],
        reads: &[
            "x509|version|s_client|verify|ciphers|crl|asn1parse|list|errstr !-out|-keyout|-signkey|-req|-CAserial|-CAcreateserial|-writerand|-engine|-provider|-provider-path|-config|-sess_out|-keylogfile|-msgfile",
            "dgst|md5|sha256|sha1|sha384|sha512 !-out|-sign|-engine|-provider|-provider-path|-writerand",
            "rsa|ec|pkey|req|pkcs12|pkcs7|dsa|dhparam|ecparam|crl2pkcs7 +-noout !-out|-keyout|-new|-engine|-provider|-provider-path|-config|-newkey|-writerand",
            "pkcs7 +-print_certs !-out|-engine|-provider|-provider-path",
            "rand !-out|-engine|-provider|-provider-path|-writerand",
        ],
    },
    Tool {
        names: "ssh-keygen",
        values: "-f -t -b -C -N -E -F -R -H -l",
        otherwise: (A, ""),
        rows: &[
            (C, "runs-option", "+-D|-w"),
            (C, "login-keys", "+-R|-H|-p"),
            (A, "", "+-l !-R"),
            (A, "", "+-F !-R|-H"),
        ],
        reads: &["+-l !-R|-H|-D|-w", "+-F !-R|-H|-D|-w"],
    },
    Tool {
        names: "ssh-add",
        values: "-t",
        otherwise: (A, ""),
        rows: &[(C, "login-keys", "+-D|-d|-x|-X|-s|-e")],
        reads: &["+-l|-L !-s|-D|-d"],
    },
    Tool { names: "ssh-keyscan", values: "-p -t -T", otherwise: (A, ""), rows: &[], reads: &[""] },
    Tool {
        names: "gpg gpg2",
        values: "-u -r -o",
        otherwise: (A, ""),
        rows: &[(
            C,
            "login-keys",
            "+--delete-keys|--delete-secret-keys|--delete-secret-and-public-key|--import|--edit-key|--gen-revoke|--import-ownertrust",
        )],
        reads: &[
            "+-k|-K|--list-keys|--list-secret-keys|--fingerprint|--verify|--list-packets|--version !-o|--output|--delete-keys|--import|--log-file|--status-file|--logger-file|--options|--photo-viewer|--show-photos|--list-options|--exec-path|--agent-program|--dirmngr-program",
        ],
    },
    Tool {
        names: "perf",
        values: "",
        otherwise: (A, ""),
        rows: &[(C, "kernel-setting", "probe +-a|--add|-d|--del|-x")],
        reads: &["list|report !-o|--output|-i"],
    },
    Tool {
        names: "watchman inotifywait fswatch",
        values: "-e -m",
        otherwise: (A, ""),
        rows: &[],
        reads: &["!-o|--outfile|-d|--daemon"],
    },
    Tool {
        names: "mail mailx sendmail mutt",
        values: "",
        otherwise: (C, "network-send"),
        rows: &[],
        reads: &[],
    },
    Tool {
        names: "fuser",
        values: "-n -s",
        otherwise: (A, ""),
        rows: &[(C, "process-kill", "+-k|--kill|-K")],
        reads: &["!-k|--kill|-K"],
    },
    Tool {
        names: "gio gvfs-trash kioclient",
        values: "",
        otherwise: (A, ""),
        rows: &[(C, "delete", "trash|remove|rm|move|set|mount|launch|open|mime")],
        reads: &["info|list|cat|tree|version"],
    },
    Tool { names: "wevtutil", values: "", otherwise: (C, "logs"), rows: &[], reads: &[] },
    Tool { names: "xdg-open open", values: "", otherwise: (A, ""), rows: &[], reads: &[] },
    Tool {
        names: "history",
        values: "",
        otherwise: (A, ""),
        rows: &[(C, "history", "+-c|-d|-w")],
        reads: &["!-c|-d|-w|-a|-r|-n|-s"],
    },
    Tool {
        names: "pandoc",
        values: "-f -t -o -s -V -M --from --to --output --template --css",
        otherwise: (A, ""),
        rows: &[(C, "runs-option", "+-F|--filter|-L|--lua-filter|--pdf-engine|-d|--defaults")],
        reads: &[],
    },
    // Tools of diagnosis: what they write, they write by one of these options.
    reader!(
        "mongostat mongotop mysqldumpslow mysqlshow pg_controldata pg_waldump pg_activity pg_top mytop innotop jps jstat jstack jinfo ntpstat \
            ntptrace zdump glances nmon bmon nload bwm-ng vnstat ifstat ifdata dstat nethogs tcptrack turbostat collectl lldpctl lldpcli mii-tool \
            arp-scan nbtscan drill kdig delv rpcinfo doveconf opendkim-testkey named-checkzone smbstatus testparm nmblookup wbinfo \
            needs-restarting checkrestart debsums dlocate deborphan equery eix lsfd lsclocks lscgroup cgget \
            systemd-delta utmpdump ac lastcomm edac-util ras-mc-ctl sslscan ssh-audit httpstat varnishlog varnishncsa multitail lnav \
            datamash qsv pspg rhash ssdeep mediainfo identify pdfinfo isoinfo pahole checksec vbindiff difft \
            diffstat lsdiff filterdiff cloc tokei sloccount units dnstracer whatmask pmdumptext geoiplookup \
            geoiplookup6 mmdblookup lsdev procinfo hwloc-info irqtop dwarfdump \
            apt-file repoquery xsv procs dust duf dua bottom btm dog \
            doggo gping bandwhich ipmi-sensors ipmi-sel ipmi-fru sesearch seinfo matchpathcon",
        "-n -c -i -t -u -h -p -P -m --host --port --user --password",
        "!-o|-O|-w|-W|-D|-B|-b|-s|-f|--output|--out|--log|--logfile|--daemon|--background|--export|--export-csv-file|--update|--config|--kill|--set|--apply|--flag"
    ),
    reader!(
        "pt-query-digest pt-summary pt-mysql-summary pt-diskstats ",
        "",
        "!--review|--history|--output|--create-review-table|--save-samples|--execute"
    ),
    reader!(
        "mysqlbinlog",
        "-u -h -P -p -d -j",
        "!-r|--result-file|--raw|-R|--read-from-remote-server|--stop-never|--local-load|-l"
    ),
    Tool {
        names: "jcmd",
        values: "",
        otherwise: (A, ""),
        rows: &[],
        reads: &[
            "$ +-l",
            "* VM.flags|VM.version|VM.uptime|VM.command_line|VM.system_properties|Thread.print|GC.heap_info|GC.class_histogram|help $",
        ],
    },
    Tool {
        names: "promtool",
        values: "",
        otherwise: (A, ""),
        rows: &[],
        reads: &["check config|rules|metrics|web-config", "query instant|range|series|labels"],
    },
    Tool {
        names: "amtool",
        values: "--alertmanager.url",
        otherwise: (A, ""),
        rows: &[
            (C, "service-change", "silence add|expire|update|import"),
            (C, "service-change", "alert add"),
        ],
        reads: &["alert $", "alert|silence query", "config show|routes", "check-config"],
    },
];
