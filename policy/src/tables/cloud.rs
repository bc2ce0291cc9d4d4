//! Infrastructure and cloud command lines.

use super::Tool;
use super::short::{A, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "terraform tofu terragrunt",
        values: "-chdir",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "plan|show|validate|version|providers|graph|output|fmt|init|get|metadata|console|test"),
            (A, "", "state list|show|pull"),
            (A, "", "workspace list|show|select"),
            (A, "", "run-all|run plan|show|validate|output|init|graph-dependencies"),
        ],
        reads: &[
            "show|validate|version|graph|output !-out",
            "providers $",
            "state list|show|pull",
            "workspace list|show",
            "fmt +-check",
        ],
    },
    Tool {
        names: "aws",
        values: "--profile --region --output --query --endpoint-url --filters --max-items --cli-input-json --ca-bundle",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (
                A,
                "",
                "* describe-*|list-*|get-*|head-*|lookup-*|search-*|scan|query|filter-*|tail|wait|ls|presign|help|batch-get-*|estimate-*|test-*|view-*|validate-*|check-*|decode-*|simulate-*",
            ),
            (A, "", "sts get-caller-identity|get-access-key-info|decode-*"),
            (C, "secret-change", "sts get-session-token|get-federation-token|assume-role*"),
            (A, "", "configure list|get|list-profiles"),
            (A, "", "s3 ls|presign"),
            (A, "", "s3 cp|sync s3://* *"),
            (C, "infrastructure-change", "s3 cp|sync s3://* s3://*"),
            (C, "delete", "s3 sync +--delete"),
        ],
        reads: &[
            "* describe-*|list-*|head-*|lookup-*|search-*|ls|help|wait|filter-*|batch-get-*|validate-* !--cli-input-json|--endpoint-url|--generate-cli-skeleton",
            "ec2|iam|rds|ecs|eks|lambda|sns|sqs|route53|cloudwatch|logs|elbv2|autoscaling|dynamodb|cloudformation|ce|kms|acm|ecr|budgets|organizations|glue|athena|secretsmanager|ssm|cloudtrail|guardduty|securityhub|events|stepfunctions|xray|backup|cloudfront|wafv2 get-* !--cli-input-json|--endpoint-url",
            "s3api get-bucket-*|get-object-acl|get-object-tagging|get-object-attributes|get-public-access-block !--cli-input-json|--endpoint-url",
            "sts get-caller-identity|get-access-key-info !--endpoint-url",
            "dynamodb query|scan !--cli-input-json|--endpoint-url",
            "logs tail !--endpoint-url",
            "configure list|get|list-profiles",
            "s3 ls",
            "+--version $",
        ],
    },
    Tool {
        names: "gcloud gsutil bq",
        values: "--project --zone --region --format --filter --limit --account --configuration",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "ls|stat|du|cat|hash|version|info|help|show|head|query|mb-no|topic"),
            (A, "", "* list|describe|get-*|read|info|lookup|ls|print-*|search-*"),
            (A, "", "* * list|describe|get-*|read|ls|get-value|search-*|tail"),
            (A, "", "* * * list|describe|get-*|read"),
            (C, "infrastructure-change", "compute ssh|scp"),
            (C, "login-keys", "auth print-access-token|login|revoke|activate-service-account"),
        ],
        reads: &[
            "ls|stat|du|version|info|help|show|head !-m",
            "* list|describe|ls|read",
            "config get-value|get",
            "* * list|describe|get-iam-policy|get-server-config|get-serial-port-output|ls",
            "* * * list|describe",
        ],
    },
    Tool {
        names: "az",
        values: "-g -n -o --resource-group --name --output --query --subscription",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "version|find|feedback"),
            (A, "", "* list|show|list-*|show-*|get-*"),
            (A, "", "* * list|show|list-*|show-*|get-*|exists|check-*"),
            (A, "", "* * * list|show|list-*|show-*|exists"),
            (A, "", "* * * * list|show"),
        ],
        reads: &["version", "* list|show|list-*", "* * list|show|list-*|exists", "* * * list|show|list-*"],
    },
    Tool {
        names: "doctl hcloud linode-cli vultr-cli scw oci ibmcloud exo civo",
        values: "--context --output -o --format --config -c --profile --region",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "version|help"),
            (A, "", "* list|ls|get|describe|show|status|info|list-*|view"),
            (A, "", "* * list|ls|get|describe|show|status|info|view"),
            (A, "", "* * * list|ls|get|describe|show"),
        ],
        reads: &[
            "version",
            "* list|ls|describe|get|show|info|view !ssh|exec|console|connect !--config|--file",
            "* * list|ls|describe|get|show|info|view !ssh|exec|console|connect !--config|--file",
        ],
    },
    Tool {
        names: "flyctl fly heroku vercel netlify wrangler railway firebase supabase cf eb serverless sls cdk pulumi sam amplify copilot",
        values: "-a -s --app --stack",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (A, "", "$ !--prod|--production|--force|-f|--yes|-y"),
            (C, "infrastructure-change", "* destroy|delete|remove|rm|restart|scale|deploy|stop|suspend"),
            (
                A,
                "",
                "version|status|list|ls|logs|whoami|info|preview|synth|diff|apps|ps|about|doctor|validate|regions|releases|help|print|package|build|local|dev|serve|start|tail|types|emulators:start|emulators:exec|watch|init",
            ),
            (A, "", "* list|ls|get|describe|show|status|info|list-*"),
            (A, "", "* * list|ls|get|describe|show|status|info"),
        ],
        reads: &[
            "version|status|list|ls|whoami|info|about|regions|releases",
            "secrets|apps|machine|machines|volumes|ips|env|domains|certs|projects|stack|functions|addons|dynos list|ls|status",
        ],
    },
    Tool {
        names: "ansible",
        values: "-i -m -a -u -e --inventory",
        otherwise: (C, "infrastructure-change"),
        rows: &[(A, "", "+--list-hosts|--version"), (A, "", "+--check|-C")],
        reads: &["+--list-hosts|--version !-e|-M|-a|-m"],
    },
    Tool {
        names: "ansible-playbook salt salt-call salt-ssh puppet chef-client knife cfn-deploy packer chef capistrano cap fab mitamae itamae pyinfra",
        values: "-i",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (A, "", "+--check|-C|--syntax-check|--list-hosts|--list-tasks|--version|--noop|--list-tags"),
            (A, "", "status|version|list|members|validate|inspect|info|catalog|fmt|lookup|help"),
            (A, "", "* list|status|read-no|show"),
        ],
        reads: &[
            "+--syntax-check|--list-hosts|--list-tasks|--version|--list-tags !-M|-e",
            "status|version|members|validate",
        ],
    },
    Tool {
        names: "consul nomad vault",
        values: "",
        otherwise: (C, "infrastructure-change"),
        rows: &[
            (
                A,
                "",
                "status|version|list|members|validate|inspect|info|catalog|fmt|lookup|help|read|monitor|ui|plan",
            ),
            (
                A,
                "",
                "* list|status|show|get|read|lookup|inspect|logs|info|validate|plan|nodes|services|datacenters|export",
            ),
            (A, "", "* * list|status|read|get|list-peers"),
        ],
        reads: &[
            "status|version|members|validate|info",
            "kv get|list|export",
            "catalog nodes|services|datacenters",
            "secrets|auth|audit|policy|token|acl|namespace|quota|volume|plugin|job|node|alloc|deployment|server|service|eval|operator|intention|config list|status|read|lookup|members|info|inspect",
        ],
    },
    Tool {
        names: "etcdctl",
        values: "--endpoints --cacert --cert --key --user --password -w --write-out",
        otherwise: (C, "database-change"),
        rows: &[
            (A, "", "get|version|endpoint"),
            (A, "", "member|alarm|user|role|lease|auth list|get|status|timetolive"),
            (A, "", "snapshot status"),
        ],
        reads: &[
            "get|version|endpoint",
            "member|alarm|user|role|lease list|get|timetolive",
            "snapshot status",
        ],
    },
    Tool {
        names: "kafka-topics kafka-topics.sh kafka-consumer-groups kafka-consumer-groups.sh kafka-configs kafka-configs.sh kafka-acls kafka-acls.sh kafka-log-dirs kafka-log-dirs.sh kafka-get-offsets kafka-get-offsets.sh kafka-broker-api-versions kafka-broker-api-versions.sh",
        values: "--bootstrap-server --topic --group --entity-type --entity-name",
        otherwise: (C, "database-change"),
        rows: &[(
            A,
            "",
            "$ +--list|--describe|--version|--topic !--delete|--create|--alter|--add|--remove|--reset-offsets|--execute|--delete-offsets",
        )],
        reads: &[
            "$ +--list|--describe|--version !--delete|--create|--alter|--add|--remove|--reset-offsets|--execute|--delete-offsets",
        ],
    },
    Tool {
        names: "rabbitmqctl rabbitmq-diagnostics",
        values: "-p -n -t --vhost --node --timeout --formatter",
        otherwise: (C, "database-change"),
        rows: &[(
            A,
            "",
            "list_*|status|cluster_status|environment|ping|version|report|check_*|memory_breakdown|listeners|alarms|server_version|help",
        )],
        reads: &[
            "list_*|status|cluster_status|environment|ping|version|report|check_*|memory_breakdown|listeners|alarms|server_version",
        ],
    },
    Tool {
        names: "ansible-inventory ansible-doc ansible-lint ansible-config",
        values: "-i",
        otherwise: (A, ""),
        rows: &[],
        reads: &["+--list|--graph|-l|--host !--output"],
    },
    Tool {
        names: "dropdb createdb dropuser createuser pg_restore pg_ctl pg_ctlcluster pg_dropcluster pg_resetwal pg_rewind vacuumdb reindexdb clusterdb initdb pg_upgrade mysqlimport mongorestore mongoimport mysql_secure_installation mysql_install_db redis-server rabbitmqadmin nodetool influxd cypher-shell",
        values: "",
        otherwise: (C, "database-change"),
        rows: &[
            (
                A,
                "",
                "status|list_queues|list_exchanges|list_users|cluster_status|ping|version|extended-status|processlist|variables|info|ring|tpstats|describecluster|tablestats|cfstats|netstats|compactionstats|gossipinfo",
            ),
            (A, "", "+--list|--describe|-l !--delete|--create|--alter"),
        ],
        reads: &[
            "status|cluster_status|ping|version|extended-status|processlist|variables|info|ring|tpstats|describecluster|tablestats|cfstats|netstats|compactionstats|gossipinfo $",
        ],
    },
    Tool {
        names: "mysqladmin mariadb-admin",
        values: "-u -h -P -S -i -c --user --host --port --socket",
        otherwise: (C, "database-change"),
        rows: &[(A, "", "status|ping|version|extended-status|processlist|variables $")],
        reads: &["status|ping|version|extended-status|processlist|variables $ !--plugin-dir|--defaults-file"],
    },
    Tool {
        names: "pg_dump pg_dumpall mysqldump mongodump mongoexport pg_basebackup",
        values: "-f -h -U -d -p -o",
        otherwise: (A, ""),
        rows: &[],
        reads: &["!-f|--file|-o|--out|--output|-r|--result-file|-T|--tab"],
    },
    Tool {
        names: "pg_isready pg_lsclusters pg_config",
        values: "-h -p",
        otherwise: (A, ""),
        rows: &[],
        reads: &[""],
    },
    Tool {
        names: "alembic rails rake flyway liquibase prisma sequelize knex dbmate goose diesel sqlx manage.py artisan drizzle-kit typeorm mikro-orm console",
        values: "-m --message --name --schema",
        otherwise: (A, ""),
        rows: &[
            (A, "", "^ migrate +--plan|--check|--list|--dry-run"),
            (A, "", "^ migrate|migration|migrations info|status|list|add|new|generate|history|show"),
            (
                C,
                "database-change",
                "push|schema:*|migration:run|migration:revert|migrate|upgrade|loaddata|createsuperuser|changepassword|*replant|*clobber|*flush*",
            ),
            (C, "database-change", "* ~reset|down|down-to|redo"),
            (C, "service-change", "install|uninstall|deploy|publish|release|deploy:*|*:deploy|release:*"),
            (
                C,
                "database-change",
                "*drop*|*reset*|*rollback*|*flush*|*clean*|*wipe*|downgrade|*fresh*|*undo*|*down*|*purge*|*migrate",
            ),
            (
                C,
                "database-change",
                "migrate:fresh|migrate:refresh|migrate:reset|migrate:rollback|migrate:install|migrate:up|migrate:deploy",
            ),
            (
                C,
                "database-change",
                "db|migrate|migration|database|schema drop|reset|deploy|push|rollback|down|redo|revert|run",
            ),
            (
                A,
                "",
                "current|history|heads|info|validate|status|showmigrations|makemigrations|routes|about|test|check",
            ),
        ],
        reads: &[],
    },
    Tool {
        names: "argocd flux istioctl linkerd velero cilium eksctl kops kubeadm k0s rancher tkn kn",
        values: "-n --namespace --context --kubeconfig --server --name --region",
        otherwise: (C, "cluster-change"),
        rows: &[
            (A, "", "$"),
            (
                A,
                "",
                "version|status|check|stats|tree|logs|events|analyze|validate|help|completion|diff|get|describe|proxy-status|ps|pc|x|experimental|diagnostics|hubble|connectivity|config",
            ),
            (
                A,
                "",
                "* list|ls|get|describe|diff|history|logs|manifests|resources|status|show|view|print|images",
            ),
            (A, "", "* * list|get|describe|logs"),
            (C, "cluster-change", "* delete|create|sync|set|rollback|apply|update|add|rm"),
        ],
        reads: &[
            "version|get|status|check $",
            "get * !--kubeconfig",
            "proxy-status|ps $ !--kubeconfig",
            "app|cluster|proj|repo|backup|restore|schedule|nodegroup list|get|describe",
        ],
    },
    Tool {
        names: "hdfs hadoop",
        values: "",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "delete",
                "dfs|fs +-rm|-rmr|-rmdir|-expunge|-truncate|-mv|-chmod|-chown|-setrep|-deleteSnapshot",
            ),
            (
                C,
                "database-change",
                "namenode|datanode|zkfc|balancer|dfsadmin|haadmin !-report|-getServiceState",
            ),
            (C, "runs-code", "jar|job"),
        ],
        reads: &["dfs|fs +-ls|-du|-df|-cat|-stat|-count|-tail !-rm|-put"],
    },
    Tool {
        names: "kcat kafkacat",
        values: "-b -t -p -o -c -f -X -G",
        otherwise: (A, ""),
        rows: &[(C, "network-send", "+-P")],
        reads: &["$ +-L|-C|-Q !-P|-F"],
    },
    Tool {
        names: "patronictl repmgr pcs crm orchestrator-client scontrol",
        values: "-c -f --config",
        otherwise: (C, "database-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "list|topology|history|show-config|version|status|show|config|ping|crm_mon"),
            (
                A,
                "",
                "cluster|node|resource|constraint|property|stonith show|status|check|config|list|event|matrix|crosscheck",
            ),
            (
                C,
                "database-change",
                "resource|node standby|move|disable|enable|cleanup|restart|stop|start|delete",
            ),
        ],
        reads: &["list|topology|history|show-config|version|status|ping $", "cluster show", "show *"],
    },
    Tool {
        names: "xtrabackup mariabackup innobackupex",
        values: "",
        otherwise: (C, "database-change"),
        rows: &[(
            A,
            "",
            "+--backup|--version|--stats|--print-param !--copy-back|--move-back|--prepare|--apply-log",
        )],
        reads: &[],
    },
    Tool {
        names: "mysqlcheck mariadb-check myisamchk aria_chk innochecksum",
        values: "-u -h -P -S",
        otherwise: (A, ""),
        rows: &[(
            C,
            "database-change",
            "+-r|--repair|--recover|-o|--optimize|--auto-repair|-f|--force|--write|--safe-recover|--fix-db-names",
        )],
        reads: &[],
    },
    Tool {
        names: "gh-ost pt-online-schema-change pt-archiver pt-kill pt-table-sync pt-slave-restart",
        values: "",
        otherwise: (A, ""),
        rows: &[(C, "database-change", "+--execute|--kill|--kill-query|--purge|--sync-to-master")],
        reads: &[],
    },
    Tool {
        names: "wp drush",
        values: "--path --url --user",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "database-change",
                "* update|delete|create|set|import|install|activate|deactivate|drop|reset|clean|add|remove|generate|spam|trash",
            ),
            (
                C,
                "database-change",
                "search-replace|sql-*|site-install|updb|cim|pmu|en|user-*|eval|eval-file|shell|cr !--dry-run",
            ),
        ],
        reads: &[
            "core|plugin|theme|user|post|option|cron|site|db list|get|status|version|size|tables",
            "status $",
        ],
    },
];
