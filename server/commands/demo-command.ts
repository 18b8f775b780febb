import { join } from 'node:path'
import { Failure } from '../../shared/errors.ts'
import { quoted } from '../../shared/text/shell.ts'
import { openDatabase } from '../database/connection/open.ts'
import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import { silent, withTables } from '../database/with-tables.ts'
import { hasJobs, insertDemo } from '../demo/insert-demo.ts'
import { type Env, readEnv, urlOf } from '../env/env.ts'
import { askRunningServer } from './command-socket.ts'

/**
 * Fills an empty database of the environment with sample jobs and an incident. Where a running server has the embedded database open,
 * that server does it.
 * @returns what it made, and the commands to try, as lines
 * @throws Failure `conflict` for a database that has jobs, in which nothing is changed, and for a server of an earlier version
 */
export async function demoCommand(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const env = readEnv(environment)
  const opened = await openDatabase(env, silent).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'conflict') return undefined
    throw error
  })
  if (!opened) {
    await askRunningServer(env.JOBS_DATA_DIR, { command: 'demo' })
    return nextCommands(env, 'running')
  }
  return withTables({
    opened,
    env,
    check: (schema) => refuseJobs(opened, schema),
    work: async () => {
      await insertDemo(opened.sql)
      return nextCommands(env, 'stopped')
    },
  })
}

async function refuseJobs({ sql }: OpenedDatabase, schema: string): Promise<void> {
  const [table] = await sql`
    select from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = ${schema}::text and c.relname = ${'jobs'}::text`
  if (!table) return
  const [job] = await sql`select from jobs limit 1`
  if (job) throw hasJobs()
}

const nextCommands = (env: Env, server: 'running' | 'stopped'): string[] => [
  'Made 4,000 sample jobs in the domains chatbooks, media, embeddings and reports, and an incident in the domain orders:',
  ...(server === 'running'
    ? ['customers have had no receipt for an hour. The server runs already; find out why:', '']
    : [
        'customers have had no receipt for an hour. Start the server, and find out why in another terminal:',
        '',
        '  jobs-server',
      ]),
  `  export ${secretOf(env)}`,
  ...targetOf(env),
  '',
  '  jobsctl stats --domain orders                             # 240 receipts wait',
  '  jobsctl explain orders/mail                               # why nothing runs',
  '  jobsctl resume orders/mail --reason "the deploy is over"',
  '  jobsctl workers --domain orders                           # who holds what',
  "  jobsctl reclaim --domain orders --worker 'mailer-*'        # the mailers are dead: take back what they hold",
  '  jobsctl clusters --domain orders                          # why jobs failed before',
  '  jobsctl retry --domain orders --error-code smtp --canary 5 --canary-wait 10s',
  '  jobsctl operations                                        # what was changed; jobsctl undo <id> takes it back',
]

/** The setting by which jobsctl finds the server that these variables start. The default of jobsctl needs none. */
function targetOf({ HOST, PORT }: Env): string[] {
  if (PORT === 0) return ['  export JOBSCTL_URL=...  # the URL that jobs-server prints']
  const url = urlOf(['0.0.0.0', '::'].includes(HOST) ? '127.0.0.1' : HOST, PORT)
  return url === 'http://127.0.0.1:8787' ? [] : [`  export JOBSCTL_URL=${quoted(url)}`]
}

/** The setting by which jobsctl has the secret of the server that these variables start. */
function secretOf(env: Env): string {
  if (env.AUTH_MODE === 'multi_user') return 'JOBSCTL_TOKEN="$(jobs-server token create demo --role admin)"'
  if (env.SINGLE_USER_API_KEY_FILE) return `JOBSCTL_API_KEY_FILE=${quoted(env.SINGLE_USER_API_KEY_FILE)}`
  if (env.SINGLE_USER_API_KEY) return 'JOBSCTL_API_KEY="$SINGLE_USER_API_KEY"'
  return `JOBSCTL_API_KEY_FILE=${quoted(join(env.JOBS_DATA_DIR, 'api-key'))}`
}
