import { expect, it, onTestFinished } from 'vitest'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { serveTables } from '../../support/engines/serve-tables.ts'

/** A lock on the jobs keeps the search for copies until the limit of a statement ends it. */
it('the preview of an erasure by owner says how to do without the search for copies, where that takes too long', async () => {
  const of = { version: 46 as const, schema: 'pgboss' }
  const { sql, post, jobsctl, close } = await serveTables(
    async (made) => {
      await makePgBoss({ sql: made, ...of })
      await makeQueue({ sql: made, ...of }, 'mail')
    },
    { records: 'pg-boss', env: { JOBS_STATEMENT_TIMEOUT_SECONDS: '2', JOBS_LOCK_TIMEOUT_SECONDS: '3600' } },
  )
  onTestFinished(close)
  await sql`
    insert into pgboss.job (name, state, group_id, data, completed_on) values ('mail', 'failed', 'ann', '{"to": "ann"}', now())`
  const dry = { owner_user_id: 'ann', domain: 'pgboss', dry_run: true }
  await sql.begin(async (tx) => {
    await tx`lock table pgboss.job in access exclusive mode`
    expect(await post('erase', dry)).toMatchObject({
      status: 422,
      body: {
        code: 'preview_incomplete',
        hint: expect.stringMatching(
          /^the copies of .* in the whole table: name the jobs by a value of their payload \(--payload\)/,
        ),
      },
    })
    const { code, err } = await jobsctl('erase', '--owner', 'ann', '--dry-run')
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('in place of the owner') })
  })
  expect(await post('erase', dry)).toMatchObject({ status: 200, body: { affected: 1 } })
  const { owner_user_id: _, ...others } = dry
  const byPayload = { ...others, payload: [{ path: 'to', value: 'ann' }] }
  expect(await post('erase', byPayload)).toMatchObject({ status: 200, body: { affected: 1 } })
})
