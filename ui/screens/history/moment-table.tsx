import { Link } from '../../parts/controls.tsx'
import { Person } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Rows } from '../../parts/rows.tsx'
import type { Moments } from './moments.ts'
import { clockOf, type Zone } from './series.ts'

/** What the lines of the charts are: marks, and changes that are on record. */
export function MomentTable({ moments, since, problem, zone }: Moments & { zone: Zone }) {
  return (
    <>
      <h2>Marks and changes</h2>
      {problem && <ProblemNote problem={problem} />}
      {since !== undefined && (
        <p class="note care">Changes before {clockOf(since, zone)} are not all marked: there are too many.</p>
      )}
      {moments.length === 0 && !problem && (
        <p class="empty">
          None. <code>jobsctl mark "deploy 4711"</code> marks a moment.
        </p>
      )}
      {moments.length > 0 && (
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
