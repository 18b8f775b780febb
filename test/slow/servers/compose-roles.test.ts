import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, it } from 'vitest'
import { startPostgres } from '../../../scripts/launch/postgres.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { runServer, spawnServer } from '../../support/programs/spawn-server.ts'

it.skipIf(!existsSync('/usr/bin/psql'))(
  'the roles of compose.yaml are enough for a server that is no owner',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jobs-compose-'))
    const cluster = await startPostgres()
    const sql = postgres(cluster.url, { max: 1, onnotice: () => {} })
    try {
      await sql`create database jobs`
      for (const name of ['owner', 'app']) await writeFile(join(folder, `${name}-password`), `pass'word of ${name}`)
      const { port } = new URL(cluster.url)
      const env = { ...process.env, PGHOST: '127.0.0.1', PGPORT: port }
      const script = readFileSync('deploy/roles.sh', 'utf8').replaceAll('/run/secrets', folder)
      execFileSync('sh', ['-c', script], { env: { ...env, POSTGRES_USER: 'postgres', POSTGRES_DB: 'jobs' } })
      const urlOf = (role: string) => `postgres://${role}@127.0.0.1:${port}/jobs`
      expect(await runServer(['migrate'], { JOBS_DB_URL: urlOf('jobs_owner') })).toMatchObject({ code: 0, err: '' })
      const { out } = await runServer(['grants', '--role', 'jobs_app'], { JOBS_DB_URL: urlOf('jobs_owner') })
      execFileSync('sh', ['-c', `psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet ${urlOf('jobs_owner')}`], {
        env,
        input: out,
      })
      const key = 'key-of-the-tests'
      const server = await spawnServer({
        ...{ JOBS_DB_URL: urlOf('jobs_app'), JOBS_MIGRATE: 'false', JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: key },
      })
      try {
        await until('the server is ready', async () => {
          const { status } = await call({ url: server.url, method: 'GET', path: '/readyz' })
          return status === 200
        })
        const headers = { 'x-api-key': key, 'x-confirm': 'true' }
        const post = (path: string, body: unknown) => call({ url: server.url, method: 'POST', path, body, headers })
        const job = { domain: 'd', queue: 'q', job_type: 't', payload: {} }
        expect(await post('/api/v1/jobs', job)).toMatchObject({ status: 201 })
        expect(await post('/api/v1/jobs/prune', {})).toMatchObject({ status: 200 })
      } finally {
        await server.stop()
      }
      const roles =
        await sql`select rolname, rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname like 'jobs%' order by 1`
      const least = { rolsuper: false, rolcreatedb: false, rolcreaterole: false }
      expect([...roles]).toEqual([
        { rolname: 'jobs_app', ...least },
        { rolname: 'jobs_owner', ...least },
      ])
    } finally {
      await sql.end()
      await cluster.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
)
