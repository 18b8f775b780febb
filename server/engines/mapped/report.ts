import { inWords } from '../abilities.ts'
import type { QueueAdapter } from '../adapter.ts'
import type { readPlans } from './plans.ts'
import { columnOf, type Mapped } from './table.ts'

interface Report {
  lines: string[]
  warnings: string[]
}

type Plans = Awaited<ReturnType<typeof readPlans>>

/** The verbs that a map gives or leaves out. */
const given = ['prune', 'retry', 'cancel_queued', 'reschedule', 'priority', 'workers'] as const
const nameOf = (verb: (typeof given)[number]): string => (verb === 'cancel_queued' ? 'cancel' : verb)

/** What people read of a map that fits its table: what works, by which index, and what they must know before they change a job. */
export function reportOf({ map, table, domain }: Mapped, path: string, adapter: QueueAdapter, plans: Plans): Report {
  const key = columnOf(table, map.key)
  const rows = table.rows < 0 ? 'rows that nobody has counted' : `about ${table.rows.toLocaleString('en-US')} rows`
  const changes = adapter.lookOnly
    ? [`changes: none, since ${adapter.lookOnly.cannot}: ${adapter.lookOnly.instead}`]
    : given.map(
        (verb) => `${nameOf(verb)}: ${adapter.can[verb] === true ? 'yes' : `no, ${inWords(adapter.can[verb])}`}`,
      )
  return {
    lines: [
      `${path} fits ${table.relation}: domain ${domain}, key ${key.name} (${key.base}), ${rows}`,
      ...changes,
      ...plans.map(({ call, indexes }) =>
        indexes.length === 0 ? `${call} reads the whole table` : `${call} uses the index ${indexes.join(', ')}`,
      ),
      'no callback of your application runs: a change is SQL on the rows of this table alone',
    ],
    warnings: adapter.lookOnly ? [] : [...triggersOf(table), ...keysOf(table), ...uniqueOf({ map, table })],
  }
}

const triggersOf = ({ triggers, relation }: Mapped['table']): string[] =>
  triggers.map(
    ({ name, partition, events }) =>
      `the trigger ${name} of ${partition ?? relation} fires at ${events}, also where jobsctl changes a job`,
  )

/** Foreign keys in both directions: what a prune must not leave behind, and what an undo needs. */
const keysOf = ({ relation, referredBy, references }: Mapped['table']): string[] => [
  ...referredBy.map((other) => `rows of ${other} refer to ${relation} by a foreign key: no job is pruned`),
  ...references
    .filter(({ table }) => table !== relation)
    .map(
      ({ table: other }) =>
        `${relation} refers to ${other} by a foreign key: the undo of a prune keeps back a job whose row there is gone`,
    ),
]

/** A retry passes over a job that would take a value that is unique; a cancel ends there. */
function uniqueOf({ map, table }: Pick<Mapped, 'map' | 'table'>): string[] {
  const set = new Set([...Object.keys(map.retry?.set ?? {}), ...Object.keys(map.cancel?.set ?? {})])
  return table.indexes
    .filter(({ isUnique, isPartial, columns }) => isUnique && (isPartial || columns.some((name) => set.has(name))))
    .map(
      ({ name }) =>
        `the unique index ${name} may refuse a retry, which passes over the job, or a cancel, which ends there; what was changed before stays`,
    )
}
