import { exits } from '../../../shared/exits.ts'
import { filterFlags } from '../../settings/flags/filter-flags.ts'
import type { Flag } from '../../settings/flags/flag.ts'
import { globalFlags, guardFlags, networkVariables, secretVariables } from '../../settings/flags/global-flags.ts'
import { scopeFlags } from '../../settings/flags/scope-flags.ts'
import { stops, type Way, waysOut } from './which.ts'

/** Two aligned columns. */
export function aligned(rows: readonly (readonly [string, string])[], indent = 2): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${' '.repeat(indent)}${left.padEnd(width)}  ${right}`.trimEnd()).join('\n')
}

/** Flags under their headings. */
export function flagGroups(flags: readonly Flag[]): string {
  const groups = [...new Set(flags.map(({ group }) => group))]
  return groups
    .map((group) => {
      const rows = flags.filter((flag) => flag.group === group).map(({ flags, about }) => [flags, about] as const)
      return `${group}\n${aligned(rows)}`
    })
    .join('\n\n')
}

const exitCodes = () => `Exit codes are an API. Treat any code you do not know as a failure.

${aligned(Object.values(exits).map(({ code, name, when }) => [String(code), `${name.padEnd(14)} ${when}`] as const))}
`

const flags = () => `These flags stand before or after any command.

${flagGroups(globalFlags)}

Every bulk change takes these flags; pause, resume and drain act at once and take --reason alone:

${flagGroups(guardFlags)}
`

const filter =
  () => `The flags of the filter are the same for list and for every change that takes a filter. Each narrows the
jobs further, so what list shows is what a change takes, as far as the change takes jobs of their state.

${flagGroups([...scopeFlags, ...filterFlags])}

A change needs ids, or at least one of these flags beside --status, or --all for every domain.
`

const times = () => `Every flag of a time takes the same words, and so do the fields of the dashboard:

${aligned([
  ['2h', '2 h ago; with --at, --hold and the --until of a change or a hold, 2 h from now'],
  ['90, 45s, 15m, 30d, 1w', 'seconds, minutes, days, weeks; a number alone is seconds'],
  ['2026-01-31', 'a day: its beginning in UTC'],
  ['2026-01-31T12:00:00Z', 'a time of ISO 8601 with its zone, such as Z or +01:00'],
  ['"2026-01-31 12:00 UTC"', 'the same with a blank, as times are printed for people'],
  ['03:12', 'the latest 03:12 that is past, in the zone of TZ or of the terminal; for times in the past'],
  ['03:12Z, 03:12+01:00', 'the same with its zone, which a pipe without TZ needs'],
  ['"mark:deploy 4711"', 'the newest mark with this text (jobsctl mark); for times in the past'],
])}

A command reads them once, so that its calls, its preview and its change mean the same jobs.
`

const environment = () => `Precedence: flag, JOBSCTL_*, profile, BASE and API_KEY, default. A profile named by
--profile counts as a flag.

${aligned([
  ...[...globalFlags, ...guardFlags].flatMap(({ flags, variables }) =>
    variables ? [[variables, `as ${flags.replace(/^-\w, /, '')}`] as const] : [],
  ),
  ...[...secretVariables, ...networkVariables].map(({ name, about }) => [name, about] as const),
  ['XDG_CONFIG_HOME', 'the folder of jobsctl/config.json (default: ~/.config)'] as const,
  ['XDG_CACHE_HOME', 'the folder of jobsctl/engines.json (default: ~/.cache)'] as const,
])}

JOBSCTL_DB_URL may have a password, and --db may not: other users of the machine see it. --db env:NAME
reads a variable, such as DATABASE_URL, which is never used by itself.

A key goes to the URL that it belongs to, and to no other: JOBSCTL_API_KEY to JOBSCTL_URL
where it is set, API_KEY to BASE, a profile's key to the profile's URL.
`

const config = () => `The config file holds named targets (profiles). jobsctl config path prints its path.

  {
    "default": "staging",
    "fleet": "prod*,orders",
    "profiles": {
      "staging": { "url": "http://127.0.0.1:8787", "api_key_file": "/etc/jobs/staging.key" },
      "prod": {
        "url": "https://jobs.example.com",
        "api_key_command": ["pass", "jobs/prod"],
        "protected": true,
        "max": 50000
      },
      "orders": { "db": "service=orders" }
    }
  }

