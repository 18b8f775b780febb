import { type Answer, call } from '../../api/call.ts'
import { Link } from '../../parts/link.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Refresh } from '../../parts/refresh.tsx'
import { Rows } from '../../parts/rows.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { UnknownParameters } from '../../parts/unknown-parameters.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useLoad } from '../../state/load.ts'
import { hasApproval, hasPlans, thatYouSee } from '../../state/session.ts'
import { jobsText } from '../change/preview.tsx'
import { placeOf } from './place.ts'
import { planKind } from './plan-kind.ts'
import { planStates } from './states.ts'

/** Why a caller sees no plans. */
export const NoPlans = () => (
  <p class="empty">
    In single-user mode nobody else could approve a plan. A server with AUTH_MODE=multi_user has plans.
  </p>
)

const mostPlans = 1000

/** The changes that wait for a second person, and what became of earlier ones; the newest first. */
export function Plans() {
  return hasPlans.value ? <KnownPlans /> : <NoPlans />
}

function KnownPlans() {
  const params = query.value
  const state = params.get('state') ?? ''
  const unknown = [...params.keys()].filter((name) => name !== 'state')
  const { data, problem, isLoading, reload } = useLoad(state, (signal) =>
    call('listPlans', { ...(state !== '' && { state }), limit: String(mostPlans) }, { signal }),
  )
  return (
    <>
      <UnknownParameters names={unknown} />
      {hasApproval.value && <Above />}
      <div class="bar">
        <label>
          Show{' '}
          <select
            value={state}
            onChange={({ currentTarget }) => navigate(addressOf('/plans', { state: currentTarget.value }))}
          >
            <option value="">all plans</option>
            {planStates.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <Refresh isLoading={isLoading} onRefresh={reload} />
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data?.length === 0 && (
        <p class="empty">
          {state === ''
            ? `There is no plan${thatYouSee()}. Preview a change of many jobs, say why, and propose it.`
            : `No plan${thatYouSee()} is ${state}.`}
        </p>
      )}
      {data && data.length > 0 && <PlanRows plans={data} />}
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

const PlanRows = ({ plans }: { plans: Answer<'listPlans'> }) => (
  <Rows
    label="Plans"
    heads={['Id', 'State', 'Change', 'Jobs', 'Where', 'By', 'Why', 'Made', 'Ends']}
    numeric={['Id', 'Jobs']}
  >
    <tbody>
      {plans.map((plan) => (
        <tr key={plan.id}>
          <td class="number">
            <Link to={`/plans/${plan.id}`}>{plan.id}</Link>
          </td>
          <td>
            <Status of={plan.state} />
          </td>
          <td>{planKind(plan.kind).label}</td>
          <td class="number">{plan.count.toLocaleString('en')}</td>
          <td>{placeOf(plan)}</td>
          <td>{plan.author_principal ?? plan.author}</td>
          <td class="wide">{plan.reason}</td>
          <td>
            <Time at={plan.created_at} />
          </td>
          <td>
            <Time at={['waiting', 'approved'].includes(plan.state) ? plan.expires_at : null} absent="" />
          </td>
        </tr>
      ))}
    </tbody>
  </Rows>
)
