import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { until } from '../poll.ts'
import { startBuilt } from '../programs/dist.ts'
import { admitPlainRole, urlOfServers } from './plain-role.ts'

/** The first start makes the database, which takes seconds: later servers start on a copy of it. */
export async function makeEmbeddedTemplate(folder: string): Promise<string> {
  const server = await startBuilt({ JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: 'template' })
  await server.prepared
  await forgetInstallation(server)
  await server.stop()
  await rm(join(folder, 'control.sock'), { force: true })
  return folder
}

/** The copies of a template are no clones for their servers. */
const forgetInstallation = ({ sql }: Awaited<ReturnType<typeof startBuilt>>) =>
  sql`delete from jobsctl_settings where name = 'installation'`

interface PostgresTemplate {
  /** Of the PostgreSQL, with a database to connect to. */
  url: string
  /** For the new database. */
  name: string
  folder: string
}

/** Makes a database, has a server migrate it, and waits until the server keeps its counts. */
export async function makePostgresTemplate({ url, name, folder }: PostgresTemplate): Promise<string> {
  const operator = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await operator`create database ${operator(name)}`
    const inside = postgres(Object.assign(new URL(url), { pathname: `/${name}` }).href, { max: 1 })
    await admitPlainRole(inside).finally(() => inside.end())
    const server = await startBuilt({
      JOBS_DB_URL: urlOfServers(url, name),
      JOBS_DATA_DIR: folder,
      SINGLE_USER_API_KEY: 'template',
    })
    await server.prepared
    await until('the counts are kept', async () => {
      const [counts] = await server.sql`select from jobsctl_counting where triggers is not null`
      return counts !== undefined
    })
    await forgetInstallation(server)
    await server.stop()
    // A session in the template would keep PostgreSQL from copying it.
    await operator`alter database ${operator(name)} with allow_connections false`
    return name
  } finally {
    await operator.end()
  }
}
