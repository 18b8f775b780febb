import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { makeToken } from '../../support/access/tokens.ts'
import { type FakeScreen, startAtScreen } from '../../support/fakes/fake-screen.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
  await world.jobs(2, { status: 'queued' })
})
afterAll(() => world?.stop())
beforeEach(() => world.sql`truncate job_queue_controls, job_events`)

const start = async (argv: string[] = [], env: Record<string, string> = {}): Promise<FakeScreen> => {
  const target = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
  const screen = await startAtScreen(['top', ...argv], { env: { ...target, ...env }, columns: 120 })
  await screen.sees(/>chatbooks\/default export/)
  return screen
}
const stopped = () => world.sql`select domain, queue, paused from job_queue_controls where paused`
const quit = async (screen: FakeScreen) => {
  screen.types('q')
  expect(await screen.ended).toEqual({ code: 0, out: '', err: '' })
}

it('p pauses the chosen queue with a reason, and resumes it', async () => {
  const screen = await start()
  screen.types('p')
  expect(screen.lines().at(-1)).toBe('Pause chatbooks/default? Why (Enter: pause, Esc: no): _')
  screen.types('disk fulx')
  screen.presses('backspace')
  screen.types('l')
  screen.presses('return')
  await screen.sees(/Paused chatbooks\/default\. {3}Undo: {2}jobsctl resume chatbooks\/default/)
  expect(await stopped()).toMatchObject([{ domain: 'chatbooks', queue: 'default' }])
  await screen.sees(/paused {2}chatbooks\/default since .*: disk full/)
  screen.types('pdisk is free')
  expect(screen.lines().at(-1)).toMatch(/^Resume chatbooks\/default\?/)
  screen.presses('return')
  await screen.sees(/Resumed chatbooks\/default/)
  expect(await stopped()).toEqual([])
  const events = await world.sql`
    select event_type, attrs_json ->> 'reason' as reason
    from job_events
    where event_type <> 'operation.sealed'
    order by id`
  expect(events).toMatchObject([
    { event_type: 'queue.paused', reason: 'disk full' },
    { event_type: 'queue.resumed', reason: 'disk is free' },
  ])
  await quit(screen)
})

it('the undo is the state before: a queue that drained drains again', async () => {
  await world.sql`insert into job_queue_controls (domain, queue, paused, drain) values ('chatbooks', 'default', true, true)`
  const screen = await start()
  await screen.sees(/draining {2}chatbooks\/default/)
  screen.types('pdone')
  screen.presses('return')
  await screen.sees(/Resumed chatbooks\/default\. {3}Undo: {2}jobsctl drain chatbooks\/default/)
  await quit(screen)
})

it('ends with exit 4 where the credentials do not hold any more', async () => {
  const guarded = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  try {
    await guarded.jobs(1, { status: 'queued' })
    const token = await makeToken(guarded.sql, 'operator')
    const screen = await startAtScreen(['top'], { env: { JOBSCTL_URL: guarded.url, JOBSCTL_TOKEN: token } })
    await screen.sees(/chatbooks\/default/)
    await guarded.sql`update jobs_api_tokens set revoked_at = now()`
    expect(await screen.ended).toMatchObject({ code: 4, err: expect.stringContaining('rejected the token') })
    expect(screen.isOpen()).toBe(false)
  } finally {
    await guarded.stop()
  }
})

it('Esc, and Enter without a reason, change nothing', async () => {
  const screen = await start()
  screen.types('pno')
  screen.presses('escape')
  screen.types('p  ')
  screen.presses('return')
  await screen.sees(/no reason: nothing was changed/)
  screen.types('p')
  screen.types('q')
  screen.presses('escape')
  expect(await stopped()).toEqual([])
  await quit(screen)
})

it('a change that is refused is told on the screen, which stays', async () => {
  const prod = { url: world.url, api_key_file: await secretFile(world.key), protected: true }
  const { env } = await configHome({ default: 'prod', profiles: { prod } })
  const screen = await startAtScreen(['top'], { env, columns: 120 })
  await screen.sees(/>chatbooks\/default export/)
  screen.types('pwhy')
  screen.presses('return')
  await screen.sees(/the profile prod is protected/)
  expect(await stopped()).toEqual([])
  await quit(screen)
})

it('with --no-input no queue is paused', async () => {
  const screen = await start(['--no-input'])
  screen.types('p')
  await screen.sees(/no queue is paused from here: --no-input/)
  await quit(screen)
})
