//! Programs that look at a system, its networks and its history.

use super::Group;

pub(super) const GROUPS: &[Group] = &[
    (
        "find faults in running programs",
        "cgdb ddd gdbserver delve dlv rdbg byebug pudb pdb3 py-spy memray mprof kernprof scalene austin viztracer snakeviz \
            pyinstrument valgrind callgrind_annotate cg_annotate cg_diff ms_print kcachegrind qcachegrind massif-visualizer \
            heaptrack_print heaptrack_gui flamegraph flamegraph.pl stackcollapse-perf.pl stackcollapse.pl inferno-flamegraph \
            inferno-collapse-perf hotspot pprof go-torch asprof async-profiler jconsole jvisualvm visualvm jmc jhat jol arthas gprofng \
            eu-readelf eu-stack eu-addr2line eu-nm eu-objdump eu-strings eu-unstrip eu-elflint pstack gstack stackprof rbspy phpspy \
            vmtouch fincore radiff2 rabin2 rasm2 rax2 rahash2 rafind2 ragg2 binwalk yara bloaty uftrace sysdig csysdig opensnoop \
            execsnoop biolatency biosnoop biotop cachestat tcpconnect tcplife tcpretrans tcptop runqlat profile-bpfcc nsys nvprof \
            cuda-gdb cuobjdump nvdisasm compute-sanitizer cuda-memcheck rocprof vtune advixe-cl hpcrun hpcprof scalasca likwid-topology \
            likwid-perfscope tau_exec pstop apitrace renderdoccmd sentry-cli bugsnag-cli abrt-cli apport-cli apport-unpack \
            strace-log-merge",
    ),
    (
        "look at the system, the desktop and what runs",
        "dive gotop bashtop bpytop s-tui iotop-c ctop lazydocker lazygit stern kail kubetail k8sgpt popeye kubecolor \
            gitui tig gitk git-cola ranger nnn lf vifm yazi broot xplr joshuto ytop zenith nvtop nvitop gpustat rocm-smi intel_gpu_top \
            radeontop tiptop cpufetch pfetch onefetch macchina hyfetch archey hwloc-diff vkcube vulkaninfo clinfo vainfo eglinfo \
            es2_info xdpyinfo xwininfo xprop xev xlsclients xlsatoms xlsfonts edid-decode get-edid getpcaps aa-features-abi sw_vers \
            system_profiler vm_stat mdfind mdls ioreg kextstat nettop lsappinfo pbcopy pbpaste xclip xsel wl-copy wl-paste notify-send \
            speedtest speedtest-cli fast-cli librespeed-cli httping tcping subnetcalc ipv6calc prips dnsx dnsperf curlie certigo testssl \
            testssl.sh sslyze whatweb mtr-packet tcptraceroute lft dublin-traceroute vnstati iptraf-ng trafshow speedometer termshark \
            capinfos mergecap editcap reordercap text2pcap tcpslice tcpstat rawshark lsdvd dvdinfo cd-info lspower acpi_listen lsinput \
            tldr cheat howdoi navi cht.sh bropages eg manly starship zoxide autojump j fasd atuin mcfly hstr dircolors ll la lla l clear \
            resize tabs tset toe ttysize sl cmatrix asciiquarium pipes.sh bastet nyancat reset lsusers getopt ddate pkg-config \
            pkgconf llvm-lto config.guess config.sub krb5-config xml2-config xslt-config curl-config freetype-config sdl2-config \
            python-config python3-config ruby-config pcre-config apr-1-config apu-1-config icu-config libpng-config mysql_config \
            mariadb_config net-snmp-config ncurses6-config ncursesw6-config wx-config gsl-config nc-config nf-config geos-config \
            gdal-config apt-show-versions apt-rdepends apt-listchanges dpigs debtree pactree pacsearch paclist paccheck expac pkgfile \
            portageq qlist qfile ngrep tcpflow fc-cache mktemp getopts",
    ),
    (
        "look after the project's history",
        "git-lfs git-flow git-absorb git-branchless git-cliff git-chglog git-town git-machete git-extras git-standup git-quick-stats \
            git-sizer git-who git-fame git-bug stg quilt guilt topgit gitversion standard-version auto-changelog conventional-changelog \
            conventional-changelog-cli conventional-commits svnversion svnlook cvsps ci-rcs co-rcs rlog merge-rcs \
            git-interactive-rebase-tool difftastic mergiraf gitmoji gitmoji-cli czg git-cz changie chglog scriv reno",
    ),
    (
        "ask databases and services from a terminal, or look into their files",
        "redis-benchmark pgcli mycli litecli usql iredis pgbadger pgmetrics pg_filedump pg_verifybackup pg_test_fsync pg_test_timing \
            sstablemetadata sstabledump kafka-console-consumer kafka-console-consumer.sh kafka-dump-log kafka-dump-log.sh \
            kafka-verifiable-consumer mosquitto_sub ldapcompare ldapurl snmpget snmpwalk snmpbulkwalk snmpgetnext snmptable \
            snmptranslate snmpstatus smbtree promlens tempo-cli",
    ),
    (
        "look at networks, their tables and their routes",
        "bgpq3 bgpq4 bgpdump bgpreader bgpscanner mrt2json mrtparse irrtoolset peval bird-lg ipfix-collector flow-cat flow-stat \
            nuttcp thrulay owping twping pathping pchar darkstat cbm slurm-net iftop-text nmap-parse ndiff netdiscover-passive mtr-tiny \
            trippy trip pingtop prettyping noping oping dnstop dnswalk dnsviz resperf flamethrower-dns unbound-host unbound-checkconf \
            named-compilezone named-rrchecker named-journalprint dnssec-verify dnssec-dsfromkey ldns-read-zone ldns-verify-zone \
            ldns-compare-zones ldns-key2ds kzonecheck nsd-checkconf nsd-checkzone zonemaster-cli validns zonecheck jwhois rdap nicinfo \
            mmdbinspect ipinfo asn grepcidr netmask ipv6toolkit addr6 ipv6gen netcalc ipgrep cidrmerge aggregate6 iprange iptables-xml \
            snmpdf snmpnetstat snmpps snmpdelta snmptest cdpr lldpneighbors rancid-diff yanglint pyang yang2dsdl pyangbind goyang ttp \
            iwlist-scan wavemon btmon sdptool-browse l2ping rtl_433 rtl_test rtl_power rtl_fm dump1090 readsb multimon-ng gqrx \
            gnuradio-companion gr_modtool inspectrum urh-cli SoapySDRUtil uhd_find_devices uhd_usrp_probe hackrf_info limeutil \
            airspy_info direwolf wsjtx jt9 js8call fldigi satdump gpredict predict noaa-apt",
    ),
    (
        "look at databases' files and ask their own terminals",
        "redis-memory-analyzer redis-rdb-cli redis-stat mongo-hacker mtools mlogfilter mloginfo mplotqueries pt-mongodb-summary \
            etcd-dump-db etcd-dump-logs ldb-scan sst_dump lmdb_stat mdb_stat mdb_dump db_stat db_verify gdbm_dump tdbdump innodb_ruby \
            ibd2sdi myisam_ftdump pt-visual-explain pt-fingerprint pt-index-usage pt-duplicate-key-checker pt-variable-advisor \
            pt-config-diff pt-show-grants pt-mext pt-pmp pt-ioprofile pt-sift pt-table-usage pg_flame pg_view check_postgres \
            check_postgres.pl tail_n_mail pgtop cbstats influx_inspect_report es2csv kaf kt-consume",
    ),
    (
        "look at the machine and the desktop",
        "i7z x86info dmidump decode-dimms memstat smemstat pcp pmstat pmval pminfo pmprobe pmdumplog pmlogsummary pmlogextract pmrep \
            pmseries pmclient collectl-play sar2html ksar ext4slower xfsslower btrfsslower fileslower filetop dcstat dcsnoop vfsstat \
            vfscount syncsnoop mountsnoop killsnoop statsnoop threadsnoop capable gethostlatency solisten sofdsnoop tcpaccept tcpstates \
            tcpsubnet tcptracer tcprtt tcpdrop offcputime offwaketime wakeuptime cpudist cpuunclaimed llcstat hardirqs softirqs memleak \
            oomkill slabratetop stackcount funccount funclatency funcslower trace-bpfcc argdist ucalls uflow ugc uobjnew ustat uthreads \
            bashreadline sslsniff systemd-id128 systemd-vpick userdbctl oomctl acpidump iasl tpm2_getcap tpm2_pcrread tpm2_readpublic \
            tpm2_getrandom sbverify sbsiglist efi-readvar fwts powerstat intel-gpu-tools nvidia-bug-report.sh nvidia-debugdump \
            amdgpu_top gpu-burn vkmark glxgears glxspheres64 es2gears drm_info kmsprint weston-info wayland-info ddcutil-detect \
            monitor-edid read-edid xmodmap-pke fc-pattern fc-validate pw-dump pw-top jack_lsp sndfile-info sndfile-cmp sndfile-convert \
            sndfile-resample cd-discid isovfy isodump devdump v4l2-compliance lpstat lpq lpinfo cups-config ippfind ipptool hp-info \
            hp-levels",
    ),
    (
        "the shell's own small helpers of many systems",
        "ts progress cv rlfe ledit cmdtest scriptreplay script2html termrec ttyrec2gif ipbt peekfd isatty tty-size \
            stdsyms lesspipe lesspipe.sh lessecho pager sensible-pager sensible-editor sensible-browser www-browser x-www-browser \
            run-help lexgrog accessdb manpath validlocale infotocap captoinfo ttyname which-pkg-broke command-not-found cnf-lookup \
            apt-forktracer apt-venv grep-dctrl grep-available grep-status sort-dctrl join-dctrl dpkg-distaddfile dpkg-vendor \
            dpkg-buildflags dpkg-buildapi dpkg-buildtree dpkg-genbuildinfo dpkg-gensymbols dpkg-mergechangelogs dh_listpackages debc \
            debdiff dscverify dget rmadison grep-excuses whodepends who-uploads wnpp-alert wnpp-check querybts duck lrc \
            licensecheck2dep5 origtargz git-buildpackage gbp autopkgtest popularity-contest rpmdiff rpmdep rpmgraph rpmsort \
            rpmdev-newspec rpmdev-sort rpmdev-diff rpmls rpmpeek rpmdev-spectool spectool rpmautospec zypper-lifecycle updpkgsums \
            checkupdates pacman-conf paccapability pacreport pkgdiff apkbuild-cpan buildroot-graph xbps-query xlint xgensum \
            xbps-checkvers qcheck qdepends repoman-scan pkgcheck pkgdev-manifest nix-diff nix-tree nix-du nix-locate nix-prefetch \
            nix-prefetch-git nix-prefetch-url nurl nix-eval-jobs nix-output-monitor nom nvd nix-melt nix-visualize nixdoc nixos-option \
            nixos-version spctl-assess dyldinfo dyld_info pagestuff leaks heap vmmap sample allmemory footprint systemstats say afplay \
            afinfo afconvert textutil-cat qlmanage-thumb",
    ),
];
