import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, startBrowser } from '../../../scripts/chromium.ts'
import { type Visit, visit } from '../../support/browser/browser.ts'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

describe.skipIf(!hasBrowser)('the dashboard of two schemas whose jobs have the same ids (needs chromium)', () => {
  let served: ServedTables
  let browser: Browser
  let visited: Visit
  beforeAll(async () => {
    served = await serveTables(
      async (sql) => {
        for (const schema of ['one', 'two']) {
          await makeBullMq({ sql, version: 11, schema })
          await fillBullMq({ sql, version: 11, schema })
        }
        await sql`update two.job set name = 'other'`
      },
      { records: 'bullmq' },
    )
    browser = await startBrowser()
    visited = await visit(browser, served, { secret: 'key' })
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
  })

  const stateOf = async (schema: string) => {
    const [row] = await served.sql<{ state: string }[]>`
      select state::text as state from ${served.sql(`${schema}.job`)} where queue = 'mail' and id = '41'`
    return row?.state
  }

  it('shows, explains and changes the job of the domain that a list has led to', async () => {
    const { page, go, faults } = visited
    await go('/jobs?domain=two&status=failed&queue=mail')
    await page.getByRole('link', { name: 'mail/41', exact: true }).click()
    await page.waitForURL('**/ui/jobs/mail%2F41?domain=two')
    await page.getByText('failed after 1 of 1 retries').waitFor()
    expect(await page.locator('.crumbs').textContent()).toContain('two')
    await page
      .getByRole('button', { name: 'Retry…' })
      .or(page.getByRole('link', { name: 'Retry…' }))
      .first()
      .click()
    await page.waitForURL(/\/change\/retry\?(.*&)?domain=two/)
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByText('1 job', { exact: false }).first().waitFor()
    await page.getByRole('button', { name: /^Retry 1/ }).click()
    await expect.poll(async () => [await stateOf('one'), await stateOf('two')]).toEqual(['failed', 'waiting'])
    expect(faults).toEqual([])
  })
})
