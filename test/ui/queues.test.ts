import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { explainJob } from '../../shared/explain/job.ts'
import { type OpenedVisit, openVisit, type Visit } from '../support/browser.ts'
import type { World } from '../support/world.ts'

describe.skipIf(!hasBrowser)('queues, and why a job does not run (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  let visited: Visit
  let page: Page
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world, visited, page } = opened)
    await world.jobs(2, { status: 'queued' })
  })
  afterAll(() => opened?.stop())

  it('a queue is stopped with a reason, the job says so, and the way there resumes it', async () => {
    await visited.go('/')
    await page.getByRole('link', { name: 'default', exact: true }).click()
    await page.getByRole('textbox', { name: /^Why/ }).fill('disk full')
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('To take it back: Resume').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Pause' }).isDisabled()).toBe(true)
    const [job] = await world.sql<{ id: number }[]>`select min(id) as id from jobs`
    await visited.go(`/jobs/${job?.id}`)
    const { body } = await world.call('GET', `/api/v1/jobs/${job?.id}/explain`)
    const { reasons } = explainJob.output.parse(body)
    const paused = reasons.find(({ code }) => code === 'queue_paused')?.sentence ?? ''
    expect(paused).toContain('disk full')
    await page.getByText(paused.slice(0, 40)).waitFor()
    await page.getByRole('link', { name: 'Resume…' }).click()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByText('To take it back: Pause').waitFor()
    expect(await world.sql`select paused, drain from job_queue_controls`).toEqual([{ paused: false, drain: false }])
    expect(visited.faults).toEqual([])
  })

  it('a failed job has the way to its retry', async () => {
    const [id] = await world.jobs(1, { status: 'failed' })
    await visited.go(`/jobs/${id}`)
    await page.getByRole('link', { name: 'Retry…' }).click()
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('button', { name: 'Retry 1 job' }).click()
    await page.getByText('1 job retried').waitFor()
    expect(await world.sql`select status from jobs where id = ${id ?? 0}`).toEqual([{ status: 'queued' }])
  })
})
