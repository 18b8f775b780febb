import { type Flag, flagsIn } from './flag.ts'

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
  ...flagsIn('HOW', {
    '-n, --dry-run': 'print the preview and change nothing',
    '--plan-out <file>': 'with --dry-run: write a plan for jobsctl apply, too',
    '-y, --yes': 'apply without asking',
    '--max <n>': { about: 'change nothing if more than n jobs match', variables: 'JOBSCTL_MAX' },
  }),
  reasonFlag,
  ...flagsIn('COURSE', {
    '--rate <n>': 'change at most this number of jobs a second',
    '--until <time>': { about: 'begin no batch after this time, or after 2h from now', time: 'future' },
    '--detach': 'print the id of the operation, which goes on at the servers',
  }),
  ...flagsIn('HOW', {
    '--propose': 'plan it for the approval of a second person; needs --reason',
    '--emergency': 'go past an approval, with the right to; needs --reason',
    '--detailed-exitcode': 'with --dry-run: exit 10 if a job would change',
    '--no-preview': 'with --yes: for a server that cannot preview this change',
  }),
]

/** The names of the flags of a change, without those that a command refuses. */
export const guardFlagsBut = (...refused: readonly string[]): string[] =>
  guardFlags.flatMap(({ flags }) => flags.match(/--[\w-]+/) ?? []).filter((name) => !refused.includes(name))

/** The flags of every command. */
export const globalFlags: readonly GlobalFlag[] = [
  ...flagsIn('WHERE', {
    '-p, --profile <name>': { about: 'a named target in the config file', variables: 'JOBSCTL_PROFILE' },
    '--url <url>': { about: 'server root (default: http://127.0.0.1:8787)', variables: 'JOBSCTL_URL, BASE' },
    '--db <url>': {
      about: 'a database, with no server between; a password stands in a variable alone',
      variables: 'JOBSCTL_DB_URL',
    },
    '--make-records': 'with --db: make what the first change needs beside the jobs of another engine',
    '--api-key-file <path>': { about: 'key from a file, or - for stdin', variables: 'JOBSCTL_API_KEY_FILE' },
    '--token-file <path>': { about: 'bearer token from a file, or - for stdin', variables: 'JOBSCTL_TOKEN_FILE' },
    '--allow-http': 'allow plain http to another machine',
    '--fleet [profiles]': "of reads: all profiles of these names, 'prod-*,eu' (default: fleet of the config)",
    '--profile-timeout <duration>': 'with --fleet: how long each may take (default: 2s)',
  }),
  ...flagsIn('OUTPUT', {
    '-o, --output <format>': {
      about: 'table, tsv, json or ndjson',
      variables: 'JOBSCTL_OUTPUT',
      values: ['table', 'tsv', 'json', 'ndjson'],
    },
    '--json': 'short for --output json',
    '--tsv': 'short for --output tsv',
    '--ndjson': 'short for --output ndjson',
    '--columns <names>': 'of rows these columns, separated by commas (jobsctl help output)',
    '--template <text>': "of each row a line such as '{{.id}} {{.status}}' (the same page)",
    '-q, --quiet': 'print nothing on success',
    '-v, --verbose': 'a line per request',
    '--debug': { about: 'the whole traffic, with secrets masked', variables: 'JOBSCTL_DEBUG=http' },
    '--color <when>': {
      about: 'auto, always or never',
      variables: 'NO_COLOR, FORCE_COLOR',
      values: ['auto', 'always', 'never'],
    },
    '--curl': 'print the call as curl and send nothing',
  }),
  ...flagsIn('NETWORK', {
    '--timeout <duration>': {
      about: 'one deadline for all calls (default: 2m; a change with progress: 2m of silence)',
      variables: 'JOBSCTL_TIMEOUT',
    },
    '--retries <n>': { about: 'retries of reads and previews (default: 2)', variables: 'JOBSCTL_RETRIES' },
    '--no-input': { about: 'never ask', variables: 'JOBSCTL_NO_INPUT=1, CI' },
  }),
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
