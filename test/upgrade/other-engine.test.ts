import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../support/database/database.ts'
import { fillPgBoss, makePgBoss } from '../support/engines/pg-boss.ts'
import { startServer } from '../support/programs/built.ts'
import { startChild } from '../support/programs/child.ts'
import { environmentOf } from '../support/programs/jobsctl.ts'
import { besideEach, programsOf } from './support/old-build.ts'

besideEach(
  (old) => `jobsctl ${old} at a server over pg-boss`,
  (old) => {
    let database: TestDatabase
    let sql: postgres.Sql
    let server: Awaited<ReturnType<typeof startServer>>
    beforeAll(async () => {
      database = await emptyDatabase()
      sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
      await makePgBoss({ sql, version: 46 })
      await fillPgBoss({ sql, version: 46 })
      server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
      await server.prepared
    })
    afterAll(async () => {
      await server.stop()
      await sql.end()
      await database.drop()
    })

    const run = async (...argv: string[]) => {
      const { jobsctl } = await programsOf(old)
      const env = await environmentOf({ JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' })
      return startChild([jobsctl, ...argv], { env }).ended
    }

    it('is refused with a plain error where jobs have ids, and changes nothing', async () => {
      const before = await sql`select * from pgboss.job order by name, id`
      for (const argv of [
        ['prune', '--domain', 'pgboss', '--older-than', '1d', '--yes'],
        ['sweep', '--domain', 'pgboss', '--age', '1h', '--yes'],
        ['undo', '1', '--yes'],
        ['events', '--limit', '1'],
      ]) {
        const { code, err } = await run(...argv)
        expect([argv[0], code, err]).toEqual([argv[0], 2, expect.stringContaining('have texts as ids')])
        expect(err).toContain('nothing was changed')
        expect(err).toContain('install jobsctl 0.3.0 or later')
      }
      expect(await sql`select * from pgboss.job order by name, id`).toEqual(before)
    })

    it('still counts jobs', async () => {
      expect(await run('stats')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('pgboss\t') })
    })
  },
)
