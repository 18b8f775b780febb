import type { History } from '../../../shared/history/history.ts'
import { type Answer, call } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { Person } from '../../parts/name.tsx'
import { Rows } from '../../parts/rows.tsx'
import { may } from '../../state/session.ts'
import { clockOf, type Zone } from './series.ts'

/** Something that happened at one moment: a mark of an operator, or a change that is on record. */
export interface Moment {
  at: string
  text: string
  caller: string
  /** The record of a change; undefined for a mark. */
  operation: number | undefined
}

/** How many of the newest records are looked through for those within a history. */
const mostRecords = 200

export interface Moments {
  moments: readonly Moment[]
  /** Before this time records may be missing; undefined where none is. */
  since: string | undefined
}

type Scope = Readonly<Record<'domain' | 'queue' | 'job_type', string | undefined>>

/** The marks and the changes within a history, the oldest first. A caller who may not read records sees the marks. */
export async function momentsOf(history: History, scope: Scope, signal: AbortSignal): Promise<Moments> {
  const records = may('records')
    ? await call('listOperations', { ...scope, since: history.from, limit: mostRecords }, { signal })
    : []
  const within = records.filter((record) => isShown(record) && Date.parse(record.started_at) < Date.parse(history.to))
  const moments = [...history.marks.map(ofMark), ...within.map(ofRecord)].sort(
    (a, b) => Date.parse(a.at) - Date.parse(b.at),
  )
  return { moments, since: records.length === mostRecords ? records.at(-1)?.started_at : undefined }
}

type OperationRecord = Answer<'listOperations'>[number]

/** Changes of jobs and of queues: an act such as a new token moves no job. */
const isShown = ({ kind }: OperationRecord): boolean => !kind.includes('.') || kind.startsWith('queue.')

const ofMark = ({ at, text, caller }: History['marks'][number]): Moment => ({ at, text, caller, operation: undefined })

function ofRecord({ id, kind, started_at, affected, domain, queue, caller, reason }: OperationRecord): Moment {
  const where = kind.startsWith('queue.') ? ` ${domain}/${queue}` : `: ${affected.toLocaleString('en')} jobs`
  return { at: started_at, text: `${kind}${where}${reason === null ? '' : `, ${reason}`}`, caller, operation: id }
}

/** What the lines of the charts are: marks, and changes that are on record. */
export function MomentTable({ moments, since, zone }: Moments & { zone: Zone }) {
  return (
    <>
      <h2>Marks and changes</h2>
      {since !== undefined && (
        <p class="note care">Changes before {clockOf(since, zone)} are not all marked: there are too many.</p>
      )}
      {moments.length === 0 ? (
        <p class="empty">
          None. <code>jobsctl mark "deploy 4711"</code> marks a moment.
        </p>
      ) : (
        <Rows
          label="Marks and changes"
          rows={moments}
          columns={[
            [`At (${zone === 'utc' ? 'UTC' : 'local'})`, ({ at }) => clockOf(at, zone)],
            [
              'What',
              ({ text, operation }) =>
                operation === undefined ? text : <Link to={`/operations/${operation}`}>{text}</Link>,
              'wide',
            ],
            ['By', ({ caller }) => <Person id={caller} />],
          ]}
          keyOf={(moment) => moments.indexOf(moment)}
        />
      )}
    </>
  )
}
