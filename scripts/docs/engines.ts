import { can as bullmq } from '../../server/engines/bullmq/can.ts'
import type { Can } from '../../server/engines/can.ts'
import { can as graphileWorker } from '../../server/engines/graphile-worker/can.ts'
import { can as mapped } from '../../server/engines/mapped/can.ts'
import { can as own } from '../../server/engines/own/can.ts'
import { can as pgBoss } from '../../server/engines/pg-boss/can.ts'
import { allVerbs, verbs } from '../../shared/engine/verbs.ts'
import { table } from './markdown.ts'

export const enginesPath = 'docs/engines/README.md'

const engines: Readonly<Record<string, Can>> = {
  own,
  'pg-boss': pgBoss,
  bullmq,
  'graphile-worker': graphileWorker,
  mapped,
}

/** What works where, by what the adapters say: a column for each engine. */
export const worksTable = (): string =>
  table(
    ['verb', ...Object.keys(engines)],
    allVerbs.map((verb) => [verbs[verb], ...Object.values(engines).map((can) => (can[verb] === true ? 'yes' : 'no'))]),
  )

/** What engines cannot, why, and what to do instead. */
export const insteadTable = (): string =>
  table(
    ['verb', 'what is missing', 'what to do instead'],
    Object.values(engines).flatMap((can) =>
      allVerbs.flatMap((verb) => {
        const answer = can[verb]
        return answer === true ? [] : [[verbs[verb], answer.cannot, answer.instead]]
      }),
    ),
  )
