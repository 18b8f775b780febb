import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../scripts/chromium.ts'
import { fleet, queueMinutes } from '../../shared/endpoints.ts'
import { makeScoped, makeToken } from '../support/access/tokens.ts'
import { sideways, violations } from '../support/browser/axe.ts'
import { visit } from '../support/browser/browser.ts'
import { newFolder } from '../support/database/database.ts'
import { openWorld, type World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('other servers on the overview (needs chromium)', () => {
  let browser: Browser
  let world: World
  let member: World
  beforeAll(async () => {
    member = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    const folder = await newFolder('fleet')
    const servers = [
      { name: 'idle', url: 'http://127.0.0.1:2', token_file: 'token' },
      { name: '<b>eu', url: member.url, token_file: 'token' },
    ]
    await writeFile(join(folder, 'token'), await makeToken(member.sql, 'fleet', 'viewer'))
    await writeFile(join(folder, 'fleet.yaml'), JSON.stringify({ servers }))
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_FLEET_FILE: join(folder, 'fleet.yaml') })
    browser = await startBrowser()
    await Promise.all([world.jobs(1, { status: 'queued' }), member.jobs(4321, { status: 'queued' })])
  })
  afterAll(async () => {
    await browser?.close()
    await Promise.all([world?.stop(), member?.stop()])
  })

  it('are links with their counts, the worst first, once the queues are shown', async () => {
    const visited = await visit(browser, world, { secret: await makeToken(world.sql, 'ann', 'viewer') })
    const { page } = visited
    let answer = () => {}
    const held = new Promise<void>((resolve) => {
      answer = resolve
    })
    await page.route(`**${fleet.path}`, async (route) => {
      await held
      await route.continue()
    })
    await visited.go('/')
    await page.getByRole('heading', { name: '1 queue' }).waitFor()
    const part = page.getByRole('region', { name: 'Other servers', exact: true })
    expect(await part.count()).toBe(0)
    answer()
    await part.getByRole('heading', { name: '2 other servers' }).waitFor()
    const rows = async () => (await part.getByRole('row').allInnerTexts()).map((row) => row.split(/\s+/).join(' '))
    // On a busy machine the other server may not answer in time at first.
    await expect
      .poll(rows)
      .toEqual([
        'Server Failing a minute Failing queues Waiting Running Quarantined',
        'idle it cannot be reached: connection refused (ECONNREFUSED) – – – – –',
        expect.stringMatching(/^<b>eu [0-9–]+ 0 4,321 0 0$/),
      ])
    expect(await violations(page)).toEqual([])
    await page.setViewportSize({ width: 320, height: 800 })
    expect(await sideways(page)).toBe(0)
    expect(visited.faults).toEqual([])
    await part.getByRole('link', { name: '<b>eu' }).click()
    await page.getByLabel('Key or token').waitFor()
    expect(page.url()).toBe(`${member.url}/ui/`)
    await visited.close()
  })

  it('are absent, and not asked for, for a caller with a scope; absent without a file', async () => {
    for (const [at, secret, isAsked] of [
      [world, await makeScoped(world.sql, 'viewer', { domains: ['chatbooks'] }), false],
      [member, await makeToken(member.sql, 'ann', 'viewer'), true],
    ] as const) {
      const visited = await visit(browser, at, { secret })
      const asked: string[] = []
      visited.page.on('request', (request) => asked.push(new URL(request.url()).pathname))
      await visited.go('/')
      await visited.page.getByRole('heading', { name: '1 queue' }).waitFor()
      // The last hour of a queue is asked for after all else.
      await expect.poll(() => asked).toContain(queueMinutes.path)
      // The page that the login shows may ask, too.
      expect(asked.includes(fleet.path)).toBe(isAsked)
      expect(await visited.page.getByText('other server').count()).toBe(0)
      expect(visited.faults).toEqual([])
      await visited.close()
    }
  })
})
