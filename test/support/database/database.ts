import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { inject } from 'vitest'

/** Where a server can keep its jobs. */
export const kinds = ['embedded', 'postgres'] as const
export type Kind = (typeof kinds)[number]

/** A database for one test file, as the server's environment names it. */
export interface TestDatabase {
  env: Record<string, string>
  drop: () => Promise<void>
}

/** A new folder that goes with the test run. */
export const newFolder = (name: string): Promise<string> => mkdtemp(join(inject('runFolder'), `${name}-`))

/** An embedded database that is there already, or an empty one on the PostgreSQL of the run. */
export const newDatabase = (kind: Kind): Promise<TestDatabase> => (kind === 'embedded' ? embedded() : onPostgres())

async function embedded(): Promise<TestDatabase> {
  const folder = await newFolder('data')
  await cp(inject('embeddedTemplate'), folder, { recursive: true })
  return { env: { JOBS_DATA_DIR: folder }, drop: () => rm(folder, { recursive: true, force: true }) }
}

async function onPostgres(): Promise<TestDatabase> {
  const name = `t_${randomUUID().replaceAll('-', '')}`
  const folder = await newFolder('data')
  await asOperator((sql) => sql`create database ${sql(name)}`)
  const url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).href
  return {
    env: { JOBS_DB_URL: url, JOBS_DATA_DIR: folder },
    drop: () => asOperator((sql) => sql`drop database ${sql(name)} with (force)`),
  }
}

/** Runs one statement beside all servers. */
async function asOperator(run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(inject('postgresUrl'), { max: 1, onnotice: () => {} })
  try {
    await run(sql)
  } finally {
    await sql.end()
  }
}
