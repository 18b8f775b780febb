import type { Browser } from 'playwright-core'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { type Visit, visit } from '../../support/browser/browser.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { startServer } from '../../support/programs/built.ts'

describe.skipIf(!hasBrowser)('the dashboard of a server with a map (needs chromium)', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  let browser: Browser
  let visited: Visit
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeEmailJobs(sql, 'bigint')
    await fillEmailJobs(sql, 60)
    const JOBS_MAP_FILE = await mapFile(emailMap)
    server = await startServer({ ...database.env, JOBS_MAP_FILE, SINGLE_USER_API_KEY: 'key' })
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

  it('shows the word of the table beside ours, in the list and on the page of a job', async () => {
    const { page, go, faults } = visited
    await go('/jobs?status=failed')
    const failed = page.getByRole('row').filter({ hasText: 'failed' }).first()
    await failed.getByTitle('in the words of its table').waitFor()
    expect(await failed.getByTitle('in the words of its table').textContent()).toBe('3')
    await failed.getByRole('link').first().click()
    await page.getByRole('button', { name: 'Refresh' }).waitFor()
    expect(await page.getByTitle('in the words of its table').textContent()).toBe('3')
    expect(await page.getByText('native_').count()).toBe(0)
    expect(faults).toEqual([])
  })

  it('says how many jobs have a state that the map does not have', async () => {
    const { page, go, faults } = visited
    await go('/')
    await page.getByRole('columnheader', { name: 'Waiting' }).waitFor()
    expect(await page.getByRole('columnheader', { name: 'Unmapped' }).count()).toBe(0)
    await sql`update app.email_jobs set state = 9 where state = 3`
    await page.getByText('12 jobs have a state that the map of the table does not have').waitFor()
    await page.getByRole('columnheader', { name: 'Unmapped' }).waitFor()
    expect(faults).toEqual([])
  })
})
