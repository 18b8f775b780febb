import { setMaxListeners } from 'node:events'
import { Failure, failures } from '../../shared/errors.ts'
import type { Exit } from '../../shared/exits.ts'
import type { CommandSpec } from '../context.ts'
import type { Io } from '../io.ts'
import { createPrinter, type Ending, type Printer } from '../output/print.ts'
import { checkSelection } from '../output/selection.ts'
import { printFailure } from '../output/tell-failure.ts'
import type { Config } from '../settings/config.ts'
import { configPath, readConfig } from '../settings/config-file.ts'
import { deadline, type GlobalFlags, readSettings } from '../settings/settings.ts'
import { askAll } from './ask-all.ts'
import { membersOf } from './members.ts'
import { type Failed, type OneRun, runOne } from './run-one.ts'
import { showLines } from './show-lines.ts'

/** How long one profile may take, where no flag says so. */
const patience = '2s'

/**
 * Runs a read against many profiles at once, and prints the rows of all as one table. Those that do not answer are named.
 * @returns how the command ended for the profiles; `partial` where some have not answered. Where none has: `auth`, `usage` or `not_found`
 * if that is the answer of all, and else `unavailable`
 * @throws Failure `usage` for flags that a fleet does not take, `not_found` where no profile matches, `interrupted`
 */
export async function runOnFleet(run: OneRun): Promise<Ending> {
  const { io, spec, values, operands } = run
  const { fleet, profileTimeout: timeout = patience, ...flags } = run.flags
  refuseContradictions(run)
  deadline(timeout, '--profile-timeout')
  await checkSelection({ ...spec, rows: withProfile(spec) }, flags, { values, operands })
  const settings = readSettings({ ...flags, timeout }, io)
  const config = await readConfig(configPath(io))
  const names = membersOf(config, typeof fleet === 'string' ? fleet : patternOf(config))
  const selects = flags.columns !== undefined || flags.template !== undefined
  const print = await createPrinter(io, { ...settings, columns: namingProfile(flags.columns) }, () => false)
  // Each profile listens to it.
  setMaxListeners(0, io.signal)
  const { columns: _columns, template: _template, json: _json, ...kept } = flags
  // One JSON document is made of the rows of all, so each profile gives its rows.
  const output = settings.output === 'json' ? 'ndjson' : settings.output
  const { sharedProcesses } = await import('../direct/start-server.ts')
  const processes = sharedProcesses()
  const ended = await askAll({
    names,
    isDatabase: (name) => config.profiles[name]?.url === undefined,
    againMs: settings.timeoutMs,
    ask: (own) =>
      runOne({ ...run, ...own, print, processes, selects, flags: { ...kept, output, profile: own.profile, timeout } }),
  }).finally(processes.end)
  const answered = ended.flatMap((result) => ('ending' in result ? [result] : []))
  // A job is at one of them.
  const isElsewhere = ({ failure: { code } }: Failed) =>
    spec.name === 'show' && code === 'not_found' && answered.length > 0
  const missing = ended.flatMap((result) => ('failure' in result && !isElsewhere(result) ? [result] : []))
  const shown = ended.filter((result) => 'ending' in result || result.printed.lines.length > 0)
  if (shown.length > 0) showLines(print, shown, selects)
  tellMissing(missing, { io, flags, print, asked: ended.length })
  return exitOf(missing, answered)
}

/** A row without its profile is of no use: an id of one database is another job in the next. */
const namingProfile = (columns: string | undefined): string | undefined =>
  columns === undefined || columns.split(',').some((name) => name.trim() === 'profile') ? columns : `profile,${columns}`

/** The columns that a command prints, and the one that tells the profile of each row. */
const withProfile =
  ({ rows }: CommandSpec): NonNullable<CommandSpec['rows']> =>
  async (operands, flags) => {
    const printed = await rows?.(operands, flags)
    return Array.isArray(printed) ? [{ title: 'profile' }, ...printed] : printed
  }

/** Flags that have no meaning for several profiles: rows that never end, rows without their profile, one call, one target. */
const refused = ['watch', 'follow', 'allPages', 'ids', 'cursor', 'forget', 'web', 'payload', 'result']

function refuseContradictions({ io, flags, spec, values, operands }: OneRun): void {
  if (!spec.fleet)
    throw new Failure('usage', `--fleet: ${spec.name} goes to one profile at a time; nothing was sent`, {
      hint: "jobsctl config profiles 'prod-*' lists them for a loop",
    })
  const one = refused.find((name) => values[name] !== undefined && !(spec.name === 'list' && name === 'payload'))
  const other = (['profile', 'url', 'db', 'apiKeyFile', 'tokenFile', 'curl', 'timeout'] as const).find(
    (name) => flags[name],
  )
  const name = one ?? other
  if (name !== undefined) {
    const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new Failure('usage', `--fleet and --${flag} exclude each other; nothing was sent`, {
      ...(name === 'timeout' && { hint: '--profile-timeout limits the time of each profile' }),
    })
  }
  const variable = (['JOBSCTL_DB_URL', 'JOBSCTL_URL'] as const).find((name) => io.env[name])
  if (variable)
    throw new Failure('usage', `--fleet and ${variable} exclude each other; nothing was sent`, {
      hint: `unset ${variable}: the profiles of the config file name their servers`,
    })
  const [word = '', more] = operands
  if (spec.name === 'show' ? /^\d+$/.test(word) : word !== '' && (word !== 'list' || more !== undefined))
    throw new Failure(
      'usage',
      `--fleet: each profile has its own ${spec.name === 'show' ? 'job ' : ''}${word}; nothing was sent`,
      {
        hint: spec.name === 'show' ? 'a uuid finds one job among all of them' : 'one profile is asked with --profile',
      },
    )
}

/** The names of the fleet in the config file. @throws Failure `usage` where it has none */
function patternOf({ fleet }: Config): string {
  if (fleet !== undefined) return fleet
  throw new Failure('usage', '--fleet: the config file names no fleet', {
    hint: "jobsctl config set fleet 'prod-*' does; and --fleet 'prod-*' needs none",
  })
}

interface Telling {
  io: Io
  flags: GlobalFlags
  print: Printer
  /** How many profiles were asked. */
  asked: number
}

/** Names each profile that gave no rows, or not all, with the reason. */
function tellMissing(missing: readonly Failed[], { io, flags, print, asked }: Telling): void {
  for (const { profile, failure } of missing) {
    const { code, message, hint, requestId, server } = failure
    // One hint is help; forty are noise that hides the names.
    const told = new Failure(code, `${profile}: ${message}`, {
      ...(missing.length === 1 && { hint }),
      requestId,
      server,
    })
    printFailure(told, io, { ...flags, profile }, [])
  }
  const without = missing.filter(({ printed }) => printed.lines.length === 0).length
  if (without > 1 && !print.structured) io.note(`${without} of ${asked} profiles gave no rows\n`)
}

/** How a command ends: doctor prints what it has found of a profile that does not answer, too. */
function exitOf(missing: readonly Failed[], answered: readonly { ending: Ending }[]): Exit {
  const all = [...missing.map(({ failure }) => failures[failure.code].exit), ...answered.map(({ ending }) => ending)]
  const [exit = 'ok', ...others] = new Set(all)
  if (others.length === 0) return exit === 'ok' || tellsOfAll.includes(exit) ? exit : 'unavailable'
  return all.includes('ok') ? 'partial' : 'unavailable'
}

/** What is said where all profiles have ended so. */
const tellsOfAll: readonly Exit[] = ['auth', 'usage', 'not_found', 'partial']
