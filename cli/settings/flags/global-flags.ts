import type { Flag } from './flag.ts'

interface GlobalFlag extends Flag {
  /** The environment variables with the same meaning. */
  variables?: string
}

/** The flag of every change, also of a change without a preview. */
export const reasonFlag: GlobalFlag = {
  flags: '--reason <text>',
  about: 'recorded with the change (default: jobsctl by <user>@<host>)',
  group: 'HOW',
}

/** The flags of every change that is previewed. */
export const guardFlags: readonly GlobalFlag[] = [
  { flags: '-n, --dry-run', about: 'print the preview and change nothing', group: 'HOW' },
  { flags: '--plan-out <file>', about: 'with --dry-run: write a plan for jobsctl apply, too', group: 'HOW' },
  { flags: '-y, --yes', about: 'apply without asking', group: 'HOW' },
  { flags: '--max <n>', about: 'change nothing if more than n jobs match', group: 'HOW', variables: 'JOBSCTL_MAX' },
  reasonFlag,
  { flags: '--rate <n>', about: 'change at most this number of jobs a second', group: 'COURSE' },
  {
    flags: '--until <time>',
    about: 'begin no batch after this time, or after 2h from now',
    group: 'COURSE',
    time: 'future',
  },
  { flags: '--detach', about: 'print the id of the operation, which goes on at the servers', group: 'COURSE' },
  { flags: '--propose', about: 'plan it for the approval of a second person; needs --reason', group: 'HOW' },
  { flags: '--emergency', about: 'go past an approval, with the right to; needs --reason', group: 'HOW' },
  { flags: '--detailed-exitcode', about: 'with --dry-run: exit 10 if a job would change', group: 'HOW' },
  { flags: '--no-preview', about: 'with --yes: for a server that cannot preview this change', group: 'HOW' },
]

/** The flags of every command. */
export const globalFlags: readonly GlobalFlag[] = [
  {
    flags: '-p, --profile <name>',
    about: 'a named target in the config file',
    group: 'WHERE',
    variables: 'JOBSCTL_PROFILE',
  },
  {
    flags: '--url <url>',
    about: 'server root (default: http://127.0.0.1:8787)',
    group: 'WHERE',
    variables: 'JOBSCTL_URL, BASE',
  },
  {
    flags: '--api-key-file <path>',
    about: 'key from a file, or - for stdin',
    group: 'WHERE',
    variables: 'JOBSCTL_API_KEY_FILE',
  },
  {
    flags: '--token-file <path>',
    about: 'bearer token from a file, or - for stdin',
    group: 'WHERE',
    variables: 'JOBSCTL_TOKEN_FILE',
  },
  { flags: '--allow-http', about: 'allow plain http to another machine', group: 'WHERE' },
  {
    flags: '-o, --output <format>',
    about: 'table, tsv, json or ndjson',
    group: 'OUTPUT',
    variables: 'JOBSCTL_OUTPUT',
    values: ['table', 'tsv', 'json', 'ndjson'],
  },
  { flags: '--json', about: 'short for --output json', group: 'OUTPUT' },
  { flags: '--tsv', about: 'short for --output tsv', group: 'OUTPUT' },
  { flags: '--ndjson', about: 'short for --output ndjson', group: 'OUTPUT' },
  { flags: '-q, --quiet', about: 'print nothing on success', group: 'OUTPUT' },
  { flags: '-v, --verbose', about: 'a line per request', group: 'OUTPUT' },
  {
    flags: '--debug',
    about: 'the whole traffic, with secrets masked',
    group: 'OUTPUT',
    variables: 'JOBSCTL_DEBUG=http',
  },
  {
    flags: '--color <when>',
    about: 'auto, always or never',
    group: 'OUTPUT',
    variables: 'NO_COLOR, FORCE_COLOR',
    values: ['auto', 'always', 'never'],
  },
  { flags: '--curl', about: 'print the call as curl and send nothing', group: 'OUTPUT' },
  {
    flags: '--timeout <duration>',
    about: 'one deadline for all calls (default: 2m; a change with progress: 2m of silence)',
    group: 'NETWORK',
    variables: 'JOBSCTL_TIMEOUT',
  },
  {
    flags: '--retries <n>',
    about: 'retries of reads and previews (default: 2)',
    group: 'NETWORK',
    variables: 'JOBSCTL_RETRIES',
  },
  { flags: '--no-input', about: 'never ask', group: 'NETWORK', variables: 'JOBSCTL_NO_INPUT=1, CI' },
]

/** Variables without a flag: every process of the machine could read a secret in a flag. */
export const secretVariables = [
  { name: 'JOBSCTL_API_KEY', about: 'the key that goes with JOBSCTL_URL' },
  { name: 'JOBSCTL_TOKEN', about: 'the bearer token that goes with JOBSCTL_URL, for multi-user servers' },
  { name: 'API_KEY', about: 'the key that goes with BASE, and with nothing else' },
] as const

/** The variables of other programs that jobsctl reads as they do. */
export const networkVariables = [
  { name: 'HTTPS_PROXY', about: 'the proxy of calls by https to other machines, as in curl' },
  { name: 'NO_PROXY', about: 'the hosts, domains and networks that are called without it' },
]
