import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll, previewOf, prune } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('a prune beside foreign keys that forbid it on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.sql`drop table if exists orders, invoices`
    await clearAll(world)
    await world.sql.unsafe(`
      create table orders (job_id bigint references jobs (id) on delete restrict);
      create table invoices (job_uuid text references jobs (uuid))`)
  })

  const passing = { ...prune.body, pass_over_foreign: true }
  const refer = async () => {
    const [kept = 0, other = 0, ...rest] = await world.jobs(6)
    await world.sql`insert into orders (job_id) values (${kept}::bigint), (null)`
    await world.sql`insert into invoices (job_uuid) select uuid from jobs where id = ${other}::bigint`
    return { kept, other, rest }
  }
  const left = async () => (await world.sql<{ id: number }[]>`select id::int from jobs order by id`).map(({ id }) => id)

  it('names the job and the table before it deletes anything', async () => {
    const { kept, other } = await refer()
    expect((await previewOf(world, prune)).foreign_holders).toEqual([
      { table: 'public.invoices', jobs: 1, job_id: other },
      { table: 'public.orders', jobs: 1, job_id: kept },
    ])
    expect(await world.confirm(prune.path, prune.body)).toMatchObject({
      status: 409,
      body: {
        code: 'conflict',
        detail: expect.stringContaining(`public.orders refers to job ${kept}; nothing was changed`),
        hint: expect.stringContaining('--pass-over-foreign'),
      },
    })
    expect(await left()).toHaveLength(6)
    expect(await world.sql`select from job_operations`).toHaveLength(0)
  })

  it('leaves these jobs out where it is told to, counted, also by its preview', async () => {
    const { kept, other } = await refer()
    const { body } = await world.post(prune.path, { ...passing, dry_run: true })
    const { preview } = Object(body)
    expect(preview).toMatchObject({ count: 4, foreign_holders: [{ jobs: 1 }, { jobs: 1 }] })
    expect(await world.confirm(prune.path, { ...passing, preview_token: preview.token })).toMatchObject({
      status: 200,
      body: { deleted: 4, passed_over: 2, skipped: 0 },
    })
    expect(await left()).toEqual([kept, other])
    // The token of one prune makes no other.
    await world.jobs(1)
    const { token } = await previewOf(world, prune)
    expect((await world.confirm(prune.path, { ...passing, preview_token: token })).status).toBe(409)
  })

  it('is told by jobsctl: exit 6 with the command that leaves them out, and how many stay', async () => {
    const { kept } = await refer()
    const argv = ['prune', '--domain', 'chatbooks', '--older-than', '30d', '--yes']
    const refused = await world.jobsctl(argv)
    expect(refused).toMatchObject({ code: 6, out: '' })
    expect(refused.err).toContain(`public.orders refers to job ${kept}`)
    expect(refused.err).toContain('--pass-over-foreign')
    const done = await world.jobsctl([...argv, '--pass-over-foreign'])
    expect(done.code).toBe(0)
    expect(done.out + done.err).toContain('deleted 4 jobs')
    expect(done.out + done.err).toContain('2 jobs stay, since rows of other tables refer to them')
    expect(await left()).toHaveLength(2)
  })
})
