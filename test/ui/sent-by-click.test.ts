import fc from 'fast-check'
import type { Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser } from '../../scripts/chromium.ts'
import { type OpenedVisit, openVisit, type Visit, visit } from '../support/browser/browser.ts'
import type { World } from '../support/world.ts'

/** True for a request that would change jobs: a preview has no key. */
const isChange = (request: Request): boolean =>
  request.method() === 'POST' && request.headers()['idempotency-key'] !== undefined

describe.skipIf(!hasBrowser)('a change is sent by a click alone (needs chromium)', () => {
  let opened: OpenedVisit
  let world: World
  beforeAll(async () => {
    opened = await openVisit()
    ;({ world } = opened)
  })
  afterAll(() => opened?.stop())

  /** A visit of its own, whose calls may fail, and the keys of the changes that it has sent. */
  const open = async (): Promise<Visit & { sent: string[] }> => {
    const visited = await visit(opened.browser, world, { secret: world.key, expected: /ERR_|Failed to load|fetch/ })
    const sent: string[] = []
    visited.page.on('request', (request) => {
      if (isChange(request)) sent.push(request.headers()['idempotency-key'] ?? '')
    })
    return { ...visited, sent }
  }
  const endSessions = () => world.sql`delete from jobsctl_sessions`
  const logIn = async (page: Page) => {
    await page.getByLabel('Key or token').fill(world.key)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
  }
  const preview = async (page: Page) => {
    await page.getByRole('button', { name: 'Preview', exact: true }).click()
    await page.getByRole('form', { name: 'Confirm' }).waitFor()
  }
  const pruned = async (domain: string, jobs: number) => {
    await world.jobs(jobs, { status: 'completed', domain })
    await world.sql`
      update jobs set completed_at = now() - interval '40 days', updated_at = now() - interval '40 days'
      where domain = ${domain}`
  }
  const left = async (domain: string): Promise<number> => {
    const [row] = await world.sql<{ jobs: number }[]>`select count(*)::int as jobs from jobs where domain = ${domain}`
    return row?.jobs ?? 0
  }
  /** Asks each change to stop at a moment of its record, as somebody would who is quick. */
  const stopEach = async (moment: string) => {
    await world.sql.unsafe(`
      create or replace function stop_it() returns trigger language plpgsql as $$
      begin
        insert into jobsctl_stops (operation_id, caller) values (new.id, 'ann') on conflict do nothing;
        return null;
      end $$;
      create trigger stop_it after ${moment} execute function stop_it();`)
  }
  const stopNone = () => world.sql.unsafe('drop trigger stop_it on job_operations; drop function stop_it()')

  it('a change that met no session is not sent by the login: its preview is shown again', async () => {
    await pruned('ended', 7)
    const { page, go, sent, close } = await open()
    await go('/change/prune?domain=ended')
    await preview(page)
    await endSessions()
    await page.getByRole('button', { name: 'Prune 7 jobs' }).click()
    await page.getByLabel('Key or token').waitFor()
    await logIn(page)
    await page.getByText('The server has no record of the change').waitFor()
    const confirm = page.getByRole('button', { name: 'Prune 7 jobs' })
    await confirm.waitFor()
    await page.reload()
    await confirm.waitFor()
    expect([sent.length, await left('ended')]).toEqual([1, 7])
    await confirm.click()
    await page.getByText('7 jobs deleted').waitFor()
    expect([new Set(sent).size, sent.length, await left('ended')]).toEqual([2, 2, 0])
    await close()
  })

  it('a reload, another tab and Back look for a change, and send none', async () => {
    await pruned('looked', 3)
    const { page, context, go, sent, close } = await open()
    await go('/change/prune?domain=looked')
    await preview(page)
    await page.getByRole('button', { name: 'Prune 3 jobs' }).click()
    await page.getByText('3 jobs deleted').waitFor()
    await page.reload()
    await page.getByText('3 jobs deleted').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.goBack()
    await page.getByText('3 jobs deleted').waitFor()
    // A tab that a browser restores has the entries of the history of the one before.
    const state = await page.evaluate('JSON.stringify(history.state)')
    const restored = await context.newPage()
    restored.on('request', (request) => isChange(request) && sent.push('restored'))
    await restored.goto(page.url())
    await restored.getByRole('button', { name: 'Preview', exact: true }).waitFor()
    await restored.evaluate(`history.replaceState(JSON.parse(${JSON.stringify(state)}), '')`)
    await restored.reload()
    await restored.getByText('3 jobs deleted').waitFor()
    expect(sent).toHaveLength(1)
    await close()
  })

  it('what was stopped before its first job is amber, and goes on by a new preview alone', async () => {
    await pruned('zero', 4)
    await stopEach('insert on job_operations for each row')
    const { page, go, sent, close } = await open()
    await go('/change/prune?domain=zero')
    await preview(page)
    await page.getByRole('button', { name: 'Prune 4 jobs' }).click()
    await page.getByText('Stopped after 0 jobs').waitFor()
    await stopNone()
    expect(await page.locator('.note.bad, .note.good').count()).toBe(0)
    expect(await page.getByRole('button', { name: /try again|look for it/i }).count()).toBe(0)
    expect(await page.getByText('Undo these').count()).toBe(0)
    await page.getByRole('button', { name: 'Go on…' }).click()
    await page.getByRole('button', { name: 'Prune 4 jobs' }).waitFor()
    expect([sent.length, await left('zero')]).toEqual([1, 4])
    await close()
  })

  it('what was stopped half-way goes on by a new preview, and leads to the preview of its undo', async () => {
    await pruned('half', 1050)
    await stopEach('update on job_operations for each row when (new.affected > 0)')
    const { page, go, sent, close } = await open()
    await go('/change/prune?domain=half')
    await preview(page)
    await page.getByLabel(/^Type the number/).fill('1050')
    await page.getByRole('button', { name: 'Prune 1,050 jobs' }).click()
    const told = page.getByText(/^Stopped after [\d,]+ jobs$/)
    const done = Number(((await told.textContent()) ?? '').replaceAll(/\D/g, ''))
    const text = done.toLocaleString('en')
    expect([done > 0, await left('half')]).toEqual([true, 1050 - done])
    await page.getByText(`${1050 - done} not reached`).waitFor()
    expect(await page.getByText(/skipped/i).count()).toBe(0)
    await page.reload()
    await told.waitFor()
    await stopNone()
    await page.getByRole('button', { name: 'Go on…' }).click()
    await page.getByRole('button', { name: `Prune ${1050 - done} jobs` }).waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'Undo these…' }).click()
    await page.getByRole('button', { name: `Give back ${text} jobs` }).waitFor()
    expect([sent.length, await left('half')]).toEqual([1, 1050 - done])
    await close()
  })

  it('the second click of a double click is meant for what was there before, and confirms nothing', async () => {
    await pruned('double', 2)
    const { page, go, sent, close } = await open()
    await go('/change/prune?domain=double')
    await preview(page)
    const confirm = page.getByRole('button', { name: 'Prune 2 jobs' })
    const click = 'new MouseEvent("click", { bubbles: true, cancelable: true, detail: 2 })'
    await confirm.evaluate(`(button) => button.dispatchEvent(${click})`)
    expect(await confirm.isVisible()).toBe(true)
    expect([sent.length, await left('double')]).toEqual([0, 2])
    await confirm.dblclick()
    await page.getByText('2 jobs deleted').waitFor()
    expect(sent).toHaveLength(1)
    await close()
  })

  it('whatever happens between, a change is sent only by a click on its confirmation', async () => {
    const { page, context, go, sent, close } = await open()
    let clicks = 0
    let runs = 0
    const confirm = page.getByRole('form', { name: 'Confirm' }).getByRole('button', { name: /^Retry / })
    const isLoggedOut = () => page.getByLabel('Key or token').isVisible()
    /** It may be gone while somebody looks. */
    const mayConfirm = async () =>
      (await confirm.isVisible()) && (await confirm.isEnabled({ timeout: 500 }).catch(() => false))
    /** Presses the first button of this name that there is. */
    const press = async (name: RegExp) => {
      const button = page.locator('main').getByRole('button', { name }).first()
      if (await button.isVisible()) await button.click({ timeout: 2000 }).catch(() => {})
    }
    const acts = {
      preview: () => press(/^Preview/),
      confirm: async () => {
        if (!(await mayConfirm())) return
        clicks++
        await confirm.click({ timeout: 2000 }).catch(() => {})
      },
      doubleConfirm: async () => {
        if (!(await mayConfirm())) return
        clicks++
        await confirm.dblclick({ timeout: 2000 }).catch(() => {})
      },
      look: () => press(/^(Look for it|Try again|Make another preview|Go on…|Undo these…)$/),
      stop: () => press(/^Stop$/),
      sessionEnds: endSessions,
      login: async () => {
        if (await isLoggedOut()) await logIn(page).catch(() => {})
      },
      reload: () => page.reload().catch(() => {}),
      back: async () => {
        await page.goBack({ timeout: 2000 }).catch(() => {})
        // Before the first screen there is an empty tab.
        if (page.url() === 'about:blank') await page.goForward()
      },
      forward: () => page.goForward({ timeout: 2000 }).catch(() => {}),
      networkLost: () => context.setOffline(true),
      networkBack: () => context.setOffline(false),
      otherTab: async () => {
        const other = await context.newPage()
        other.on('request', (request) => isChange(request) && sent.push('other tab'))
        await other.goto(page.url()).catch(() => {})
        await other.close()
      },
    }
    const names = [
      'preview',
      'confirm',
      'doubleConfirm',
      'look',
      'stop',
      'sessionEnds',
      'login',
      'reload',
      'back',
      'forward',
      'networkLost',
      'networkBack',
      'otherTab',
    ] as const
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...names), { minLength: 3, maxLength: 12 }), async (steps) => {
        await context.setOffline(false)
        await world.sql`truncate jobs, job_operations cascade`
        // To go to the same address again is a reload for a browser, which keeps the entry of its history.
        const domain = `any${++runs}`
        await world.jobs(3, { status: 'failed', domain })
        await page.goto(`${world.url}/ui/change/retry?domain=${domain}`)
        await page.locator('h1').waitFor()
        if (await isLoggedOut()) await logIn(page)
        await page.getByRole('button', { name: 'Preview', exact: true }).waitFor()
        sent.length = 0
        clicks = 0
        for (const step of ['preview', 'confirm', ...steps] as const) {
          await acts[step]()
          expect(sent.length, `after ${step}`).toBeLessThanOrEqual(clicks)
        }
        await context.setOffline(false)
        await page.reload()
        await page.locator('h1').waitFor()
        expect(sent.length, 'at the end').toBeLessThanOrEqual(clicks)
        expect(new Set(sent).size).toBe(sent.length)
      }),
      { numRuns: Number(process.env.UI_CLICK_RUNS ?? 12) },
    )
    await go('/')
    await close()
  })
})
