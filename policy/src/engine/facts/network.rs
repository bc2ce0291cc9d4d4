//! `curl` and `wget`: what they send, and where they write.

use super::files::{long_value, option_value};
use super::tools::Words;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::place;
use crate::tables::verbs;

/// Options of curl that take a value in the next word.
const CURL_VALUES: &str = "-A -b -c -C -d -D -e -E -F -h -H -K -m -o -P -Q -r -t -T -u -U -w -x -X -y -Y -z --url --request --data --header \
    --output --user --user-agent --max-time --connect-timeout --retry --retry-delay --cacert --cert --key --proxy --resolve --cookie --cookie-jar \
    --form --upload-file --config --referer --range --write-out --dump-header --data-raw --data-binary --data-urlencode --json --interface \
    --limit-rate --unix-socket --output-dir --create-file-mode --trace --trace-ascii --stderr --netrc-file --max-redirs --ciphers --tls-max --noproxy --aws-sigv4 --oauth2-bearer --connect-to --quote";

/// curl's options that neither write nor send more than a plain request.
const CURL_READS: &str = "-s -S -f -L -k -I -i -v -g -4 -6 -A -H -m -r -u -w -x -e -b -G -N -0 -1 -2 -3 -h -V -# -q -U -z -y -Y -n \
    --silent --show-error --fail --location --insecure --head --include --verbose --globoff --ipv4 --ipv6 --user-agent --header --max-time \
    --connect-timeout --range --user --write-out --proxy --referer --cookie --get --no-buffer --http1.0 --http1.1 --http2 --http3 --retry \
    --retry-delay --retry-connrefused --retry-max-time --retry-all-errors --compressed --cacert --cert --key --resolve --url --max-redirs --noproxy --tlsv1.2 --tlsv1.3 --progress-bar --no-progress-meter --fail-with-body --path-as-is --oauth2-bearer --connect-to --interface --limit-rate --unix-socket --location-trusted --version --help --capath --proto --negotiate --ssl-reqd --tls-max --ciphers --speed-limit --speed-time --fail-early --disable --no-keepalive --happy-eyeballs-timeout-ms --raw --tcp-nodelay";

