import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bearer, makeScoped } from '../../support/access/tokens.ts'
import { at, clearAll, doneOf, prune } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('archived rows that another role has changed on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const uuidOf = async (id: number) => {
    const [row] = await world.sql<{ uuid: string }[]>`select uuid from jobs where id = ${id}::bigint`
    return row?.uuid ?? ''
  }
  const edges = () => world.sql`select job_uuid, depends_on_job_uuid from job_dependencies order by 1, 2`
  /** Prunes a job of chatbooks, and writes edges into its archived row; `own` stands for its uuid. */
  async function prunedWith(own: string, written: [string, string][]): Promise<number> {
    const { operation = 0 } = doneOf(await world.confirm(prune.path, prune.body))
    const list = written.map(([job_uuid, depends_on_job_uuid]) => ({ job_uuid, depends_on_job_uuid }))
    await world.sql`
      update jobs_archive set job_dependencies = ${JSON.stringify(list)}::text::jsonb where uuid = ${own}`
    return operation
  }

  it('have no edge between jobs of others come back', async () => {
    const [mine = 0] = await world.jobs(1, prune.wanted)
    const others = await world.jobs(2, { status: 'queued', domain: 'media' })
    const [own, first = '', second = ''] = [await uuidOf(mine), ...(await Promise.all(others.map(uuidOf)))]
    const operation = await prunedWith(own, [
      [first, second],
      [own, second],
    ])
    expect((await world.confirm(at.undo(operation), {})).body).toMatchObject({ affected: 1 })
    expect(await edges()).toEqual([{ job_uuid: own, depends_on_job_uuid: second }])
  })

  it('have no job outside wait for a job that a caller with a scope gives back', async () => {
    const scoped = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    try {
      const token = bearer(await makeScoped(scoped.sql, 'operator', { domains: ['chatbooks'] }))
      await scoped.jobs(1, prune.wanted)
      await scoped.jobs(1, { status: 'queued', domain: 'media' })
      const rows = await scoped.sql<{ uuid: string; domain: string }[]>`select uuid, domain from jobs`
      const own = rows.find(({ domain }) => domain === 'chatbooks')?.uuid ?? ''
      const foreign = rows.find(({ domain }) => domain === 'media')?.uuid ?? ''
      const { operation = 0 } = doneOf(await scoped.confirm(prune.path, prune.body, token))
      const list = [
        { job_uuid: foreign, depends_on_job_uuid: own },
        { job_uuid: own, depends_on_job_uuid: foreign },
      ]
      await scoped.sql`update jobs_archive set job_dependencies = ${JSON.stringify(list)}::text::jsonb`
      expect((await scoped.confirm(at.undo(operation), {}, token)).body).toMatchObject({ affected: 1 })
      expect(await scoped.sql`select job_uuid, depends_on_job_uuid from job_dependencies`).toEqual([
        { job_uuid: own, depends_on_job_uuid: foreign },
      ])
    } finally {
      await scoped.stop()
    }
  })

  it.each([
    { field: 'status', value: 'queued', why: 'a status that no prune takes' },
    { field: 'domain', value: 'media', why: 'outside of the scope of the operation' },
  ])('stay where their $field is one that the prune cannot have deleted', async ({ field, value, why }) => {
    const [mine = 0] = await world.jobs(2, prune.wanted)
    const { operation = 0 } = doneOf(await world.confirm(prune.path, prune.body))
    await world.sql`update jobs_archive set ${world.sql(field)} = ${value} where id = ${mine}::bigint`
    const conflict = { job_id: mine, reason: expect.stringContaining(why) }
    expect((await world.post(at.undo(operation), { dry_run: true })).body).toMatchObject({
      affected: 1,
      conflicts: [conflict],
    })
    expect((await world.confirm(at.undo(operation), {})).body).toMatchObject({ affected: 1, conflicts: [conflict] })
    expect(await world.count()).toBe(1)
  })

  it('are not sealed, which the verification of the records says', async () => {
    const { body } = await world.call('GET', at.verify)
    expect(body).toMatchObject({
      ok: true,
      not_sealed: [expect.stringContaining('archive and the row images are not sealed')],
    })
    const { err, out } = await world.jobsctl(['operations', 'verify', '-o', 'table'])
    expect(out + err).toContain('not sealed')
  })
})
