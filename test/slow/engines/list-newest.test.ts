import { expect, it, onTestFinished } from 'vitest'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { serveTables } from '../../support/engines/serve-tables.ts'

const jobs = 50_100
const ofAnn = 1500

it('says after the last page that a list by priority has only the 50,000 newest jobs of an engine', async () => {
  const served = await serveTables(async (sql) => {
    await makePgBoss({ sql, version: 46 })
    await makeQueue({ sql, version: 46 }, 'mail')
    await sql`
      insert into pgboss.job (name, created_on, group_id)
      select 'mail', now() - n * interval '1 s', case when n <= ${ofAnn} then 'ann' end
      from generate_series(1, ${jobs}::int) as n`
  })
  onTestFinished(() => served.close())
  const list = async (...flags: string[]) => {
    const { code, out, err } = await served.jobsctl('list', '--all-pages', '--ids', '--owner', 'ann', ...flags)
    return { code, err, ids: new Set(out.split('\n').filter(Boolean)).size }
  }
  const byPriority = await list('--sort', 'priority')
  expect(byPriority).toMatchObject({ code: 7, ids: ofAnn })
  expect(byPriority.err).toContain('older ones are missing')
  // More pages would not help.
  const { code, err } = await served.jobsctl('list', '--ids', '--limit', '5', '--sort', 'priority')
  expect({ code, err }).toEqual({
    code: 0,
    err: 'note: by priority or status the server sorts only the 50,000 that were made last, and older ones are missing; sort by created_at, which has all pages, or narrow the list with --domain, --queue or --status\n',
  })
  expect(await list('--sort', 'created_at')).toEqual({ code: 0, ids: ofAnn, err: expect.any(String) })
}, 120_000)
