import type { Browser } from 'playwright-core'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { type Visit, visit } from '../../support/browser/browser.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues } from '../../support/engines/pg-boss.ts'
import { startServer } from '../../support/programs/built.ts'

describe.skipIf(!hasBrowser)('the dashboard of a server that looks at pg-boss (needs chromium)', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  let browser: Browser
  let visited: Visit
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
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

  it('has no switch for a queue that the engine cannot stop', async () => {
    const { page, go } = visited
    await go(`/queue?domain=pgboss&queue=${oddQueues.plain}`)
    await page.getByRole('link', { name: 'Its jobs' }).waitFor()
    await page.getByText(`pgboss/${oddQueues.plain}`).first().waitFor()
    await page.getByText('open', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Pause', exact: true }).count()).toBe(0)
  })

  it('offers the changes that the engine can make, and says why one by its address is none of them', async () => {
    const { page, go } = visited
    await go('/jobs')
    const menu = page.getByLabel('All jobs that match')
    await menu.waitFor()
    const offered = await menu.locator('option').allTextContents()
    expect(offered).toContain('Retry…')
    expect(offered).not.toContain('Reclaim…')
    await go('/change/reclaim')
    await page.getByText('pg-boss does not say which worker has which job').waitFor()
  })

  it('previews a change, and has the way to records in place of its confirmation', async () => {
    const { page, go, faults } = visited
    await go(`/change/retry?domain=pgboss&queue=${oddQueues.plain}`)
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByText('jobs-server migrate --engine pg-boss').waitFor()
    expect(await page.getByRole('button', { name: /^Retry/ }).count()).toBe(0)
    expect(faults).toEqual([])
  })
})
