import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { inject } from 'vitest'
import { keepCompiled } from '../programs/compiled.ts'
import { admitPlainRole, urlOfServers } from '../run/plain-role.ts'
import { embeddedTemplate, postgresTemplate, postgresUrl } from '../run/shared.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the servers of a project keep their jobs; `vitest.config.ts` says so for each project. */
    kinds: Kind[]
  }
}

/** Where a server can keep its jobs. */
export const everyKind = ['embedded', 'postgres'] as const
export type Kind = (typeof everyKind)[number]

/**
 * Where the servers of this run keep their jobs. `npm test` runs most test files on PostgreSQL alone, and `npm run test:long` runs
 * the same files on the embedded database.
 */
export const kinds = inject('kinds')

/** A database for one test file, as the server's environment names it. */
export interface TestDatabase {
  env: Record<string, string>
  drop: () => Promise<void>
}

/** A new folder that goes with the test run. */
export const newFolder = (name: string): Promise<string> => mkdtemp(join(inject('runFolder'), `${name}-`))

/**
 * A database of its own that a server has migrated already, so that the next server is ready at once. All of them have
 * the same key for preview tokens.
 */
export const newDatabase = (kind: Kind): Promise<TestDatabase> =>
  kind === 'embedded' ? newEmbedded() : newOnPostgres(postgresTemplate())

/** A database without tables on the PostgreSQL of the run: the first server makes them. */
export const emptyDatabase = (): Promise<TestDatabase> => newOnPostgres()

async function newEmbedded(): Promise<TestDatabase> {
  const [folder, template] = await Promise.all([newFolder('data'), embeddedTemplate(), keepCompiled()])
  // The function of Node takes ten times the processor time for these thousand files.
  await promisify(execFile)('cp', ['-R', `${template}/.`, folder])
  // Tests that cut no power need no fsync, which makes each commit wait for the disk.
  return {
    env: { JOBS_DATA_DIR: folder, JOBS_EMBEDDED_FSYNC: 'false' },
    drop: () => rm(folder, { recursive: true, force: true }),
  }
}

async function newOnPostgres(copied?: Promise<string>): Promise<TestDatabase> {
  const name = `t_${randomUUID().replaceAll('-', '')}`
  const [folder, template] = await Promise.all([newFolder('data'), copied])
  await asOperator(async (sql) => {
    if (!template) return sql`create database ${sql(name)}`
    const [{ copies }] = await sql<[{ copies: boolean }]>`
      select current_setting('server_version_num')::int >= 150000 as copies`
    // PostgreSQL 13 and 14 always copy the files. Later ones log each page by default, which takes 7 of 19 ms more, and the first connection 8 ms more.
    return sql`create database ${sql(name)} template ${sql(template)} ${copies ? sql`strategy file_copy` : sql``}`
  })
  // A copy of the template has the rights of the template.
  if (!template) await inDatabase(name, admitPlainRole)
  return {
    env: { JOBS_DB_URL: urlOfServers(await postgresUrl(), name), JOBS_DATA_DIR: folder },
    drop: () => asOperator((sql) => sql`drop database ${sql(name)} with (force)`),
  }
}

/** Runs one statement beside all servers. */
const asOperator = (run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> => inDatabase('postgres', run)

/** Runs statements in a database as a superuser. */
async function inDatabase(name: string, run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const url = Object.assign(new URL(await postgresUrl()), { pathname: `/${name}` }).href
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await run(sql)
  } finally {
    await sql.end()
  }
}
