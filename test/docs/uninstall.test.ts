import postgres from 'postgres'
import { expect, it } from 'vitest'
import { newDatabase } from '../support/database/database.ts'
import { blocksOf } from '../support/docs.ts'
import { startServer } from '../support/programs/built.ts'

it('what docs/adopt/uninstall.md shows leaves the jobs, and nothing of the server that costs a write', async () => {
  const database = await newDatabase('postgres')
  const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key-of-the-tests' })
  await server.prepared.finally(server.stop)
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  try {
    await sql`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
    for (const { language, text } of blocksOf('docs/adopt/uninstall.md')) {
      if (language === 'sql') await sql.unsafe(text)
    }
    const left = await sql`
      select relname as name from pg_class where relname like 'jobsctl%'
      union all
      select proname from pg_proc where proname like 'jobsctl%'
      union all
      select tgname from pg_trigger where tgrelid = 'jobs'::regclass and not tgisinternal`
    expect([...left]).toEqual([])
    expect([...(await sql`update jobs set priority = 1 returning status`)]).toEqual([{ status: 'queued' }])
  } finally {
    await sql.end()
    await database.drop()
  }
})