A key comes from api_key_file, api_key_command, token_file or token_command. Only its owner may
have the right to read the file. A command is an argv array, runs without a shell for at most 5 s,
and runs only if nobody else can write the config file.
In place of url a profile may name a database, with no server between: db without a password,
db_file, which only its owner may read, or db_command, both of a URL that may have one.
protected: a change needs --profile and a max, and the prompt asks for the profile's name.
max: a change of more jobs than this is refused; --max and JOBSCTL_MAX take precedence.
fleet: the profiles that --fleet asks where it has no value; * stands for any text.
`

const output = () => `At a terminal rows are a table; in a pipe they are TSV without a header: nothing is cut, and times
are ISO 8601 in UTC with milliseconds. Cells are as users wrote them: one that begins with = + - @ is
a formula to a spreadsheet, so import TSV as text.
--json gives the API's answer for a read, and {operation, dry_run, affected, ...} for a change,
{operation, domain, queue, ...} for a change without a preview. Where the server sends them, a
change adds operation_ids, batches, elapsed_ms, skipped and skipped_locked, and a dry run adds
preview. New versions only add columns and fields, at the end.

--columns takes columns by name, for every command that prints rows, in each format: of JSON these
fields alone. An unknown name is exit 2, and the error lists the names.
--template writes a line for each row, '{{.id}} {{.status}}', whatever the output is:
  {{.name}}          a column, or a field of --json; what is not there is empty
  {{.name.part.0}}   a part of it: names of fields, and numbers of items from 0
  {{.name."a b"}}    a name with blanks, dots or braces, as text of JSON
  {{.}}              the whole row as JSON
  {{"text"}}         a text of JSON; outside of braces \\n, \\t and \\\\ are a new line, a tab, a backslash
Lists and objects are JSON. As in TSV, a tab or a new line in a value is a blank, and what a terminal
would act on is escaped. A template that does not end with a new line gets one.

stdout is data; previews, prompts, errors and hints are on stderr. With --json an error is
{"error": {"code", "detail", "hint", "exit", "request_id"}} on stderr.
A long change shows its progress on stderr: a bar at a terminal, elsewhere a line every 10 s;
--quiet shows none. A change that matches no job prints nothing in a pipe and exits 0.
`

const cron = () => `Off a terminal a change needs --yes; without --yes, the preview is on stderr and the exit code is 3.

  15 3 * * *    jobsctl prune --profile prod --domain chatbooks --older-than 30d --max 50000 --yes
  */10 * * * *  jobsctl integrity --profile prod --all --detailed-exitcode -q || notify "jobs integrity: $?"

Reads and previews are retried; a change is sent once. See also: jobsctl help exit-codes

One person can preview a change and write a plan, and another can apply the plan later:

  jobsctl prune --profile prod --domain chatbooks --dry-run --plan-out plan.json
  jobsctl apply plan.json --profile prod --max 50000 --yes

Ctrl-C and SIGTERM end a change after its running batch; finished batches stay, and their count is
printed. jobsctl operations lists the changes, and jobsctl undo <operation> undoes one.
`

const which = () => `Which stop, the weakest first:

${ways(stops)}

Which way out, by what a job is in:

${ways(waysOut)}

stats, list, explain and clusters only look. A change is undone by its number: jobsctl operations lists them.
`

const ways = (rows: readonly Way[]): string =>
  rows.map(({ when, command, does, back }) => `  ${when}:\n    ${command}: ${does} (back: ${back})`).join('\n')

/** Texts for `jobsctl help <topic>`. */
export const topics: Record<string, () => string> = {
  'exit-codes': exitCodes,
  flags,
  filter,
  times,
  environment,
  config,
  output,
  cron,
  which,
}

/** The names of all topics; the page of the commands is made from the commands themselves. */
export const topicNames: readonly string[] = ['commands', ...Object.keys(topics)]

/** The text of a topic; undefined for a word that is no topic. */
export const topicOn = (name: string | undefined): string | undefined =>
  name !== undefined && Object.hasOwn(topics, name) ? topics[name]?.() : undefined
