import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { previewLifetimeSeconds } from '../../../../server/bulk/token/preview-token.ts'
import { Preview } from '../../../../shared/changes/bulk-change.ts'
import {
  ask,
  type Change,
  changes,
  clearAll,
  codeOf,
  doneOf,
  previewOf,
  prune,
} from '../../../support/changes/bulk-tools.ts'
import { tokenBody, tokenSigner } from '../../../support/changes/sign-token.ts'
import { newFolder } from '../../../support/database/database.ts'
import { openWorld, type World } from '../../../support/world.ts'

const stale = '409 preview_stale'

describe('a dry run with the token of a preview', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const dryRun = ({ path, preview }: Change, preview_token: string) => world.post(path, { ...preview, preview_token })

  it.each(changes)(
    '$name: counts the jobs of the preview that still match, and leaves the token unused',
    async (one) => {
      const [first] = await world.jobs(3, one.wanted)
      const { token } = await previewOf(world, one)
      await world.sql`delete from jobs where id = ${first ?? 0}`
      await world.jobs(5, one.wanted)
      for (const _ of ['once', 'twice']) {
        const { status, body } = await dryRun(one, token)
        expect(status).toBe(200)
        expect(z.object({ preview: Preview }).parse(body).preview).toMatchObject({ count: 7, still_matching: 2 })
      }
      expect(doneOf(await ask(world, one, { preview_token: token }))).toMatchObject({ affected: 2, skipped: 1 })
    },
  )

  it.each(changes)('$name: is refused as the change is, when the preview was used', async (one) => {
    await world.jobs(3, one.wanted)
    const { token } = await previewOf(world, one)
    expect(doneOf(await ask(world, one, { preview_token: token }))).toMatchObject({ affected: 3 })
    expect(codeOf(await dryRun(one, token))).toBe(stale)
  })

  it('is refused as the change is, when the preview has expired, or is of other filters or of another caller', async () => {
    await world.jobs(3)
    const { token } = await previewOf(world, prune)
    const sign = await tokenSigner(world)
    const body = tokenBody(token)
    const as_of = new Date(Date.parse(body.as_of) - (previewLifetimeSeconds + 1) * 1000).toISOString()
    for (const other of [
      sign({ ...body, as_of }),
      sign({ ...body, hash: 'other' }),
      sign({ ...body, caller: 'other' }),
    ]) {
      expect(codeOf(await dryRun(prune, other))).toBe(stale)
      expect(codeOf(await ask(world, prune, { preview_token: other }))).toBe(stale)
    }
    expect(await world.count()).toBe(3)
  })

  it('is what a dry run of a plan asks for: exit 0 with the jobs that changed, and exit 6 when the plan is used', async () => {
    const ids = await world.jobs(4)
    const path = join(await newFolder('plan'), 'plan.json')
    const words = ['prune', '--domain', 'chatbooks']
    expect(await world.jobsctl([...words, '--dry-run', '--plan-out', path])).toMatchObject({ code: 0 })
    await world.sql`update jobs set priority = priority + 1 where id = ${ids[0] ?? 0}`
    await world.jobs(2)
    expect(await world.jobsctl(['apply', path, '--dry-run'])).toEqual({
      code: 0,
      out: 'would delete 3 jobs in chatbooks\n',
      err: 'note: 1 job of the plan changed since the preview and will be left as it is\n',
    })
    expect(await world.jobsctl(['apply', path, '--yes'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('3 jobs'),
    })
    const [dry, real] = [
      await world.jobsctl(['apply', path, '--dry-run']),
      await world.jobsctl(['apply', path, '--yes']),
    ]
    for (const run of [dry, real]) {
      expect(run).toMatchObject({
        code: 6,
        out: '',
        err: expect.stringMatching(/used this preview already; nothing was changed/),
      })
    }
  })

  it('says that the plan is of another caller, with the exit code of the change', async () => {
    await world.jobs(2)
    const path = join(await newFolder('plan'), 'plan.json')
    await world.jobsctl(['prune', '--domain', 'chatbooks', '--dry-run', '--plan-out', path])
    const text = await readFile(path, 'utf8')
    const { token } = z.object({ calls: z.tuple([z.object({ preview: Preview })]) }).parse(JSON.parse(text))
      .calls[0].preview
    const sign = await tokenSigner(world)
    await writeFile(path, text.replace(token, sign({ ...tokenBody(token), caller: 'other' })))
    for (const flag of ['--dry-run', '--yes']) {
      expect(await world.jobsctl(['apply', path, flag])).toMatchObject({
        code: 6,
        out: '',
        err: expect.stringContaining('the preview is of another caller; nothing was changed'),
      })
    }
    expect(await world.count()).toBe(2)
  })
})
