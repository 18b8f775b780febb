import type { ComponentChildren } from 'preact'
import { type LiveGroup, type LiveStats, mostGroups } from '../api/live-stats.ts'
import { Link } from '../parts/link.tsx'
import { Rows } from '../parts/rows.tsx'
import { columns, oldestOf, sumOf } from '../parts/sums.tsx'
import { Time } from '../parts/time.tsx'
import { addressOf, query, replaceAddress } from '../state/address.ts'
import { thatYouSee } from '../state/session.ts'

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
  return (
    <>
      {(rows.length > mostRows || find !== undefined) && <Find find={find} shown={rows.length} />}
      <Rows
        label="Counts by domain, queue and type"
        heads={['Domain › queue › type', ...columns, 'Oldest wait']}
        numeric={columns}
      >
        <tbody>
          {rows.slice(0, mostRows).map((row) => (
            <CountsRow key={JSON.stringify(row.filter)} row={row} />
          ))}
        </tbody>
      </Rows>
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
      ...{ level: 'job_type', name: group.job_type, groups: [group], isFolded: false },
      filter: { ...filter, job_type: group.job_type },
    }))

/** Where the name of a row leads: to what is folded below it, to the queue, or to the jobs. */
const screenOf = ({ level, isFolded }: Row): string => (isFolded ? '/' : level === 'queue' ? '/queue' : '/jobs')

/** The states of jobs behind a count. */
const states = { queued: 'queued', scheduled: 'queued', processing: 'processing', quarantined: 'quarantined' } as const

function CountsRow({ row }: { row: Row }) {
  const sums = sumOf(row.groups)
  return (
    <tr class={row.level}>
      <th scope="row">
        <RowLink row={row} to={addressOf(screenOf(row), row.filter)}>
          {row.name === '' ? <span class="faint">(no name)</span> : row.name}
        </RowLink>
      </th>
      {columns.map((column) => (
        <td key={column} class="number">
          {sums[column] === 0 ? (
            <span class="faint">0</span>
          ) : (
            <RowLink row={row} to={addressOf('/jobs', { ...row.filter, status: states[column] })}>
              {sums[column].toLocaleString('en')}
            </RowLink>
          )}
        </td>
      ))}
      <td>
        <Time at={oldestOf(row.groups)} absent="" />
      </td>
    </tr>
  )
}

/** Leads to what a row counts. No filter has a blank name, which rows of other programs may have: these lead nowhere. */
const RowLink = ({ row: { filter }, to, children }: { row: Row; to: string; children: ComponentChildren }) =>
  Object.values(filter).includes('') ? <>{children}</> : <Link to={to}>{children}</Link>

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
