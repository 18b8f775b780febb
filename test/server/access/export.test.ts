import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordAct } from '../../../server/bulk/record/act.ts'
import { exportOperations, type SealedRecord } from '../../../shared/records/export.ts'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const control = '/api/v1/jobs/queue/control'

describe.each(kinds)('the export of records on %s', (kind) => {
  let world: World
  const tokens = { admin: '', auditor: '', operator: '' }
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    for (const role of ['admin', 'auditor', 'operator'] as const) tokens[role] = await makeToken(world.sql, role, role)
    for (let round = 0; round < 4; round++) await stopAndStart()
    // The records from here on are those of tomorrow.
    await world.sql`
      insert into job_operation_days (day, previous, head) select day + 1, head, head from job_operation_days`
    await stopAndStart()
  })
  afterAll(() => world?.stop())

  async function stopAndStart(): Promise<void> {
    for (const action of ['pause', 'resume']) {
      const body = { domain: 'd', queue: 'q', action, reason: 'a "reason" \\ 📚 12345678901234567890' }
      expect((await world.post(control, body, bearer(tokens.admin))).status).toBe(200)
    }
  }

  const get = (query: string, token: string) =>
    world.call('GET', `${exportOperations.path}?${query}`, undefined, bearer(token))
  async function exported(query = '', token = tokens.auditor): Promise<SealedRecord[]> {
    const all: SealedRecord[] = []
    for (let after = 0; ; ) {
      const { status, body } = await get(`after_id=${after}&${query}`, token)
      expect(status).toBe(200)
      const page = exportOperations.output.parse(body)
      const last = page.at(-1)
      if (!last) return all
      all.push(...page)
      after = last.id
    }
  }
  const numbersOf = (records: readonly SealedRecord[]) => records.map(({ number }) => number)

  it('has each record once in the order of the chain, over pages and days, and each hash can be computed again', async () => {
    const all = await exported('limit=3')
    expect(numbersOf(all)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1, 2])
    let last = ''
    for (const { previous, sealed, hash } of all) {
      expect(previous).toBe(last)
      expect(createHash('sha256').update(`${previous}${sealed}`).digest('hex')).toBe(hash)
      last = hash
    }
    const { body } = await world.call('GET', '/api/v1/jobs/operations/verify', undefined, bearer(tokens.auditor))
    expect(body).toMatchObject({ ok: true, head: last })
  })

  it('is without a gap between --since and --until, which are times of an end', async () => {
    const ends = await world.sql<{ ended_at: string }[]>`select ended_at from job_operations order by id`
    const time = (nth: number) => encodeURIComponent(ends[nth]?.ended_at ?? '')
    expect(numbersOf(await exported(`since=${time(2)}&until=${time(5)}`))).toEqual([3, 4, 5])
    expect(numbersOf(await exported(`since=${time(6)}&limit=1`))).toEqual([7, 8, 1, 2])
    expect(await exported('since=2099-01-01T00:00:00Z')).toEqual([])
    expect(await exported('until=2020-01-01T00:00:00Z')).toEqual([])
    // A clock was set back in between: the record with the earlier time is exported with its neighbours.
    await world.sql`update job_operations set ended_at = '2020-01-01' where number = 4 and id < 8`
    expect(numbersOf(await exported(`since=${time(2)}&until=${time(5)}`))).toEqual([3, 4, 5])
    await world.sql`update job_operations set ended_at = ${ends[3]?.ended_at ?? ''}::text::timestamptz where number = 4 and id < 8`
  })

  it('refuses what is no place in the chain, and callers without the right', async () => {
    expect(await get('after_id=9999', tokens.auditor)).toMatchObject({ status: 404 })
    for (const query of ['since=yesterday', 'limit=0', 'limit=1001', 'after_id=-1', 'until=', 'x=1'])
      expect((await get(query, tokens.auditor)).status, query).toBe(query === 'until=' ? 200 : 422)
    const worker = await makeToken(world.sql, 'w', 'worker')
    expect((await get('', worker)).status).toBe(403)
  })

  it('hides the text of records that have what the caller may not see', async () => {
    await world.jobs(1)
    const pruned = await world.confirm(
      paths.prune,
      { payload: [{ path: 'secret', value: 'x' }] },
      { ...bearer(tokens.admin), 'idempotency-key': 'p' },
    )
    expect(pruned.status).toBe(200)
    const hidden = async (token: string) =>
      (await exported('', token)).filter(({ sealed }) => sealed === null).map((record) => record.kind)
    expect(await hidden(tokens.admin)).toEqual([])
    expect(await hidden(tokens.auditor)).toEqual(['prune'])
    // Addresses are for callers who may list tokens.
    expect(new Set(await hidden(tokens.operator))).toEqual(new Set(['queue.paused', 'queue.resumed']))
  })

  it('ends a page after 4 MB, and shows where a record is missing', async () => {
    const large = () =>
      world.sql.begin((tx) =>
        recordAct(
          tx,
          { caller: 'x', address: undefined },
          { kind: 'hold.added', details: { text: 'x'.repeat(3_000_000) } },
        ),
      )
    for (let n = 0; n < 3; n++) await large()
    const { body } = await get('limit=1000', tokens.auditor)
    const first = exportOperations.output.parse(body)
    const all = await exported('limit=1000')
    expect(all.length - first.length).toBe(1)
    await world.sql`delete from job_operations where id = ${all[4]?.id ?? 0}`
    expect((await exported()).map(({ previous }) => previous === null).indexOf(true)).toBe(4)
  })
})
