import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { shell } from '../../support/programs/shell.ts'
import { openWorld, type World } from '../../support/world.ts'

const curl = async (...argv: string[]) => (await runJobsctl([...argv, '--curl'])).out

it('--curl prints the call of the manual, and sends nothing', async () => {
  const run = await runJobsctl(['prune', '--domain', 'chatbooks', '--older-than', '30d', '--dry-run', '--curl'])
  expect(run).toEqual({
    code: 0,
    out: `curl -X POST "$BASE/api/v1/jobs/prune" \\
  -H "X-API-KEY: $API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"statuses":["completed","failed","cancelled"],"older_than_days":30,"domain":"chatbooks","dry_run":true}'
`,
    err: '',
  })
})

it('--curl confirms only with --yes, and never shows a key', async () => {
  const env = { JOBSCTL_URL: 'http://127.0.0.1:1', JOBSCTL_API_KEY: 'the-secret-key' }
  const lines = [
    ['prune', '--all'],
    ['sweep', '--all', '--age', '1d'],
    ['requeue', '--domain', 'a'],
    ['integrity', '--all', '--fix'],
  ]
  for (const argv of lines) {
    const [preview, change] = await Promise.all([
      runJobsctl([...argv, '--curl'], { env }),
      runJobsctl([...argv, '--curl', '--yes', '--max', '5'], { env }),
    ])
    expect(preview.out).toMatch(/"dry_run":true|"fix":false/)
    expect(preview.out).not.toContain('X-Confirm')
    expect(change.out).toContain('-H "X-Confirm: true"')
    expect(change.out).toMatch(/"max":5/)
    expect(preview.out + change.out).not.toContain('the-secret-key')
  }
})

it('--curl keeps the brake of the command', async () => {
  const brake = ['--rate', '50', '--until', '2099-01-01T00:00:00Z']
  expect(await curl('prune', '--domain', 'a', '--yes', ...brake)).toMatch(/"rate":50,"until":"2099-01-01T00:00:00/)
})

describe('--curl, pasted into a shell', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  const paste = async (command: string) => {
    const silent = command.replace('curl -X', 'curl --silent --show-error -X')
    const { out, err } = await shell(silent, { env: { BASE: world.url, API_KEY: world.key } })
    expect(err).toBe('')
    const answer: unknown = JSON.parse(out)
    return answer
  }

  it('does what jobsctl would do, whatever the names are', async () => {
    const domain = `it's "a" $HOME & b?c=d#e\\n ü`
    await world.jobs(3, { domain })
    await world.jobs(1, { domain, status: 'queued' })
    const words = ['--domain', domain]

    expect(await paste(await curl('stats', ...words))).toMatchObject([{ domain, queued: 1 }])
    expect(await paste(await curl('prune', ...words))).toMatchObject({ deleted: 3 })
    expect(await paste(await curl('sweep', ...words, '--age', '1d'))).toMatchObject({ affected: 1 })
    expect(await paste(await curl('requeue', ...words))).toMatchObject({ affected: 0 })
    expect(await paste(await curl('integrity', ...words, '--fix'))).toMatchObject({ processing_expired: 0, fixed: 0 })
    expect(await world.events()).toEqual([])

    const prune = await curl('prune', ...words, '--yes', '--reason', `don't "ask" $USER ü`)
    expect(await paste(prune)).toMatchObject({ deleted: 3 })
    expect(await world.events()).toMatchObject([{ domain, attrs_json: { reason: `don't "ask" $USER ü`, affected: 3 } }])
  })
})
