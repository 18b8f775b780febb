import postgres from 'postgres'
import { expect, it } from 'vitest'
import { newDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { readyServers } from '../../support/programs/ready-servers.ts'
import { runServer, spawnServer } from '../../support/programs/spawn-server.ts'

const key = 'key-of-the-tests'

const { running } = readyServers()

/** The name of a database as SQL. */
const quotedName = (url: string): string => `"${new URL(url).pathname.slice(1)}"`

it('a server starts without an index for which PostgreSQL has too little room, names it, and it is built later', async () => {
  const { env, drop } = await newDatabase('postgres')
  const url = env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 1 })
  try {
    await sql`drop index jobsctl_ended`
    await sql`
      insert into jobs (uuid, domain, queue, job_type, status, created_at, completed_at)
      select 'uuid ' || n, 'd', 'q', 't', 'completed', now() - n * interval '1 second', now()
      from generate_series(1, 60000) as n`
    const setting = (text: string) => sql.unsafe(`alter database ${quotedName(url)} ${text}`)
    await setting("set temp_file_limit = '64kB'")
    await setting("set maintenance_work_mem = '1MB'")
    const server = await spawnServer({ ...env, SINGLE_USER_API_KEY: key })
    running.push(server)
    await until('the index is named', () =>
      server.output.out.includes(
        'the index jobsctl_ended cannot be built: temporary file size exceeds temp_file_limit',
      ),
    )
    await until('the last word on it', () => server.output.out.includes('jobs-server indexes plan'))
    expect((await call({ url: server.url, method: 'GET', path: '/readyz' })).status).toBe(200)
    const doctor = await runJobsctl(['doctor'], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
    expect(doctor.out).toContain('jobsctl_ended')

    await setting('reset temp_file_limit')
    expect(await runServer(['indexes', 'build', 'jobsctl_ended'], env)).toMatchObject({ code: 0 })
    expect(
      await sql`select from pg_index where indexrelid = 'jobsctl_ended'::regclass and indisvalid and indisready`,
    ).toHaveLength(1)
  } finally {
    await sql.end()
    await Promise.all(running.splice(0).map((server) => server.kill()))
    await drop()
  }
})

it('a server that has no room for what it reads at its start says what to raise', async () => {
  const { env, drop } = await newDatabase('postgres')
  const url = env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 1 })
  try {
    for (const text of ["temp_file_limit = '0'", "work_mem = '64kB'"])
      await sql.unsafe(`alter database ${quotedName(url)} set ${text}`)
    const { code, err } = await runServer([], { ...env, SINGLE_USER_API_KEY: key, PORT: '0' })
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('temp_file_limit and work_mem') })
  } finally {
    await sql.end()
    await drop()
  }
})
