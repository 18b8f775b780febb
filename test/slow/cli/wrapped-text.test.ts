import { expect, it } from 'vitest'
import { findingOfIndexes } from '../../../shared/doctor/findings/counts-and-indexes.ts'
import { idleIndexes } from '../../../shared/endpoints.ts'
import { fakeServer, previewOf } from '../../support/fakes/fake-server.ts'
import { atTerminal } from '../../support/programs/terminal.ts'
import { openWorld, paths } from '../../support/world.ts'

const widths = [60, 80, 100, 200]
const plain = (text: string) => text.replaceAll(/\s+/g, ' ')

it.each(widths)('doctor shows every detail and every hint whole in %i columns', async (columns) => {
  const idle = ['theirs_by_owner', 'theirs_by_type'].map((index) => ({
    index,
    bytes: 8192,
    why: 'covered by theirs_all',
  }))
  const counts = { kept: false, why: 'the role of the server may not make the triggers that count', wrong: 0 }
  const server = await fakeServer(({ path }) => {
    if (path === idleIndexes.path) return { body: idle }
    if (path === '/api/v1/jobs/counts') return { body: { ...counts, mended_at: null, mended: null } }
    if (path.startsWith('/api/v1/jobs/stats')) return { body: [] }
    if (path === paths.prune) return { body: { deleted: 0, preview: previewOf(0) } }
    if (path === '/healthz' || path === '/readyz') return { body: {} }
    return { status: 404, body: { detail: 'Not Found' } }
  })
  const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
  const { screen } = await atTerminal(['doctor', '--color', 'never'], { env, columns })
  const { detail, hint = '' } = findingOfIndexes(idle, Date.now())
  expect(plain(screen)).toContain(plain(detail))
  expect(plain(screen)).toContain(plain(`hint: ${hint}`))
  expect(plain(screen)).toContain('the role of the server may not make the triggers that count')
  for (const line of screen.split('\n').filter((line) => !/https?:|\/jobsctl\//.test(line)))
    expect(line.length).toBeLessThanOrEqual(columns)
})

it('operations <id> shows a long reason whole, whatever the width', async () => {
  const world = await openWorld('embedded')
  try {
    await world.jobs(1)
    const reason = `the disk of the replica is full, ${'and nobody knows why, '.repeat(20)}see the ticket`
    await world.jobsctl(['prune', '--all', '--yes', '--reason', reason])
    for (const columns of widths) {
      const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
      const { screen } = await atTerminal(['operations', '1'], { env, columns })
      expect(plain(screen)).toContain(plain(reason))
      for (const line of screen.split('\n').filter((line) => /disk|nobody|ticket/.test(line)))
        expect(line.length).toBeLessThanOrEqual(columns)
    }
  } finally {
    await world.stop()
  }
})
