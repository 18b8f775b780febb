import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { asOperator, openScopedWorld } from '../../../support/access/scoped-world.ts'
import { clearAll } from '../../../support/changes/bulk-tools.ts'
import type { World } from '../../../support/world.ts'

const own = { domains: ['chatbooks'] }

describe('jobsctl with a token that has a scope', () => {
  let world: World
  beforeAll(async () => {
    world = await openScopedWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const commandsOf = async (scope: Parameters<typeof asOperator>[1]) => {
    const { token } = await asOperator(world, scope)
    return (...argv: string[]) => world.jobsctl(argv, { env: { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: token } })
  }

  it('changes what lies within, finds its record, and takes the change back', async () => {
    const run = await commandsOf(own)
    await world.jobs(3)
    await world.jobs(2, { domain: 'tales' })
    const pruned = await run('prune', '--all', '--older-than', '30d', '--yes')
    expect(pruned).toMatchObject({ code: 0, out: expect.stringContaining('3') })
    expect(await world.count()).toBe(2)
    const records = await run('operations')
    expect(records).toMatchObject({ code: 0, out: expect.stringContaining('prune') })
    const outside = await run('prune', '--domain', 'tales', '--older-than', '30d', '--dry-run')
    expect(outside).toMatchObject({ code: 4, err: expect.stringContaining('limited to domain chatbooks') })
    expect(await run('undo', '1', '--yes')).toMatchObject({ code: 0 })
    expect(await world.count()).toBe(5)
    for (const { out, err } of [pruned, records]) expect(out + err).not.toContain('tales')
  })

  it('is told how many jobs would go along outside, and does nothing', async () => {
    const run = await commandsOf(own)
    const [needed, foreign] = [crypto.randomUUID(), crypto.randomUUID()]
    const [id = 0] = await world.jobs(1, { uuid: needed, status: 'queued' })
    await world.jobs(1, { uuid: foreign, domain: 'tales', status: 'queued' })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${foreign}, ${needed})`
    const asked = await run('cancel', '--domain', 'chatbooks', '--dry-run')
    expect(asked).toMatchObject({ code: 0 })
    expect(asked.out + asked.err).toContain('1 job outside of the scope of the token would go along')
    const refused = await run('cancel', '--domain', 'chatbooks', '--yes')
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('1 job depends on what this would change') })
    const rows = await world.rows()
    expect(rows.map(({ status }) => status)).toEqual(['queued', 'queued'])
    expect(await run('explain', String(id))).toMatchObject({ code: 0, out: expect.stringContaining('chatbooks') })
  })
})
