import type { History } from '../../../shared/history/history.ts'
import { type Answer, call } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { may } from '../../state/session.ts'

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
  /** Why no change is among them. The numbers of the history are shown without the changes. */
  problem: Problem | undefined
}

type Scope = Readonly<Record<'domain' | 'queue' | 'job_type', string | undefined>>

/** The marks and the changes within a history, the oldest first. A caller who may not read records sees the marks. */
export async function momentsOf(history: History, scope: Scope, signal: AbortSignal): Promise<Moments> {
  const asked = { ...scope, since: history.from, limit: mostRecords }
  const read = may('records') ? call('listOperations', asked, { signal }) : Promise.resolve([])
  const records = await read.catch((error: unknown) => {
    if (signal.aborted) throw error
    return problemOf(error)
  })
  if (!Array.isArray(records)) return { moments: history.marks.map(ofMark), since: undefined, problem: records }
  const within = records.filter((record) => isShown(record) && Date.parse(record.started_at) < Date.parse(history.to))
  const moments = [...history.marks.map(ofMark), ...within.map(ofRecord)].sort(
    (a, b) => Date.parse(a.at) - Date.parse(b.at),
  )
  const since = records.length === mostRecords ? records.at(-1)?.started_at : undefined
  return { moments, since, problem: undefined }
}

type OperationRecord = Answer<'listOperations'>[number]

/** Changes of jobs and of queues: an act such as a new token moves no job. */
const isShown = ({ kind }: OperationRecord): boolean => !kind.includes('.') || kind.startsWith('queue.')

const ofMark = ({ at, text, caller }: History['marks'][number]): Moment => ({ at, text, caller, operation: undefined })

function ofRecord({ id, kind, started_at, affected, domain, queue, caller, reason }: OperationRecord): Moment {
  const where = kind.startsWith('queue.') ? ` ${domain}/${queue}` : `: ${affected.toLocaleString('en')} jobs`
  return { at: started_at, text: `${kind}${where}${reason === null ? '' : `, ${reason}`}`, caller, operation: id }
}