impl Engine<'_> {
    /// `curl`: a GET to standard output reads; sending data or another method is asked for.
    pub(super) fn curl(&mut self, args: &[Arg]) -> Facts {
        let words = Words::new(args, CURL_VALUES);
        let mut finding = Finding::ALLOW;
        if words.has("-K|--config") {
            finding = finding.strictest(Finding::confirm("runs-option"));
        }
        if words.has("-d|-F|-T|--data|--data-raw|--data-binary|--data-urlencode|--json|--form|--upload-file|--form-string") && !words.has("-G|--get") {
            finding = finding.strictest(Finding::confirm("network-send"));
        }
        if words.has("-Q|--quote|--mail-from|--mail-rcpt|--telnet-option") {
            finding = finding.strictest(Finding::confirm("network-send"));
        }
        let method = option_value(args, 'X', "--request").filter(|_| words.has("-X|--request"));
        let reading_method = method.as_ref().is_none_or(|method| {
            matches!(method.text.to_ascii_uppercase().as_str(), "GET" | "HEAD" | "OPTIONS")
        });
        if !reading_method {
            finding = finding.strictest(Finding::confirm("network-send"));
        }
        let method = method.map(|method| method.text.to_ascii_uppercase());
        if finding == Finding::confirm("network-send")
            && matches!(method.as_deref(), None | Some("POST"))
            && at_home(&words)
            && !args[1..].iter().any(|arg| arg.is_unknown() || says_destruction(&arg.text))
        {
            // A service of this very host is asked for something: no data leaves, and nothing says that it destroys.
            finding = Finding::ALLOW;
        }
        let mut writes = words.has("-O|--remote-name|--remote-name-all|-J");
        for (letter, long) in [('o', "--output"), ('D', "--dump-header"), ('c', "--cookie-jar")] {
            if words.has(&format!("-{letter}|{long}"))
                && let Some(target) = option_value(args, letter, long)
            {
                writes |= !place::is_sink(&target.text);
                finding = finding.strictest(self.write_to(&target));
                if letter == 'o' {
                    self.keep_download(&target);
                }
            }
        }
        for long in [
            "--output-dir",
            "--trace",
            "--trace-ascii",
            "--stderr",
            "--hsts",
            "--alt-svc",
            "--etag-save",
            "--libcurl",
        ] {
            if let Some(target) = long_value(args, long) {
                writes |= !place::is_sink(&target.text);
                finding = finding.strictest(self.write_to(&target));
            }
        }
        if words.has("-O|--remote-name") {
            for url in words.operands.iter().filter(|arg| arg.text.contains('/')) {
                self.keep_download(&Arg::literal(url.text.rsplit('/').next().unwrap_or_default()));
            }
        }
        let query = words.has("-G|--get");
        let plain = words.options.iter().all(|option| {
            curl_reads(&option.text)
                || query
                    && matches!(option.text.as_str(), "-d" | "--data" | "--data-urlencode" | "--data-raw")
                || matches!(option.text.as_str(), "--output" | "--request" | "--")
        }) && !args.iter().any(|arg| {
            arg.text.starts_with('@')
                || arg.text.contains("%output{")
                || arg.text.split_once("://").is_some_and(|(scheme, _)| {
                    scheme.chars().all(|c| c.is_ascii_alphabetic())
                        && !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ftp" | "ftps")
                })
        });
        Facts::of(finding).reading(plain && !writes && reading_method && !words.uncertain)
    }

    /// `wget`: writes a file unless told to print.
    pub(super) fn wget(&mut self, args: &[Arg]) -> Facts {
        let words = Words::new(
            args,
            "-O -o -a -P -t -T -U -Q -i -e -w --output-document --output-file --directory-prefix --tries --timeout --user-agent --header --post-data --post-file --method --body-data --execute",
        );
        let mut finding = Finding::ALLOW;
        if words.has("--post-data|--post-file|--body-data|--body-file")
            || long_value(args, "--method")
                .is_some_and(|method| method.text != "GET" && method.text != "HEAD")
        {
            finding = finding.strictest(Finding::confirm("network-send"));
        }
        if words.has("-e|--execute|--use-askpass|--config") {
            finding = finding.strictest(Finding::confirm("runs-option"));
        }
        let target = option_value(args, 'O', "--output-document").filter(|_| {
            words.has("-O|--output-document") || args.iter().any(|arg| arg.text.starts_with("-qO"))
        });
        let prints =
            target.as_ref().is_some_and(|target| place::is_sink(&target.text)) || words.has("--spider");
        for (letter, long) in [
            ('O', "--output-document"),
            ('o', "--output-file"),
            ('a', "--append-output"),
            ('P', "--directory-prefix"),
        ] {
            if words.has(&format!("-{letter}|{long}"))
                && let Some(target) = option_value(args, letter, long)
            {
                finding = finding.strictest(self.write_to(&target));
            }
        }
        match &target {
            Some(target) => self.keep_download(target),
            None => {
                for url in &words.operands {
                    self.keep_download(&Arg::literal(url.text.rsplit('/').next().unwrap_or_default()));
                }
            }
        }
        let logs = words.has("-o|-a|--output-file|--append-output|-P|-i|--input-file|--save-cookies|--warc-file|-r|-m|-x|-p|-b|-N|--background|--recursive|--mirror|--rejected-log|--hsts-file");
        Facts::of(finding).reading(prints && !logs && !words.uncertain)
    }

    /// A file copied from another host into a file or directory: nobody has seen what it holds.
    pub(super) fn keep_copy(&mut self, from: &Arg, target: &Arg) {
        let base = from.text.rsplit(['/', ':']).next().unwrap_or_default();
        self.keep_download(&Arg::literal(&format!("{}/{base}", target.shown())));
        if !matches!(target.text.as_str(), "." | "./") {
            self.keep_download(target);
        }
    }

    /// A tree that came from elsewhere: running what lies in it is running what nobody has seen.
    pub(super) fn keep_tree(&mut self, folder: &str) {
        if !folder.contains('\0') && !folder.is_empty() {
            self.keep_file(folder, None, false);
        }
    }

    /// A downloaded file: running it later is running what nobody has seen.
    fn keep_download(&mut self, target: &Arg) {
        if !place::is_sink(&target.text) && !target.is_unknown() && !target.text.is_empty() {
            self.keep_file(&target.text, None, false);
        }
    }
}

/// Whether curl talks to this host alone.
fn at_home(words: &Words<'_>) -> bool {
    let local = |arg: &&Arg| {
        let rest = arg.text.split_once("://").map_or(arg.text.as_str(), |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        matches!(name, "localhost" | "127.0.0.1" | "[::1]" | "0.0.0.0")
    };
    !words.operands.is_empty()
        && words.operands.iter().all(local)
        && !words.has("-x|-K|-L|-Q|-T|--proxy|--config|--location|--unix-socket|--abstract-unix-socket|--resolve|--connect-to|--quote|--url|--upload-file|--mail-from")
}

/// Whether an address, a body or a header speaks of destruction.
fn says_destruction(text: &str) -> bool {
    let path =
        text.split_once("://").map_or(text, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    verbs::destroys_somewhere(path) || verbs::changes_database(path)
}

/// Whether a word of curl's options holds only reading ones.
fn curl_reads(text: &str) -> bool {
    let known = |option: &str| CURL_READS.split_whitespace().any(|known| known == option);
    if text.starts_with("--") {
        return known(text.split('=').next().unwrap_or(text));
    }
    for letter in text.chars().skip(1) {
        let option = format!("-{letter}");
        if !known(&option) && !matches!(letter, 'o' | 'X') {
            return false;
        }
        if CURL_VALUES.split_whitespace().any(|value| value == option) {
            return true;
        }
    }
    true
}
