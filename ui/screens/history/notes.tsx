import type { History, Point } from '../../../shared/history/history.ts'
import { clockOf, type Zone } from './clock.ts'

interface NotesProps {
  history: History
  /** The steps that have changed after they were over, since this was loaded before. */
  late: readonly Point[]
  zone: Zone
}

/** The most times that one sentence names. */
const mostNamed = 5

const listed = (texts: readonly string[]): string =>
  texts.length > mostNamed
    ? `${texts.slice(0, mostNamed).join(', ')}, and ${(texts.length - mostNamed).toLocaleString('en')} more`
    : texts.join(', ')

/** What keeps the numbers of a history from being whole, and what to do about it. */
export function Notes({ history: { kept, why, since, from, gaps }, late, zone }: NotesProps) {
  const clock = (time: string) => clockOf(time, zone)
  const spans = gaps.map((gap) => `from ${clock(gap.from)} to ${clock(gap.to)}`)
  return (
    <div role="status">
      {!kept && <NotKept why={why ?? ''} />}
      {since !== null && Date.parse(since) > Date.parse(from) && <p class="faint">History began at {clock(since)}.</p>}
      {spans.length > 0 && <p class="note care">Nothing was counted {listed(spans)}.</p>}
      {late.length > 0 && (
        <p class="note care">
          {late.length === 1 ? 'A step that was over has' : `${late.length} steps that were over have`} changed since
          the last refresh, because a transaction committed late: {listed(late.map(({ at }) => clock(at)))}.
        </p>
      )}
    </div>
  )
}

const NotKept = ({ why }: { why: string }) => (
  <div class="note care">
    <p>Not every change is counted now: {why}.</p>
    <p class="hint">
      Start a server of this database with <code>JOBS_HISTORY=on</code>, and look with <code>jobsctl doctor</code>.
    </p>
  </div>
)
