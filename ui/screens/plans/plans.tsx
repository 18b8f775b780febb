import { type Answer, call } from '../../api/call.ts'
import { Link, Select } from '../../parts/controls.tsx'
import { UnknownParameters } from '../../parts/filter.tsx'
import { Person } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, Freshness } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useFiltered, useLoad } from '../../state/calls.ts'
import { hasApproval, hasPlans, thatYouSee } from '../../state/session.ts'
import { jobsText } from '../change/preview.tsx'
import { placeOf, planKind, planStates } from './plan-facts.ts'

/** Why a caller sees no plans. */
export const NoPlans = () => (
  <p class="empty">
    In single-user mode nobody else could approve a plan. A server with AUTH_MODE=multi_user has plans.
  </p>
)

const mostPlans = 1000

/*
 * The questions of this screen, in their order:
 *   1. What waits for me?                   the plans by their state, the newest first
 *   2. What is it, and who wants it?        the change, how many jobs, where, by whom and why, until when
 *   3. When does a change need a plan?      the number above which it does
 */

/** The changes that wait for a second person, and what became of earlier ones; the newest first. */
export function Plans() {
  return hasPlans.value ? <KnownPlans /> : <NoPlans />
}

function KnownPlans() {
  const params = query.value
  const state = params.get('state') ?? ''
  const { data, problem, readAt, isLoading, reload } = useFiltered(state, (signal) =>
    call('listPlans', { ...(state !== '' && { state }), limit: String(mostPlans) }, { signal }),
  )
  return (
    <>
      <UnknownParameters known={['state']} />
      {hasApproval.value && <Above />}
      <div class="bar">
        <Select
          label="Show"
          value={state}
          options={[['', 'all plans'], ...planStates]}
          onChange={(value) => navigate(addressOf('/plans', { state: value }))}
        />
        <Freshness {...{ readAt, isLoading, reload }} />
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data?.length === 0 && (
        <p class="empty">
          {state === ''
            ? `There is no plan${thatYouSee()}. Preview a change of many jobs, say why, and propose it.`
            : `No plan${thatYouSee()} is ${state}.`}
        </p>
      )}
      {data && data.length > 0 && <Rows label="Plans" rows={data} columns={columns} keyOf={({ id }) => id} />}
      {data?.length === mostPlans && <p class="faint">The newest {mostPlans.toLocaleString('en')} plans are shown.</p>}
    </>
  )
}

/** From how many jobs on a change needs an approval. */
function Above() {
  const { data } = useLoad('approval', (signal) => call('showApproval', {}, { signal }))
  if (!data) return null
  const waiting = data.to_review.length
  return (
    <>
      <p class="faint">
        {data.above === null
          ? 'No change needs an approval.'
          : `A change of more than ${jobsText(data.above)} needs an approval.`}
      </p>
      {waiting > 0 && (
        <p class="note care">
          {waiting === 1 ? '1 emergency waits' : `${waiting} emergencies wait`} for a review:{' '}
          <Link to="/operations">operations</Link>.
        </p>
      )}
    </>
  )
}

const columns: readonly Column<Answer<'listPlans'>[number]>[] = [
  ['Id', ({ id }) => <Link to={`/plans/${id}`}>{id}</Link>, 'number'],
  ['State', ({ state }) => <Status of={state} />],
  ['Change', ({ kind }) => planKind(kind).label],
  ['Jobs', ({ count }) => count.toLocaleString('en'), 'number'],
  ['Where', placeOf],
  ['By', ({ author_principal, author }) => <Person id={author} principal={author_principal} />],
  ['Why', ({ reason }) => reason, 'wide'],
  ['Made', ({ created_at }) => <Ago at={created_at} />],
  [
    'Ends',
    ({ state, expires_at }) => <Ago at={['waiting', 'approved'].includes(state) ? expires_at : null} absent="" />,
  ],
]
