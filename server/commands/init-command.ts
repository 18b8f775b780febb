import type { Command } from 'commander'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { openDatabase } from '../database/connection/open.ts'
import type { Names } from '../database/connection/qualify.ts'
import { silent, withDatabase } from '../database/with-tables.ts'
import { type Detected, detect } from '../engines/detect/detect.ts'
import { findServed } from '../engines/find-served.ts'
import { readPlans } from '../engines/mapped/plans.ts'
import { readMapFile } from '../engines/mapped/read-map.ts'
import { readAllMapped } from '../engines/mapped/read-mapped.ts'
import { reportOf } from '../engines/mapped/report.ts'
import { narrowedTo, servedBy } from '../engines/served.ts'
import { type Env, readEnv } from '../env/env.ts'
import { type CommandOutput, printOutput } from './command.ts'

/** Adds `init`, which helps to write the map of a table, and changes nothing. */
export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('help with the map of a table that somebody made: how its rows are jobs; changes nothing')
    .option('--detect', 'find the table that looks like a queue, and print a map for it')
    .option('--table <table>', 'with --detect: this table, such as app.email_jobs')
    .option('--schema <schema>', 'with --detect: only tables of this schema; several with commas')
    .option('--count', 'with --detect: count all rows by state, for at most 5 s, and not those of a sample')
    .option('--check', 'read the map against the table: what works, by which index, and which triggers fire')
    .option('--map <file>', 'the map; without it JOBS_MAP_FILE, else jobs-map.yaml in this folder')
    .addHelpText(
      'after',
      '\nExamples:\n  JOBS_DB_URL=postgres://reader@db/app jobs-server init --detect > jobs-map.yaml\n  JOBS_DB_URL=postgres://reader@db/app jobs-server init --check\n  JOBS_DB_URL=postgres://reader@db/app jobs-server init --check --map email-jobs.yaml',
    )
    .action(async (options: InitOptions) => {
      const { check = false, detect = false } = options
      if (check === detect)
        throw new Failure(
          'usage',
          check
            ? '--check and --detect are two things; nothing was read'
            : 'init needs --detect or --check; nothing was read',
          { hint: 'jobs-server init --help' },
        )
      const only = (['table', 'schema', 'count'] as const).find((name) => options[name] !== undefined)
      if (check && only) throw new Failure('usage', `--${only} is for --detect; nothing was read`)
      const env = requirePostgres(readEnv(process.env))
      if (check) return printOutput(await checkMapFile(env))
      const { lines, notes } = await detectMap(env, options)
      printOutput({ lines, warnings: [] })
      process.stderr.write(notes.map((note) => `${escaped(note)}\n`).join(''))
    })
}

interface InitOptions {
  check?: boolean
  detect?: boolean
  table?: string
  schema?: string
  count?: boolean
}

/** @throws whatever `detect` throws */
async function detectMap(env: Env, { table, schema, count = false }: InitOptions): Promise<Detected> {
  return withDatabase({
    // The statements name what they read with its schema, and no table of ours is asked for.
    opened: await openDatabase(env, silent, { find: async () => catalogOnly }),
    env,
    work: ({ sql }) => detect(sql, { table, schemas: schema?.split(','), isCounted: count }),
  })
}

const catalogOnly: Names = {
  schema: 'public',
  tables: new Set(),
  functions: new Set(),
  sources: new Map(),
  jobId: 'bigint',
}

/** @throws Failure `usage` with the line and column of what does not fit */
async function checkMapFile(env: Env): Promise<CommandOutput> {
  const file = await readMapFile(env.JOBS_MAP_FILE)
  if (!file)
    throw new Failure('usage', 'there is no map: no file jobs-map.yaml in this folder; nothing was read', {
      hint: 'JOBS_MAP_FILE, or --map, names the file',
    })
  return withDatabase({
    opened: await openDatabase(env, silent, {
      find: (sql) => findServed(sql, { ...env, JOBS_ENGINE: 'mapped' }),
    }),
    env,
    work: async ({ sql }) => {
      const served = servedBy(sql)
      if (served.mode === 'own') throw new Error('a map is served as our own jobs')
      const all = await readAllMapped(sql, file)
      const lines: string[] = []
      const warnings: string[] = []
      for (const [at, place] of served.places.entries()) {
        const mapped = all[at]
        if (!mapped) continue
        const plans = await readPlans(narrowedTo(sql, place), place)
        const report = reportOf(mapped, file.path, place.adapter, plans)
        lines.push(...(at === 0 ? [] : ['']), ...report.lines)
        warnings.push(...report.warnings)
      }
      return { lines, warnings }
    },
  })
}

/** @throws Failure `usage` for the embedded database, in which nothing is anybody else's */
function requirePostgres(env: Env): Env {
  if (env.JOBS_DB_URL) return env
  throw new Failure('usage', 'JOBS_DB_URL is not set: it names the database of the table; nothing was read', {
    hint: 'JOBS_DB_URL=postgres://reader@db/app jobs-server init --check',
  })
}
