import type { ComponentChildren } from 'preact'
import { earliest } from '../../shared/earliest.ts'
import { type LiveGroup, type LiveStats, mostGroups } from '../api/live-stats.ts'
import { Link } from '../parts/controls.tsx'
import { Name } from '../parts/name.tsx'
import { type Column, Rows } from '../parts/rows.tsx'
import { Span } from '../parts/times.tsx'
import { Facts } from '../parts/values.tsx'
import { addressOf, query, replaceAddress } from '../state/address.ts'
import { thatYouSee } from '../state/session.ts'

/** The states that are counted. */
const columns = ['queued', 'scheduled', 'processing', 'quarantined'] as const
type Counts = Record<(typeof columns)[number], number>

/** The sums of groups. */
const sumOf = (groups: readonly LiveGroup[]): Counts => {
  const sums: Counts = { queued: 0, scheduled: 0, processing: 0, quarantined: 0 }
  for (const group of groups) for (const name of columns) sums[name] += group[name]
  return sums
}

const unmappedOf = (groups: readonly LiveGroup[]): number => groups.reduce((sum, { unmapped = 0 }) => sum + unmapped, 0)

/** How many jobs groups hold, by state, and since when one waits. */
export function Sums({ groups }: { groups: readonly LiveGroup[] }) {
  const sums = sumOf(groups)
  const oldest = oldestOf(groups)
  const counts = columns.map((name) => [name, sums[name].toLocaleString('en')] as const)
  return <Facts class="sums" facts={[...counts, ['oldest wait', <Span key="oldest" since={oldest} absent="none" />]]} />
}

/** Says how many jobs have a state that the map of their table does not have. */
export function Unmapped({ groups }: { groups: readonly LiveGroup[] }) {
  const count = unmappedOf(groups)
  if (count === 0) return null
  return (
    <p class="note care" role="status">
      {count.toLocaleString('en')} {count === 1 ? 'job has' : 'jobs have'} a state that the map of the table does not
      have. No change touches {count === 1 ? 'it' : 'them'}. <code>jobs-server init --check</code> names the values.
    </p>
  )
}

/** Since when the job of groups waits that has waited longest; null where none waits. */
const oldestOf = (groups: readonly LiveGroup[]): string | null =>
  earliest(groups.flatMap(({ oldest_due }) => oldest_due ?? [])) ?? null

type Level = LiveStats['level']

/** A row of the table: a domain, a queue or a job type, with the groups whose sums it shows. */
interface Row {
  level: Level
  name: string
  filter: Readonly<Record<string, string>>
  groups: readonly LiveGroup[]
  /** True where what is below it is not in the table. */
  isFolded: boolean
}

/** The most rows that are drawn, those of all groups that are not folded: a page of thousands would be slow to draw each second. */
const mostRows = 3 * mostGroups

interface GroupsProps {
  groups: readonly LiveGroup[]
  /** What a group is. */
  level: Level
  /** A part of the names of the groups that are shown. */
  find: string | undefined
}

/** Groups under their domain and queue, by name, as deep as they are sent. */
export function Groups({ groups, level, find }: GroupsProps) {
  if (groups.length === 0) return <p class="empty">No job{thatYouSee()} waits or runs, and none is in quarantine.</p>
  const found = find === undefined ? groups : groups.filter((group) => hasName(group, find))
  const rows = rowsOf(found, level)
  const shown = unmappedOf(groups) > 0 ? [...rowColumns, unmappedColumn] : rowColumns
  return (
    <>
      {(rows.length > mostRows || find !== undefined) && <Find find={find} shown={rows.length} />}
      <Rows
        label="Counts by domain, queue and type"
        rows={rows.slice(0, mostRows)}
        columns={shown}
        keyOf={({ filter }) => JSON.stringify(filter)}
        attributesOf={(row) => ({ class: row.level })}
      />
    </>
  )
}

const hasName = ({ domain, queue, job_type }: LiveGroup, part: string): boolean =>
  [domain, queue, job_type].some((name) => name.includes(part))

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

function rowsOf(groups: readonly LiveGroup[], level: Level): Row[] {
  return [...Map.groupBy(groups, ({ domain }) => domain)]
    .sort(byName)
    .flatMap(([domain, inDomain]) => [
      { level: 'domain', name: domain, filter: { domain }, groups: inDomain, isFolded: level === 'domain' } as const,
      ...(level === 'domain' ? [] : queueRows(domain, inDomain, level)),
    ])
}

const queueRows = (domain: string, groups: readonly LiveGroup[], level: Level): Row[] =>
  [...Map.groupBy(groups, ({ queue }) => queue)]
    .sort(byName)
    .flatMap(([queue, inQueue]) => [
      { level: 'queue', name: queue, filter: { domain, queue }, groups: inQueue, isFolded: level === 'queue' } as const,
      ...(level === 'queue' ? [] : typeRows({ domain, queue }, inQueue)),
    ])

const typeRows = (filter: { domain: string; queue: string }, groups: readonly LiveGroup[]): Row[] =>
  groups
    .toSorted((a, b) => (a.job_type < b.job_type ? -1 : 1))
    .map((group) => ({
      level: 'job_type',
      name: group.job_type,
      groups: [group],
      isFolded: false,
      filter: { ...filter, job_type: group.job_type },
    }))

/** Where the name of a row leads: to what is folded below it, to the queue, or to the jobs. */
const screenOf = ({ level, isFolded }: Row): string => (isFolded ? '/' : level === 'queue' ? '/queue' : '/jobs')

/** The states of jobs behind a count. */
const states = { queued: 'queued', scheduled: 'queued', processing: 'processing', quarantined: 'quarantined' } as const

const rowColumns: readonly Column<Row>[] = [
  [
    'Domain › queue › type',
    (row) => (
      <RowLink row={row} to={addressOf(screenOf(row), row.filter)}>
        <Name of={row.name} />
      </RowLink>
    ),
    'row',
  ],
  ...columns.map((name): Column<Row> => [name, (row) => <CountOf row={row} name={name} />, 'number']),
  ['Oldest wait', ({ groups }) => <Span since={oldestOf(groups)} absent="" />],
]

const unmappedColumn: Column<Row> = ['unmapped', ({ groups }) => unmappedOf(groups).toLocaleString('en'), 'number']

function CountOf({ row, name }: { row: Row; name: keyof typeof states }) {
  const count = sumOf(row.groups)[name]
  if (count === 0) return <span class="faint">0</span>
  return (
    <RowLink row={row} to={addressOf('/jobs', { ...row.filter, status: states[name] })}>
      {count.toLocaleString('en')}
    </RowLink>
  )
}

/** Leads to what a row counts. No filter has a blank name, which rows of other programs may have: these lead nowhere. */
const RowLink = ({ row: { filter }, to, children }: { row: Row; to: string; children: ComponentChildren }) =>
  Object.values(filter).includes('') ? children : <Link to={to}>{children}</Link>

/** A field that finds groups by a part of a name, and says how many there are. */
const Find = ({ find, shown }: { find: string | undefined; shown: number }) => (
  <div class="bar">
    <label>
      Find{' '}
      <input
        value={find ?? ''}
        spellcheck={false}
        onInput={({ currentTarget }) =>
          replaceAddress(addressOf('/', { ...Object.fromEntries(query.value), find: currentTarget.value }))
        }
      />
    </label>
    <span class="faint" role="status">
      {shown > mostRows
        ? `The first ${mostRows} of ${shown.toLocaleString('en')} rows are shown.`
        : `${shown.toLocaleString('en')} ${shown === 1 ? 'row' : 'rows'}`}
    </span>
  </div>
)
