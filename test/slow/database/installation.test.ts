import postgres from 'postgres'
import { expect, it } from 'vitest'
import { emptyDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const key = 'key-of-the-tests'

it('a database that cannot be remembered at the first start is remembered later, and doctor tells until then', async () => {
  const database = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  const log: string[] = []
  expect(await runServer(['migrate'], database.env)).toMatchObject({ code: 0 })
  // The error of a server whose connections are used up.
  await sql.unsafe(`
    create function refuse() returns trigger language plpgsql as
      $$begin raise exception 'sorry, too many clients already' using errcode = '53300'; end$$;
    create trigger refuse before insert on jobsctl_settings for each row when (new.name = 'installation') execute function refuse()`)
  const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: key }, (line) => void log.push(line))
  const doctor = () => runJobsctl(['doctor'], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
  const known = async () => {
    const answer = await call({
      url: server.url,
      method: 'GET',
      path: '/api/v1/jobs/storage',
      headers: { 'x-api-key': key },
    })
    return Object(answer.body).installation_known
  }
  try {
    await server.prepared
    await until('the server is ready', () => log.some((line) => line.includes('"ready"')))
    expect(await known()).toBe(false)
    expect((await doctor()).out).toContain('a copy is not told from it')
    await sql`drop trigger refuse on jobsctl_settings`
    await until('the database is remembered', known)
    expect(await sql`select from jobsctl_settings where name = 'installation'`).toHaveLength(1)
    expect((await doctor()).out).not.toContain('a copy is not told from it')
    const told = log.filter((line) => line.includes('a copy of this database is not told from it yet'))
    expect(told).toHaveLength(1)
  } finally {
    await server.stop()
    await sql.end()
    await database.drop()
  }
})
