//! What database clients and their statements do.

/// First words of statements that only read.
pub(crate) const READING: &[&str] = &[
    "select",
    "show",
    "explain",
    "describe",
    "desc",
    "values",
    "table",
    "with",
    "use",
    "pragma",
    "analyze",
    "begin",
    "commit",
    "rollback",
    "start",
    "set",
    "help",
    "status",
    "print",
    "fetch",
    "list",
    "go",
    "end",
    "from",
    ".tables",
    ".schema",
    ".databases",
    ".indexes",
    ".indices",
    ".headers",
    ".mode",
    ".stats",
    ".show",
    ".dump",
    ".width",
    ".timer",
    ".fullschema",
    ".quit",
    ".exit",
    ".version",
    ".help",
    ".nullvalue",
    ".separator",
];

/// Words inside a statement that change something or reach outside.
pub(crate) const CHANGING: &[&str] = &[
    "insert",
    "update",
    "delete",
    "drop",
    "truncate",
    "alter",
    "create",
    "grant",
    "revoke",
    "copy",
    "vacuum",
    "reindex",
    "call",
    "do",
    "lock",
    "into",
    "outfile",
    "dumpfile",
    "merge",
    "replace",
    "pg_stat_reset",
    "pg_stat_statements_reset",
    "pg_rotate_logfile",
    "pg_create_restore_point",
    "pg_file_write",
    "lo_put",
    "lo_from_bytea",
    "dblink_exec",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_read_file",
    "lo_import",
    "lo_export",
    "lo_unlink",
    "dblink",
    "setval",
    "nextval",
    "pg_drop_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_create_logical_replication_slot",
    "pg_create_restore_point",
    "pg_copy_physical_replication_slot",
    "pg_replication_slot_advance",
    "pg_wal_replay_pause",
    "pg_backup_start",
    "pg_import_system_collations",
    "pg_switch_wal",
    "load_file",
    "load_extension",
    "xp_cmdshell",
    "attach",
    "detach",
    "kill",
    "flush",
    "reset",
    "purge",
    "shutdown",
    "set_config",
    "refresh",
    "cluster",
    "comment",
    "security",
    "import",
    "restore",
    "rename",
    "sys_exec",
    "writefile",
    "edit",
    "pg_promote",
    "readfile",
    "exec",
    "execute",
    "prepare",
    "global",
    "persist",
    "writable_schema",
    "journal_mode",
];

/// Redis commands that only read.
pub(crate) const REDIS_READS: &[&str] = &[
    "get",
    "mget",
    "info",
    "ping",
    "keys",
    "scan",
    "exists",
    "ttl",
    "pttl",
    "type",
    "strlen",
    "llen",
    "lrange",
    "lindex",
    "hget",
    "hgetall",
    "hkeys",
    "hvals",
    "hlen",
    "hmget",
    "smembers",
    "scard",
    "sismember",
    "zrange",
    "zcard",
    "zscore",
    "zrangebyscore",
    "dbsize",
    "memory",
    "client",
    "slowlog",
    "config",
    "cluster",
    "command",
    "time",
    "lastsave",
    "role",
    "latency",
    "xlen",
    "xrange",
    "xinfo",
    "randomkey",
    "echo",
    "getrange",
    "bitcount",
    "hscan",
    "sscan",
    "zscan",
    "zrevrange",
    "zrank",
    "hexists",
    "pfcount",
    "monitor",
    "dump",
    "acl",
    "module",
    "object",
    "pubsub",
    "script",
    "function",
    "sentinel",
    "getbit",
    "zcount",
    "zlexcount",
    "zmscore",
    "zrevrank",
    "zrevrangebyscore",
    "zrangebylex",
    "zrandmember",
    "smismember",
    "srandmember",
    "sinter",
    "sunion",
    "sdiff",
    "sintercard",
    "zinter",
    "zunion",
    "zdiff",
    "hrandmember",
    "hstrlen",
    "lpos",
    "lcs",
    "bitpos",
    "geopos",
    "geodist",
    "geohash",
    "geosearch",
    "xrevrange",
    "xpending",
    "expiretime",
    "pexpiretime",
    "select",
    "auth",
];

