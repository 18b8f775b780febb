import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ProgressLine } from '../../../../shared/changes/bulk-change.ts'
import { ndjson } from '../../../../shared/headers.ts'
import {
  ask,
  clearAll,
  doneOf,
  expectIntact,
  previewOf,
  prune,
  recordOf,
  refusing,
  slowly,
} from '../../../support/changes/bulk-tools.ts'
import { until } from '../../../support/poll.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** Enough for several batches, and for a caller to hang up between them. */
const [many, far] = [1800, 8000]

describe.each(['postgres'] as const)('a change that reports its progress on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('sends a line for each batch, and the answer at the end', async () => {
    await world.jobs(many)
    await slowly(world, async () => {
      const { token: preview_token } = await previewOf(world, prune)
      const answer = await streamed(world, { preview_token })
      expect(answer.headers['content-type']).toBe(ndjson)
      const lines = linesOf(await answer.body.text())
      const reports = lines.flatMap((line) => ('progress' in line ? [line.progress] : []))
      expect(lines).toHaveLength(reports.length + 1)
      expect(lines.at(-1)).toMatchObject({ result: { deleted: many, operation_id: 1, skipped: 0 } })
      expect(reports.length).toBeGreaterThan(1)
      for (const [nth, { affected, batches, elapsed_ms, total, operation_id }] of reports.entries()) {
        const before = reports[nth - 1] ?? { affected: 0, batches: 0, elapsed_ms: 0 }
        expect([affected >= before.affected, batches >= before.batches, elapsed_ms >= before.elapsed_ms]).toEqual([
          true,
          true,
          true,
        ])
        expect({ total, operation_id }).toEqual({ total: many, operation_id: 1 })
      }
    })
  })

  it('ends with a line for a failure, or is refused as always before the first', async () => {
    const ids = await world.jobs(many)
    await refusing(world, ids.at(-1) ?? 0, async () => {
      const lines = linesOf(await (await streamed(world, {})).body.text())
      expect(lines.at(-1)).toMatchObject({ error: { code: 'partial', status: 503 } })
    })
    const refused = await streamed(world, { max: 1 })
    expect(refused.statusCode).toBe(412)
    expect(await refused.body.json()).toMatchObject({ code: 'limit_exceeded' })
  })

  it('that stopped goes on under another idempotency key, and says so each time', async () => {
    const ids = await world.jobs(far)
    await refusing(world, ids.at(-1) ?? 0, async () => {
      const keyed = { 'idempotency-key': 'nightly' }
      const hint = 'run it again with another Idempotency-Key to go on; the same key repeats this answer'
      const partial = { status: 503, body: { code: 'partial', hint, retry_with: 'another_idempotency_key' } }
      expect(await ask(world, prune, {}, keyed)).toMatchObject(partial)
      expect(await ask(world, prune, {}, keyed)).toMatchObject(partial)
    })
    expect(await ask(world, prune, {}, { 'idempotency-key': 'nightly-2' })).toMatchObject({ status: 200 })
    expect(await world.count()).toBe(0)
  })

  it('ends after the batch that runs when the caller hangs up, and another call goes on', async () => {
    await world.jobs(far)
    await slowly(world, async () => {
      const caller = new AbortController()
      const { body } = await streamed(world, {}, caller.signal)
      let heard = ''
      await expect(async () => {
        for await (const chunk of body) {
          heard += chunk
          if (/"affected":[1-9]/.test(heard)) caller.abort()
        }
      }).rejects.toThrow()
      await until('the change has stopped', async () => (await recordOf(world, 1)).state !== 'running')
    })
    const record = await recordOf(world, 1)
    expect(record).toMatchObject({ state: 'partial', error: 'the caller disconnected' })
    expect(await world.count()).toBe(far - record.affected)
    expect(record.affected).toBeLessThan(far)
    expect(doneOf(await ask(world, prune)).affected).toBe(far - record.affected)
    await expectIntact(world)
  })
})

/** A prune whose caller wants to hear how far it has come. */
const streamed = ({ url, key }: World, fields: object, signal?: AbortSignal) =>
  request(`${url}${prune.path}`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'x-confirm': 'true', 'content-type': 'application/json', accept: ndjson },
    body: JSON.stringify({ ...prune.body, ...fields }),
    ...(signal && { signal }),
  })

const linesOf = (text: string): ProgressLine[] => {
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => ProgressLine.parse(JSON.parse(line)))
}
