import { afterAll, beforeAll, expect, it } from 'vitest'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

it.each(['operations', 'pause', 'drain', 'resume'])(
  'the help of %s has the command that shows every pause, drain and resume, with the reason',
  async (command) => {
    await world.clear()
    await world.jobs(1, { domain: 'media', queue: 'ingest' })
    const decisions = [
      { verb: 'pause', event: 'queue.paused', reason: 'disk full' },
      { verb: 'drain', event: 'queue.drained', reason: 'moving' },
      { verb: 'resume', event: 'queue.resumed', reason: 'disk is free' },
    ]
    for (const { verb, reason } of decisions) {
      expect(await world.jobsctl([verb, 'media/ingest', '--reason', reason])).toMatchObject({ code: 0 })
    }

    const { out: help } = await runJobsctl([command, '--help'])
    const [, words = ''] = /jobsctl (operations --kind acts .*)\n/.exec(help) ?? []
    const { code, out } = await world.jobsctl(words.split(' '))
    expect(code).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines).toHaveLength(decisions.length)
    // The newest first.
    for (const [nth, { event, reason }] of decisions.toReversed().entries()) {
      expect(lines[nth]).toContain(event)
      expect(lines[nth]).toContain(reason)
      expect(lines[nth]).toContain('single-user')
    }
  },
)