/// Functions that compute or look up, and words that may stand before a bracket. A statement that calls another is
/// ordinary: anyone may have written it, to do anything.
const FUNCTIONS: &str = " in values and or not as on using over filter from join where exists any all some select by having then when else \
    case union except intersect lateral materialized recursive explain limit between like ilike is distinct interval array row rows within \
    group partition with set numeric decimal varchar char character timestamp time date datetime bit float real double int integer bigint text \
    count sum avg min max stddev variance corr mode median total every bool_and bool_or string_agg array_agg group_concat json_agg jsonb_agg \
    percentile_cont percentile_disc row_number rank dense_rank ntile lag lead first_value last_value nth_value cume_dist percent_rank \
    abs ceil ceiling floor round trunc mod power pow sqrt exp ln log sign greatest least random rand pi degrees radians width_bucket \
    length char_length character_length octet_length bit_length upper lower initcap trim ltrim rtrim btrim lpad rpad substr substring left right \
    concat concat_ws replace translate reverse repeat position strpos instr locate split_part ascii chr format printf quote_ident quote_literal \
    quote_nullable md5 sha1 sha2 sha256 crc32 encode decode hex unhex to_hex starts_with overlay soundex space elt field find_in_set \
    coalesce nullif ifnull isnull nvl if iif cast convert typeof pg_typeof num_nulls \
    now current_timestamp current_date current_time localtime localtimestamp clock_timestamp statement_timestamp transaction_timestamp getdate \
    age extract make_date make_interval justify_days strftime julianday unixepoch from_unixtime unix_timestamp curdate curtime datediff \
    timestampdiff timestampadd timediff year quarter month week day hour minute second dayofweek dayname monthname last_day str_to_date isfinite \
    version database schema user current_user session_user current_database current_schema current_schemas current_setting connection_id \
    last_insert_rowid changes sqlite_version found_rows row_count unnest generate_series cardinality row_to_json inet_server_addr \
    inet_client_addr host network masklen family txid_snapshot_xmin pg_backend_pid pg_blocking_pids pg_postmaster_start_time pg_conf_load_time \
    pg_is_in_recovery pg_is_wal_replay_paused pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_current_wal_lsn \
    pg_current_wal_insert_lsn pg_wal_lsn_diff pg_walfile_name pg_database_size pg_relation_size pg_total_relation_size pg_table_size \
    pg_indexes_size pg_tablespace_size pg_column_size pg_size_pretty pg_size_bytes pg_relation_filepath pg_table_is_visible pg_encoding_to_char \
    pg_lock_status pg_options_to_table pg_tablespace_location pg_timezone_names pg_show_all_settings obj_description col_description \
    shobj_description format_type to_regclass to_regtype to_tsvector to_tsquery plainto_tsquery ts_rank similarity pragma_table_info \
    pragma_index_list pragma_table_list name_const uuid gen_random_uuid countif sumif uniq uniqexact quantile todate todatetime tostring \
    tostartofhour tostartofday tostartofminute toyyyymm formatreadablesize formatdatetime arrayjoin ";

/// Beginnings of such functions' names.
const FUNCTION_FAMILIES: &[&str] = &[
    "pg_get_",
    "pg_stat_get_",
    "json_",
    "jsonb_",
    "array_",
    "date_",
    "to_char",
    "to_date",
    "to_number",
    "to_timestamp",
    "to_json",
    "regexp_",
    "regr_",
    "has_",
    "bit_",
];

