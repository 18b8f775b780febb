import { expect, it } from 'vitest'
import { storage } from '../../../shared/doctor/storage.ts'
import { until } from '../../support/poll.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'
import { openWorld } from '../../support/world.ts'

it('a server that has stopped in order differs in no setting any more, and one that was killed does for 2 minutes', async () => {
  const world = await openWorld('postgres', { JOBS_ARCHIVE_DAYS: '30' })
  try {
    const differing = async () => {
      const { body } = await world.call('GET', '/api/v1/jobs/storage')
      const found = storage.output.parse(body).differing_settings.find(({ setting }) => setting === 'JOBS_ARCHIVE_DAYS')
      return found?.values.map(({ value }) => value).sort()
    }
    const startOther = async () => {
      const other = await spawnServer({ ...world.env, JOBS_ARCHIVE_DAYS: '1' })
      await until('the two differ', async () => (await differing())?.join() === '1,30')
      return other
    }
    const stopped = await startOther()
    expect(await stopped.stop()).toMatchObject({ code: 0 })
    expect(await differing()).toBeUndefined()
    const killed = await startOther()
    await killed.kill()
    expect(await differing()).toEqual(['1', '30'])
  } finally {
    await world.stop()
  }
}, 120_000)
