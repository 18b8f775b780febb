import { isIP } from 'node:net'
import { closest, distance } from 'fastest-levenshtein'
import * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import { readSwitch } from '../../shared/switch.ts'
import { logLevels } from '../log/log.ts'
import { isAddressList } from './address-list.ts'
import { agentFieldsFault } from './agent-fields.ts'
import { conninfoFault } from './conninfo-target.ts'
import { EngineDomains, EngineList } from './engines.ts'
import { isIssuer, isPublicUrl } from './public-url.ts'
import { readRoleMap } from './role-map.ts'
import { withSecretFiles } from './secret-files.ts'

/** The parts of payloads of `JOBS_VIEWER_FIELDS`: paths such as `customer.id`, separated by commas. */
export const viewerPathsOf = (text: string): string[][] =>
  text
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '')
    .map((path) => path.split('.'))

const isPathList = (text: string): boolean => viewerPathsOf(text).every((path) => path.every((name) => name !== ''))

const numberFrom = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be from ${least} to ${most}`)

const number = (least: number, most: number, preset: number) => numberFrom(least, most).default(preset)

/** A switch: `1 true yes y on` or `0 false no n off`, in any case. */
const flag = z
  .string()
  .transform((text) => readSwitch(text))
  .refine((value) => value !== undefined, 'must be true or false')
  .transform((value) => value === true)

/** A connection string, as psql takes it. */
const conninfo = z.string().superRefine((text, context) => {
  const message = conninfoFault(text)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

/** Every environment variable that the server reads. docs/reference/environment.md is generated from it. */
export const Env = z.object({
  HOST: z.string().default('127.0.0.1').describe('address on which the server listens'),
  PORT: number(0, 65535, 8787).describe('port on which the server listens; 0 means any free port'),
  JOBS_DB_URL: conninfo
    .optional()
    .describe(
      'PostgreSQL server, as psql takes it: a URL, or key words such as host=/run/postgresql dbname=jobs; unset means the embedded database',
    ),
  JOBS_DB_URL_FILE: z.string().optional().describe('file with the URL of the PostgreSQL server, which has a password'),
  JOBS_DB_READ_URL: conninfo
    .optional()
    .describe('PostgreSQL: a streaming replica of JOBS_DB_URL, for reads that may be a few seconds old; one host'),
  JOBS_DB_READ_URL_FILE: z.string().optional().describe('file with the URL of the replica, which has a password'),
  JOBS_READ_LAG: number(1, 3600, 5).describe(
    'PostgreSQL: a replica that lags by more seconds answers no reads, and the primary does',
  ),
  JOBS_DATA_DIR: z
    .string()
    .default('./jobs-data')
    .describe('folder of the embedded database and of the API key that the server makes'),
  JOBS_EMBEDDED_FSYNC: flag
    .default(true)
    .describe('embedded database: wait for the disk at each commit, so that a power cut loses nothing'),
  AUTH_MODE: z
    .enum(['single_user', 'multi_user'], 'must be single_user or multi_user')
    .default('single_user')
    .describe('one API key, or bearer tokens'),
  SINGLE_USER_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional()
    .describe('the API key of single-user mode; unset means one in the data folder'),
  SINGLE_USER_API_KEY_FILE: z.string().optional().describe('file with the API key, in place of SINGLE_USER_API_KEY'),
  SINGLE_USER_API_KEY_PREVIOUS: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional()
    .describe('the previous API key, which is taken, too, until it is removed here'),
  SINGLE_USER_API_KEY_PREVIOUS_FILE: z.string().optional().describe('file with the previous API key'),
  JOBS_ALLOW_SHORT_KEY: flag
    .default(false)
    .describe(
      'take an API key, or a token for metrics, of fewer than 16 characters although the server listens beyond this machine',
    ),
  JOBS_TRUSTED_PROXIES: z
    .string()
    .refine(isAddressList, 'must be addresses or networks, such as 10.0.0.0/8, separated by commas')
    .default('')
    .describe('proxies whose X-Forwarded-For is believed when wrong credentials are counted'),
  JOBS_PUBLIC_URL: z
    .string()
    .refine(isPublicUrl, 'must be the https URL by which browsers reach the server, such as https://ops.example/jobs')
    .optional()
    .describe('URL by which browsers reach the server; its path is the base path. Unset: logins on this machine alone'),
  JOBS_OIDC_ISSUER: z
    .string()
    .refine(isIssuer, 'must be the https URL of the provider')
    .optional()
    .describe('single sign-on: the provider, exactly as its tokens name it'),
  JOBS_OIDC_AUDIENCE: z
    .string()
    .optional()
    .describe(
      'single sign-on: audience of tokens with which programs call; unset means that programs call with tokens of jobs-server alone',
    ),
  JOBS_OIDC_CLIENT_ID: z.string().optional().describe('single sign-on: client with which browsers log in'),
  JOBS_OIDC_CLIENT_SECRET_FILE: z.string().optional().describe('single sign-on: file with the secret of the client'),
  JOBS_OIDC_ROLES: z
    .string()
    .max(100_000, 'must be at most 100000 characters')
    .refine(
      (text) => readRoleMap(text) !== undefined,
      'must be JSON such as [{"claim": "groups", "value": "ops", "role": "operator"}]',
    )
    .optional()
    .describe('single sign-on: roles by claims, as JSON; the first entry that fits decides'),
  JOBS_UI: z
    .enum(['on', 'read', 'off'], 'must be on, read or off')
    .default('on')
    .describe('the dashboard: on, off, or read, in which nobody changes anything'),
  JOBS_FLEET_FILE: z
    .string()
    .optional()
    .describe(
      'file with other servers, which the dashboard links to with their counts: name, url and token_file of each',
    ),
  JOBS_DB_SCHEMA: z
    .string()
    .regex(/^[^\p{Cc}]{1,63}$/u, 'must be the name of a schema, without quotes')
    .optional()
    .describe('PostgreSQL: schema of the tables; needed only where several schemas have a table of jobs'),
  JOBS_ENGINE: EngineList.default('auto').describe(
    'PostgreSQL: whose jobs are served. auto: our own where there are any, else those of the table of a map, else those of all engines that are found; own makes tables beside another engine; own,pg-boss serves both. As --engine',
  ),
  JOBS_ENGINE_SCHEMA: z
    .string()
    .optional()
    .describe('PostgreSQL: schemas of the other engine, separated by commas; unset means all in which it is found'),
  JOBS_ENGINE_DOMAIN: EngineDomains.optional().describe(
    'PostgreSQL: domains of schemas of other engines, such as pgboss:queue2, separated by commas; unset means the name of the schema',
  ),
  JOBS_MAP_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'PostgreSQL: file that says how the rows of a table are jobs; unset means jobs-map.yaml in the folder of the server, where it is there. As --map',
    ),
  JOBS_DB_POOL: number(2, 100, 4).describe('PostgreSQL: largest number of connections for calls of workers'),
  JOBS_DB_OPERATOR_POOL: number(2, 100, 2).describe(
    'PostgreSQL: further connections for reads, events, acts of operators and changes of many jobs, so that workers never wait behind them',
  ),
  JOBS_DB_POOLER: flag
    .default(false)
    .describe('PostgreSQL: JOBS_DB_URL is a pooler in transaction mode, so the server sets nothing per session'),
  JOBS_MIGRATE: flag
    .optional()
    .describe(
      'make tables, indexes and triggers that are missing; off: their owner makes them with jobs-server migrate. Unset it is on; beside the jobs of another engine it is off unless it is set, and brings records that are there up to date',
    ),
  JOBS_INDEXES: z
    .enum(['auto', 'manual'], 'must be auto or manual')
    .default('auto')
    .describe(
      'auto: the server builds missing indexes of tables below 10 GB; manual: of empty tables alone. jobs-server indexes builds the others',
    ),
  JOBS_STATEMENT_TIMEOUT_SECONDS: number(1, 86_400, 60).describe('PostgreSQL: longest statement'),
  JOBS_LOCK_TIMEOUT_SECONDS: number(1, 86_400, 5).describe(
    'PostgreSQL: longest wait for a row that another transaction has locked',
  ),
  JOBS_MAX_BODY_BYTES: number(1024, 1_073_741_824, 1_048_576).describe(
    'largest request body in bytes, without the payloads and results in it',
  ),
  JOBS_MAX_JSON_BYTES: number(1024, 1_073_741_824, 1_048_576).describe(
    'largest payload and largest result of a job, in bytes',
  ),
  JOBS_LEASE_MAX_SECONDS: number(1, 86_400, 3600).describe('longest lease that a worker may ask for, in seconds'),
  JOBS_REQUIRE_COMPLETION_TOKEN: flag
    .default(false)
    .describe('refuse to finish a job without a completion_token, so that every finish can be repeated safely'),
  JOBS_QUARANTINE_THRESHOLD: number(1, 1000, 3).describe(
    'number of equal failures in a row after which a job is quarantined, where neither the job nor its queue says another',
  ),
  JOBS_ARCHIVE_BEFORE_DELETE: flag
    .default(true)
    .describe('a prune moves its jobs to jobs_archive, so that it can be undone'),
  JOBS_ARCHIVE_DAYS: number(1, 3650, 7).describe('number of days for which a change can be undone'),
  JOBS_ARCHIVE_MAX_BYTES: numberFrom(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('a prune that makes jobs_archive larger than this number of bytes waits; unset means no limit'),
  JOBS_CHANGE_MAX_LAG: number(0, 86_400, 10).describe(
    'PostgreSQL: a change of many jobs waits between two batches while a replica lags by more seconds; 0 means no limit',
  ),
  JOBS_CHANGE_MAX_WAL: number(0, Number.MAX_SAFE_INTEGER, 10_000_000_000).describe(
    'PostgreSQL: the same while a replication slot keeps more bytes of WAL; 0 means no limit',
  ),
  JOBS_APPROVAL_ABOVE: numberFrom(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'a change of more jobs needs the approval of another principal; only lowers what the database has. Needs AUTH_MODE=multi_user',
    ),
  JOBS_PLAN_HOURS: number(1, 168, 72).describe('number of hours for which a plan waits to be approved and applied'),
  JOBS_EVENTS_DAYS: numberFrom(1, 36_500)
    .optional()
    .describe('number of days for which the steps of jobs stay in the event log; unset means what the database has'),
  JOBS_AUDIT_DAYS: numberFrom(1, 36_500)
    .optional()
    .describe('number of days for which what operators did stays in the event log; unset means what the database has'),
  JOBS_HISTORY: flag
    .optional()
    .describe('keep what became of jobs by the minute and the hour; unset means what the database has'),
  JOBS_REDACT_KEYS: z
    .string()
    .max(10_000, 'must be at most 10000 characters')
    .default('password,passwd,passphrase,secret,token,api_key,access_key,private_key,authorization,credential,cookie')
    .describe(
      'names whose values are masked for tokens with a role, and where a caller asks for it, separated by commas',
    ),
  JOBS_VIEWER_FIELDS: z
    .string()
    .max(10_000, 'must be at most 10000 characters')
    .refine(isPathList, 'must be paths such as customer.id, separated by commas')
    .default('')
    .describe(
      'parts of payloads that tokens of the role viewer see and may filter by, such as customer.id, separated by commas',
    ),
  JOBS_AGENT_FIELDS: z
    .string()
    .max(10_000, 'must be at most 10000 characters')
    .superRefine((text, context) => {
      const message = agentFieldsFault(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .default('')
    .describe(
      'fields that agents get in full beside those of jobs-server agents --fields, such as owner_user_id, separated by commas; payloads and secrets are never given',
    ),
  JOBS_EDIT_PATHS: z
    .string()
    .max(10_000, 'must be at most 10000 characters')
    .refine(isPathList, 'must be paths such as payload.url or priority, separated by commas')
    .default('')
    .describe(
      'what an edit may set and unset: paths such as payload.url, which includes what lies below, and fields such as priority, separated by commas; unset means any',
    ),
  JOBS_BACKGROUND: flag
    .default(true)
    .describe(
      'do what is done now and then: delete what is over its term, go on with changes of other servers, keep counts',
    ),
  JOBS_METRICS: flag
    .optional()
    .describe('serve /metrics and /metrics/jobs for Prometheus; unset means on where JOBS_METRICS_TOKEN is set'),
  JOBS_METRICS_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional()
    .describe('a bearer token that may read the metrics and nothing else'),
  JOBS_METRICS_TOKEN_FILE: z.string().optional().describe('file with the token for metrics'),
  JOBS_INSTANCE: z
    .string()
    .regex(/^[^\p{Cc}]{1,64}$/u, 'must have 1 to 64 characters')
    .optional()
    .describe(
      'name of this installation, such as production: a copy of its database under another name is told from it',
    ),
  JOBS_LOG_LEVEL: z
    .enum(logLevels, `must be ${logLevels.join(', ')}`)
    .default('info')
    .describe(
      'least urgent lines of the log: info has each request, warn what the operator should look at, error what failed',
    ),
  JOBS_DRAIN_SECONDS: number(0, 3600, 0).describe(
    'how long the server goes on serving after SIGTERM while /readyz is 503, in seconds, so that a balancer stops sending it calls first',
  ),
  JOBS_SHUTDOWN_SECONDS: number(0, 3600, 30).describe('how long running requests may take after SIGTERM, in seconds'),
})
export type Env = z.output<typeof Env>

/** Nobody reaches the server from beyond its machine. */
export const isLocal = ({ HOST }: Pick<Env, 'HOST'>): boolean =>
  HOST === 'localhost' || HOST === '::1' || HOST.startsWith('127.')

/** The URL of a server that listens on this host and port. */
export const urlOf = (host: string, port: number): string => `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`

/** Whether the server collects metrics and serves them. */
export const hasMetrics = ({ JOBS_METRICS, JOBS_METRICS_TOKEN }: Env): boolean =>
  JOBS_METRICS ?? JOBS_METRICS_TOKEN !== undefined

const names = Object.keys(Env.shape)

/**
 * Reads the server's settings from the environment; a blank variable counts as unset.
 * @throws Failure `usage` that names every fault, and repeats no value since a value may be secret
 */
export function readEnv(environment: NodeJS.ProcessEnv): Env {
  const given = Object.entries(environment).filter(([name, value]) => names.includes(name) && value?.trim())
  const { variables, faults: ofFiles } = withSecretFiles(
    Object.fromEntries(given.map(([name, value]) => [name, value?.trim()])),
  )
  const read = Env.safeParse(variables)
  if (read.success && ofFiles.length === 0) return requirePrimary(requireApprovers(read.data))

  const issues = read.error?.issues ?? []
  const faults = [...ofFiles, ...issues.map(({ path, message }) => `${path.join('.')}: ${message}`)]
  throw new Failure('usage', `the environment has errors\n  ${faults.join('\n  ')}`, {
    hint: 'jobs-server --help lists the variables',
  })
}

/** @throws Failure `usage` for an approval that nobody could give */
function requireApprovers(env: Env): Env {
  if (env.JOBS_APPROVAL_ABOVE === undefined || env.AUTH_MODE === 'multi_user') return env
  throw new Failure('usage', 'JOBS_APPROVAL_ABOVE needs AUTH_MODE=multi_user', {
    hint: 'in single-user mode there is one caller, who cannot approve its own changes: unset JOBS_APPROVAL_ABOVE',
  })
}

/** @throws Failure `usage` for a setting that an embedded database has no use for: it has no replica, and jobs of its own alone */
function requirePrimary(env: Env): Env {
  if (env.JOBS_DB_URL !== undefined) return env
  if (env.JOBS_DB_READ_URL !== undefined)
    throw new Failure('usage', 'JOBS_DB_READ_URL needs JOBS_DB_URL; nothing was started', {
      hint: 'JOBS_DB_URL names the primary; a server whose only database is a replica has the replica there',
    })
  const wanted = settingOfEngine(env)
  if (wanted === undefined) return env
  throw new Failure('usage', `${wanted} needs JOBS_DB_URL, which is not set; nothing was started or made`, {
    hint: 'JOBS_DB_URL names the PostgreSQL database with those jobs; an embedded database has jobs of its own alone',
  })
}

/** The setting that asks for jobs of another engine, as somebody wrote it. */
function settingOfEngine({ JOBS_ENGINE, JOBS_MAP_FILE }: Env): string | undefined {
  if (JOBS_ENGINE !== 'auto' && JOBS_ENGINE !== 'own') return `JOBS_ENGINE=${JOBS_ENGINE}`
  return JOBS_MAP_FILE === undefined ? undefined : 'JOBS_MAP_FILE'
}

/** A sentence for each variable `JOBS_*` that the server does not know: the name may be mistyped. */
export function warningsOf(environment: NodeJS.ProcessEnv): string[] {
  const unknown = Object.keys(environment).filter((name) => name.startsWith('JOBS_') && !names.includes(name))
  return unknown.map((name) => {
    const nearest = closest(name, names)
    const suggestion = distance(name, nearest) <= name.length / 3 ? `; did you mean ${nearest}?` : ''
    return `${name} is not a setting of this server and was ignored${suggestion}`
  })
}