/// Whether a function is known to compute or look up only.
pub(crate) fn function_reads(name: &str) -> bool {
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    FUNCTIONS.split_whitespace().any(|known| known == name)
        || FUNCTION_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// SQLite's pragmas that report; with a name in brackets only those that take one to report on.
pub(crate) const PRAGMAS: &[&str] = &[
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "foreign_key_check",
    "integrity_check",
    "quick_check",
];

/// SQLite's pragmas that report when they are given no value.
pub(crate) const BARE_PRAGMAS: &[&str] = &[
    "database_list",
    "collation_list",
    "function_list",
    "module_list",
    "pragma_list",
    "compile_options",
    "page_count",
    "page_size",
    "freelist_count",
    "schema_version",
    "user_version",
    "application_id",
    "encoding",
    "auto_vacuum",
    "cache_size",
    "foreign_keys",
    "synchronous",
    "journal_mode",
    "busy_timeout",
    "wal_autocheckpoint",
];

/// Settings of the session alone.
pub(crate) const SESSION_SETTINGS: &[&str] = &[
    "statement_timeout",
    "lock_timeout",
    "search_path",
    "timezone",
    "time",
    "names",
    "client_encoding",
    "client_min_messages",
    "default_transaction_read_only",
    "extra_float_digits",
    "datestyle",
    "intervalstyle",
    "max_execution_time",
    "nocount",
];

/// A client's options that neither write nor load anything: short ones without and with a value, long ones.
struct Client {
    names: &'static str,
    flags: &'static str,
    values: &'static str,
    longs: &'static str,
}

const CLIENTS: &[Client] = &[
    Client {
        names: "psql",
        flags: "tAxqXwWz0lVHeabE1",
        values: "hUpdcPFRv",
        longs: "--host --port --username --dbname --command --tuples-only --no-align --expanded --quiet --no-psqlrc --no-password --set \
            --variable --pset --field-separator --record-separator --csv --html --echo-queries --echo-all --list --version --single-transaction",
    },
    Client {
        names: "mysql mariadb",
        flags: "NBstrEAvVfnqCp",
        values: "huPDeS",
        longs: "--host --user --password --port --database --execute --skip-column-names --column-names --batch --silent --raw --table --vertical \
            --protocol --socket --connect-timeout --ssl-mode --ssl --skip-ssl --default-character-set --no-auto-rehash --login-path --safe-updates --version",
    },
    Client {
        names: "clickhouse-client",
        flags: "mnEt",
        values: "qhudfF",
        longs: "--query --host --port --user --password --database --format --multiquery --secure",
    },
    Client {
        names: "cqlsh sqlcmd influx duckdb",
        flags: "WwbCN",
        values: "eQSdUPhsku",
        longs: "--execute --version --query -execute -format -precision",
    },
];

/// sqlite3's long options with one dash, and whether they are safe to be given.
const SQLITE: &str = " -readonly -header -noheader -csv -json -column -line -list -html -markdown -box -table -separator -nullvalue -bail \
    -batch -cmd -safe -ascii -quote -tabs -version -newline -echo -stats -nofollow ";

/// Whether none of a client's options writes, loads or runs anything by itself.
pub(crate) fn client_reads<'w>(name: &str, words: impl Iterator<Item = &'w str>) -> bool {
    let among = |list: &str, wanted: &str| list.split_whitespace().any(|known| known == wanted);
    let Some(client) = CLIENTS.iter().find(|client| among(client.names, name)) else {
        let sqlite = |word: &str| {
            let single = word.strip_prefix('-').filter(|rest| rest.starts_with('-')).unwrap_or(word);
            among(SQLITE, single)
        };
        return words.filter(|word| word.starts_with('-')).all(sqlite);
    };
    let mut skip = false;
    for word in words {
        if std::mem::take(&mut skip) || !word.starts_with('-') {
            continue;
        }
        if word.starts_with("--") {
            if !among(client.longs, word.split('=').next().unwrap_or(word)) {
                return false;
            }
            continue;
        }
        for (at, letter) in word.char_indices().skip(1) {
            if client.values.contains(letter) {
                skip = at + letter.len_utf8() == word.len();
                break;
            }
            // mysql's password stands in the same word.
            if letter == 'p' && client.flags.contains('p') {
                break;
            }
            if !client.flags.contains(letter) {
                return false;
            }
        }
    }
    true
}
