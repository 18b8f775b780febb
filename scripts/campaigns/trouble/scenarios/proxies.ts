import { httpProxy, type Passed, type Passing, type Proxying } from '../../../launch/http-proxy.ts'
import { actionsAt, pruneByJobsctl, sweepByJobsctl, type Tried, tryOnce } from '../actions.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'

const cron = 'docs/operate/cron.md'

const actions = [pruneByJobsctl, sweepByJobsctl]

/** A confirmed change; all other requests pass. */
const isChange = ({ headers }: Passing): boolean => headers['x-confirm'] !== undefined

const page = (status: number): Passed => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><body><h1>${status}</h1>the proxy has an opinion</body></html>`,
})

/** Tries the actions through a proxy that answers confirmed changes in its own way. */
async function through(stage: Stage, ways: readonly Proxying[]): Promise<Tried[]> {
  const tries: Tried[] = []
  await stage.withServer(async ({ url }) => {
    for (const [place, way] of ways.entries()) {
      const proxy = await httpProxy(url, (passing, forward) => (isChange(passing) ? way(passing, forward) : forward()))
      for (const action of actionsAt(stage, actions, place)) tries.push(await tryOnce(stage, action, () => proxy))
      await proxy.stop()
    }
  })
  return tries
}

const statuses = [500, 502, 503, 504]

/** The change is made, and the caller gets something else than the response of the server. */
const afterwards =
  (result: Passed | 'reset'): Proxying =>
  async (_, forward) => {
    await forward()
    return result
  }

/** Counts how often a change reaches the proxy: a second time is a lie. */
const counted = (stage: Stage, way: Proxying): Proxying => {
  const seen = new Set<string>()
  return (passing, forward) => {
    const key = `${passing.path} ${passing.headers['idempotency-key']}`
    if (seen.has(key)) stage.lie(`jobsctl sent a change twice: ${key}`)
    seen.add(key)
    return way(passing, forward)
  }
}

const sentOnce = {
  page: cron,
  sentence: 'A change is sent once, except where the connection was refused, and carries an idempotency key.',
}

export const proxies: readonly Scenario[] = [
  {
    trouble: 'a proxy answers a change by a page of its own, after the server has made the change',
    promised: sentOnce,
    allowed: ['outcome_unknown'],
    run: (stage) =>
      through(
        stage,
        statuses.map((status) => counted(stage, afterwards(page(status)))),
      ),
  },
  {
    trouble: 'a proxy answers a change by a page of its own, and the server never gets the change',
    promised: sentOnce,
    allowed: ['outcome_unknown'],
    run: (stage) =>
      through(
        stage,
        statuses.map((status) => counted(stage, async () => page(status))),
      ),
  },
  {
    trouble: 'a proxy answers a change by a page with status 200, or redirects, after the server has made the change',
    promised: {
      page: 'docs/operate/exit-codes.md',
      sentence: '| 1 | failed | server error, unexpected answer, a bug |',
    },
    allowed: ['unexpected_answer', 'outcome_unknown'],
    run: (stage) => {
      const elsewhere = { ...page(303), headers: { location: '/login' } }
      return through(
        stage,
        [afterwards(page(200)), afterwards(elsewhere)].map((way) => counted(stage, way)),
      )
    },
  },
  {
    trouble: 'a proxy breaks the connection after the server has made the change',
    promised: sentOnce,
    allowed: ['unreachable', 'outcome_unknown'],
    run: (stage) => through(stage, [counted(stage, afterwards('reset'))]),
  },
  {
    trouble: 'a proxy passes on half of the response to a change',
    promised: sentOnce,
    allowed: ['unreachable', 'outcome_unknown', 'unexpected_answer'],
    run: (stage) =>
      through(stage, [
        counted(stage, async (_, forward) => {
          const { body, ...rest } = await forward()
          return { ...rest, body: body.slice(0, body.length / 2) }
        }),
      ]),
  },
  {
    trouble: 'a proxy sends each change to the server twice, and answers with the second response',
    promised: {
      page: 'docs/operate/http.md',
      sentence:
        'The same `Idempotency-Key` and body from the same caller is answered as the first time, and changes nothing again.',
    },
    allowed: ['ok'],
    run: (stage) =>
      through(stage, [
        async (_, forward) => {
          await forward()
          return forward()
        },
      ]),
  },
]
