import { Failure } from '../../shared/errors.ts'
import { maxReasonLength } from '../../shared/headers.ts'
import type { Io } from '../io.ts'
import { seconds } from '../text/duration.ts'
import { type BrakeSettings, readBrake } from './flags/brake.ts'

/** The global flags, as the command line gives them. */
export interface GlobalFlags {
  profile?: string
  url?: string
  db?: string
  makeRecords?: boolean
  apiKeyFile?: string
  tokenFile?: string
  allowHttp?: boolean
  /** The pattern that was given; true where the flag stands alone, and the config file names the fleet. */
  fleet?: string | true
  profileTimeout?: string
  output?: string
  json?: boolean
  ndjson?: boolean
  tsv?: boolean
  columns?: string
  template?: string
  quiet?: boolean
  verbose?: boolean
  debug?: boolean
  dryRun?: boolean
  yes?: boolean
  max?: string
  rate?: string
  until?: string
  detach?: boolean
  preview?: boolean
  planOut?: string
  detailedExitcode?: boolean
  reason?: string
  propose?: boolean
  emergency?: boolean
  timeout?: string
  retries?: string
  input?: boolean
  color?: string
  curl?: boolean
}

const outputs = ['table', 'tsv', 'json', 'ndjson'] as const
const colors = ['auto', 'always', 'never'] as const

/** The global flags and the environment, read once. */
export interface Settings {
  output: (typeof outputs)[number]
  color: (typeof colors)[number]
  /** The words of `--columns`. */
  columns: string | undefined
  /** The text of `--template`, which is the format of rows then. */
  template: string | undefined
  quiet: boolean
  verbose: boolean
  debug: boolean
  dryRun: boolean
  yes: boolean
  preview: boolean
  planOut: string | undefined
  detailedExitcode: boolean
  curl: boolean
  interactive: boolean
  max: number | undefined
  brake: BrakeSettings
  detach: boolean
  /** Plans the change for a second person in place of making it. */
  propose: boolean
  /** Goes past the approval that the change needs. */
  emergency: boolean
  reason: string
  timeoutMs: number
  /** Whether a flag or variable sets the timeout. */
  timeoutGiven: boolean
  retries: number
}

/**
 * Flags first, then `JOBSCTL_*`, then defaults.
 * @throws Failure `usage` that names the flag or variable
 */
export function readSettings(flags: GlobalFlags, io: Io): Settings {
  const { env } = io
  const given = (value: string | undefined, flag: string, variable: string) =>
    value !== undefined ? { value, from: flag } : env[variable] ? { value: env[variable], from: variable } : undefined

  const max = given(flags.max, '--max', 'JOBSCTL_MAX')
  const timeout = given(flags.timeout, '--timeout', 'JOBSCTL_TIMEOUT')
  const retries = given(flags.retries, '--retries', 'JOBSCTL_RETRIES')
  if (flags.dryRun && flags.yes) throw new Failure('usage', '--dry-run and --yes exclude each other')
  if (env.JOBSCTL_MAX?.trim() === '')
    throw new Failure('usage', 'JOBSCTL_MAX: must not be blank; unset it for no limit')
  if (flags.curl && (flags.db !== undefined || env.JOBSCTL_DB_URL)) throw noServerToCurl()
  return {
    output: outputOf(flags, io),
    ...{ columns: flags.columns, template: flags.template },
    color: oneOf(colors, flags.color ?? 'auto', '--color'),
    quiet: flags.quiet ?? false,
    verbose: flags.verbose ?? false,
    debug: (flags.debug ?? false) || env.JOBSCTL_DEBUG === 'http',
    dryRun: flags.dryRun ?? false,
    yes: flags.yes ?? false,
    preview: flags.preview ?? true,
    planOut: flags.planOut,
    detailedExitcode: flags.detailedExitcode ?? false,
    curl: flags.curl ?? false,
    interactive: mayAsk(flags, io),
    max: max && count(max.value, max.from, 1),
    brake: readBrake(flags),
    detach: flags.detach ?? false,
    propose: flags.propose ?? false,
    emergency: emergencyOf(flags),
    reason: reasonOf(flags, io),
    timeoutMs: 1000 * (timeout ? deadline(timeout.value, timeout.from) : 120),
    timeoutGiven: timeout !== undefined,
    retries: retries ? count(retries.value, retries.from, 0) : 2,
  }
}

const noServerToCurl = (): Failure =>
  new Failure('usage', '--curl prints a call to a server, and --db has none between; nothing was sent', {
    hint: 'leave --db and JOBSCTL_DB_URL out, and the call is printed for the server of $BASE',
  })

/** @throws Failure `usage` for an emergency without a reason */
function emergencyOf({ emergency = false, reason }: GlobalFlags): boolean {
  if (!emergency || reason?.trim()) return emergency
  throw new Failure('usage', '--emergency needs --reason: somebody else reviews it; nothing was changed')
}

/** The reason on one line, since it is sent as a header. */
function reasonOf(flags: GlobalFlags, { identity }: Io): string {
  const reason = flags.reason?.trim() || `jobsctl by ${identity}`
  if ([...reason].length > maxReasonLength) {
    throw new Failure('usage', `--reason: must be at most ${maxReasonLength} characters`)
  }
  return reason.replaceAll(/\p{Cc}/gu, ' ')
}

/** Whether a prompt is possible: at a terminal, not forbidden, and stdin not used for a secret. */
function mayAsk(flags: GlobalFlags, { env, interactive }: Io): boolean {
  if (isOn(env.JOBSCTL_NO_INPUT) || isOn(env.CI) || flags.input === false) return false
  return interactive && flags.apiKeyFile !== '-' && flags.tokenFile !== '-'
}

/** The longest deadline in seconds; Node's timers have a maximum of 24 days. */
const longest = 7 * 86_400

/**
 * Reads how long a command may wait for an answer.
 * @param text a duration such as `30s`
 * @returns seconds
 * @throws Failure `usage`, which names the flag, for text that is no duration and for more than 7 days
 */
export function deadline(text: string, flag: string): number {
  const limit = seconds(text, flag)
  if (limit <= longest) return limit
  throw new Failure('usage', `${flag}: must be at most 7d`)
}

const isOn = (value: string | undefined): boolean => Boolean(value) && value !== '0' && value !== 'false'

function outputOf(flags: GlobalFlags, io: Io): Settings['output'] {
  const given = [flags.output, flags.json && 'json', flags.ndjson && 'ndjson', flags.tsv && 'tsv']
  const named = given.filter((name) => typeof name === 'string')
  if (new Set(named).size > 1) throw new Failure('usage', '--output, --json, --ndjson and --tsv exclude each other')
  if (flags.template !== undefined && (flags.columns !== undefined || named[0] !== undefined))
    throw new Failure('usage', '--template excludes --columns and a format', {
      hint: 'leave them out: the template says what is printed, and how',
    })
  if (named[0] !== undefined) return oneOf(outputs, named[0], '--output')
  if (io.env.JOBSCTL_OUTPUT) return oneOf(outputs, io.env.JOBSCTL_OUTPUT, 'JOBSCTL_OUTPUT')
  return io.outTerminal ? 'table' : 'tsv'
}

function oneOf<const T extends string>(choices: readonly T[], value: string, flag: string): T {
  const found = choices.find((choice) => choice === value)
  if (found) return found
  throw new Failure('usage', `${flag}: must be one of ${choices.join(', ')}`)
}

function count(text: string, flag: string, least: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  if (value >= least && Number.isSafeInteger(value)) return value
  throw new Failure('usage', `${flag}: must be a whole number from ${least}`)
}
