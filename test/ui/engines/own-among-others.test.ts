import type { Browser } from 'playwright-core'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { type Visit, visit } from '../../support/browser/browser.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

describe.skipIf(!hasBrowser)('the dashboard of own jobs beside those of an engine (needs chromium)', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  let browser: Browser
  let visited: Visit
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeBullMq({ sql, version: 11 })
    await fillBullMq({ sql, version: 11 })
    const env = { ...database.env, JOBS_ENGINE: 'own,bullmq', SINGLE_USER_API_KEY: 'key' }
    expect(await runServer(['migrate'], env)).toMatchObject({ code: 0 })
    await sql`insert into jobs (domain, queue, job_type, payload, status) values ('shop', 'orders', 'send', '{}', 'queued')`
    server = await startServer(env)
    await server.prepared
    browser = await startBrowser()
    visited = await visit(browser, server, { secret: 'key' })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await sql?.end()
    await database?.drop()
  })
  const whose = () => visited.page.getByRole('navigation', { name: 'Whose jobs' })
  const current = () => whose().locator('[aria-current]').allTextContents()

  it('says whose jobs are counted, and leads to those of the engine and back', async () => {
    const { page, go, faults } = visited
    await go('/')
    await page.getByRole('link', { name: 'shop/orders' }).first().waitFor()
    expect([await current(), await page.getByText('bullmq/mail').count()]).toEqual([['own jobs'], 0])
    await whose().getByRole('link', { name: 'bullmq' }).click()
    await page.getByRole('link', { name: 'bullmq/mail' }).first().waitFor()
    expect([await current(), await page.getByRole('link', { name: 'shop/orders' }).count()]).toEqual([['bullmq'], 0])
    await whose().getByRole('link', { name: 'own jobs' }).click()
    await page.getByRole('link', { name: 'shop/orders' }).first().waitFor()
    expect(await page.getByRole('link', { name: 'bullmq/mail' }).count()).toBe(0)
    expect(faults).toEqual([])
  })

  it.each(['jobs', 'clusters', 'workers', 'history'])('stays on the screen %s', async (screen) => {
    const { page, go } = visited
    await go(`/${screen}`)
    await whose().getByRole('link', { name: 'bullmq' }).click()
    await page.waitForURL(`**/ui/${screen}?domain=bullmq`)
    await expect.poll(current).toEqual(['bullmq'])
  })

  it('has nothing to choose where a screen is about one job, or about all records', async () => {
    const { page, go } = visited
    for (const screen of ['/jobs/1', '/operations']) {
      await go(screen)
      await page.getByRole('heading', { level: 1 }).waitFor()
      expect([screen, await whose().count()]).toEqual([screen, 0])
    }
  })
})
