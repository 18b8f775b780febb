import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { startBrowser } from '../../../scripts/chromium.ts'
import type { WholePlan } from '../../../shared/plans/plans.ts'
import { type Visit, type VisitOptions, visit } from '../browser/browser.ts'
import { openWorld, type World } from '../world.ts'
import { makePeople, type People, planOf, planPath } from './plans.ts'

export const retryPath = '/api/v1/jobs/retry-now'

interface Proposal {
  /** The headers of its author; those of ann where they are absent. */
  as?: Record<string, string>
  reason?: string
  path?: string
  request?: object
}

export interface PlanScreens {
  readonly world: World
  readonly people: People
  /** Opens the dashboard, logged in as one of the people. */
  visitAs: (who: keyof People, options?: VisitOptions) => Promise<Visit>
  /** The same by a token of another. */
  visitBy: (secret: string, options?: VisitOptions) => Promise<Visit>
  /** Makes a plan past the dashboard: without more, of a retry of `chatbooks` by ann. */
  propose: (proposal?: Proposal) => Promise<WholePlan>
  /** Approves a plan as ben. */
  approve: (plan: Pick<WholePlan, 'id' | 'digest'>) => Promise<unknown>
  /** How many jobs are in each state. */
  states: () => Promise<unknown[]>
  secretOf: (who: keyof People) => string
}

/** Gives the tests of a block a server whose callers are people, and a browser; each test begins without jobs and plans. */
export function planScreens(): PlanScreens {
  let world: World
  let browser: Browser
  let people: People
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    people = await makePeople(world.sql)
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await world?.stop()
  })
  beforeEach(() => world.sql`truncate jobs, job_operations, jobsctl_plans cascade`)

  const secretOf = (who: keyof People) => (people[who].authorization ?? '').replace('Bearer ', '')
  const visitBy = (secret: string, options: VisitOptions = {}) => visit(browser, world, { secret, ...options })
  return {
    get world() {
      return world
    },
    get people() {
      return people
    },
    secretOf,
    visitBy,
    visitAs: (who, options) => visitBy(secretOf(who), options),
    propose: async ({ as = people.ann, reason = 'the mailer is back', path = retryPath, request } = {}) =>
      planOf(
        await world.post(
          planPath,
          { path, request: request ?? { domain: 'chatbooks' } },
          { ...as, 'x-reason': Buffer.from(reason).toString('latin1') },
        ),
      ),
    approve: ({ id, digest }) => world.post(`${planPath}/${id}/approve`, { digest }, people.ben),
    states: async () => [
      ...(await world.sql`select status, count(*)::int as jobs from jobs group by status order by status`),
    ],
  }
}

/** Where a plan is approved and rejected. */
export const decide = (page: Page) => page.getByRole('region', { name: 'Decide' })
