import { Link } from '../../parts/link.tsx'
import { Rows } from '../../parts/rows.tsx'
import { clockOf, type Zone } from './clock.ts'
import type { Moments } from './marks.ts'

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
        <Rows label="Marks and changes" heads={[`At (${zone === 'utc' ? 'UTC' : 'local'})`, 'What', 'By']}>
          <tbody>
            {moments.map(({ at, text, caller, operation }, nth) => (
              <tr key={nth}>
                <td>{clockOf(at, zone)}</td>
                <td class="wide">
                  {operation === undefined ? text : <Link to={`/operations/${operation}`}>{text}</Link>}
                </td>
                <td>{caller}</td>
              </tr>
            ))}
          </tbody>
        </Rows>
      )}
    </>
  )
}
