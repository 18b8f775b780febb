import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../support/poll.ts'
import { paths } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { countJobs, insertJobs } from './support/rows.ts'
import { openPair, type Pair } from './support/side-by-side.ts'

besideEach(
  (old) => `a freeze beside a server of version ${old}`,
  (old) => {
    let pair: Pair
    beforeAll(async () => {
      pair = await openPair({ one: old, other: 'new' })
    })
    afterAll(() => pair?.close())

    it('refuses changes of many jobs there, too, and ends one that runs between two batches', async () => {
      const { sql, one, command } = pair
      await insertJobs(sql, { n: 4000 })
      await sql.unsafe(`
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return old; end $$;
      create trigger slow before delete on jobs for each row execute function slow()`)
      const running = one.change(paths.prune, { domain: 'chatbooks' })
      await until('a batch is done', async () => (await countJobs(sql)) < 4000)
      expect((await command('new', ['freeze', '--reason', 'old and new'])).code).toBe(0)
      const left = await countJobs(sql)
      expect(left).toBeGreaterThan(0)
      expect(await running).toMatchObject({ status: 503, body: { code: 'partial' } })
      await sql`drop trigger slow on jobs`
      const refused = await one.change(paths.prune, { domain: 'chatbooks' })
      expect(refused).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
      expect(await countJobs(sql)).toBe(left)
      expect((await command('new', ['thaw'])).code).toBe(0)
      expect(await one.change(paths.prune, { domain: 'chatbooks' })).toMatchObject({
        status: 200,
        body: { deleted: left },
      })
      expect((await one.get(paths.verify)).body).toMatchObject({ ok: true })
    })
  },
  ['0.1.0'],
)
