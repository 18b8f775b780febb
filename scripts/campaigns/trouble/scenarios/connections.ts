import { prune } from '../../../../shared/endpoints.ts'
import {
  actionsAt,
  bulkOf,
  enqueueByHttp,
  pruneByHttp,
  pruneByJobsctl,
  sweepByJobsctl,
  type Tried,
  tryOnce,
} from '../actions.ts'
import { post } from '../http.ts'
import type { Scenario } from '../scenario.ts'
import { type Stage, withWire } from '../stage.ts'

const failover = 'docs/deploy/failover.md'

/** Two connections, so that most messages on the wire belong to the action. */
const fewConnections = { JOBS_DB_POOL: '2' }

const bulk = [pruneByJobsctl, pruneByHttp, sweepByJobsctl]

/** The number of a message that no action reaches: a bulk change of these jobs sends fewer to the database. */
const lastMessage = 80

const messagesToCut = ({ short }: Stage): number[] =>
  Array.from({ length: lastMessage }, (_, at) => at + 1).filter((nth) => !short || nth % 10 === 1)

/** Runs each action once for each message, and cuts the connection there. */
async function cutEverywhere(stage: Stage, when: 'before' | 'after'): Promise<Tried[]> {
  const tries: Tried[] = []
  await withWire(stage, fewConnections, async ({ url }, wire) => {
    for (const [place, nth] of messagesToCut(stage).entries()) {
      const some = actionsAt(stage, bulk, place)
      for (const action of nth <= 4 ? [...some, enqueueByHttp] : some) {
        const at = () => {
          wire.cutAt({ nth, when })
          return { url }
        }
        tries.push(await tryOnce(stage, action, at))
        wire.cutAt(undefined)
      }
    }
  })
  return tries
}

const cutScenario = (when: 'before' | 'after'): Scenario => ({
  trouble: `the connection to the database is reset ${when} each of the messages of an action`,
  promised: {
    page: failover,
    sentence:
      'the connection breaks during a bulk change | whole batches stand; the answer is `partial` with the number of jobs, or `outcome_unknown`',
  },
  // A cut outside of the action's own transaction harms nothing, or is met before anything is changed.
  allowed: ['ok', 'partial', 'outcome_unknown', 'database_unavailable'],
  run: (stage) => cutEverywhere(stage, when),
})

/** Sends a prune under one key until it is answered, with a cut in each try but the last ones. */
async function sentAgain(stage: Stage): Promise<Tried[]> {
  const tries: Tried[] = []
  await withWire(stage, fewConnections, async ({ url }, wire) => {
    for (const nth of messagesToCut(stage)) {
      const action = {
        ...pruneByHttp,
        name: 'POST prune, sent until it is answered',
        run: async (_: string, domain: string) => {
          const headers = { 'idempotency-key': `again-${domain}` }
          const body = { domain, older_than_days: 30 }
          wire.cutAt({ nth, when: 'after' })
          for (let times = 1; ; times++) {
            const outcome = await post(url, { path: prune.path, body, headers })
            wire.cutAt(undefined)
            if (outcome.code === 'ok' || outcome.code === 'partial' || times === 40) return outcome
            await new Promise((resolve) => setTimeout(resolve, 500))
          }
        },
      }
      tries.push(await tryOnce(stage, action, () => ({ url })))
    }
  })
  return tries
}

export const connections: readonly Scenario[] = [
  {
    trouble: 'each message to and from the database takes 0 to 200 ms',
    promised: {
      page: 'docs/operate/changes.md',
      sentence: '`--yes` previews and applies. The change is bound to this preview',
    },
    allowed: ['ok'],
    run: async (stage) => {
      const tries: Tried[] = []
      await withWire(stage, fewConnections, async ({ url }, wire) => {
        wire.slow(() => Math.random() * 200)
        // One batch: on a way as long as this one, each further batch would be smaller.
        for (const action of [...Object.values(bulkOf(400)), enqueueByHttp])
          tries.push(await tryOnce(stage, action, () => ({ url })))
        wire.slow(() => 0)
      })
      return tries
    },
  },
  cutScenario('before'),
  cutScenario('after'),
  {
    trouble: 'the connection to the database is reset, and the caller sends its request again under the same key',
    promised: {
      page: 'docs/operate/http.md',
      sentence:
        'The same `Idempotency-Key` and body from the same caller is answered as the first time, and changes nothing again.',
    },
    allowed: ['ok', 'partial'],
    run: sentAgain,
  },
]
