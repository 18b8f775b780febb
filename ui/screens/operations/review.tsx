import { useState } from 'preact/hooks'
import { type Answer, call, confirmed } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Copy, Link } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { Person } from '../../parts/name.tsx'
import { useAct, useLoad } from '../../state/calls.ts'
import { caller, hasApproval, may } from '../../state/session.ts'

type Emergency = Answer<'showApproval'>['to_review'][number]

/** Operations that went past the approval they needed, each with its review, until somebody of another principal has signed them. */
export const Reviews = ({ only }: { only?: number }) => (hasApproval.value ? <KnownReviews only={only} /> : null)

function KnownReviews({ only }: { only: number | undefined }) {
  const { data, reload } = useLoad('approval', (signal) => call('showApproval', {}, { signal }))
  const waiting = (data?.to_review ?? []).filter(({ operation_id: id }) => only === undefined || id === only)
  if (waiting.length === 0) return null
  return (
    <section aria-label="To be reviewed">
      <h2>To be reviewed</h2>
      <ul class="plain">
        {waiting.map((one) => (
          <Waiting key={one.operation_id} emergency={one} onReload={reload} />
        ))}
      </ul>
    </section>
  )
}

/** What was signed stays where it is, so that the second click of a double click signs no other. */
function Waiting({ emergency, onReload }: { emergency: Emergency; onReload: () => void }) {
  const { operation_id: id, caller: by, principal } = emergency
  const [isSigned, setSigned] = useState(false)
  const act = useAct()
  const isOwn = principal !== null && principal === caller.value?.principal
  const review = () =>
    act.run(async () => {
      await call('reviewOperation', { id: String(id) }, { headers: confirmed })
      setSigned(true)
    })
  return (
    <li class="note care">
      <p>
        <Link to={`/operations/${id}`}>Operation {id}</Link> of <Person id={by} principal={principal} /> went past the
        approval that it needed.
      </p>
      {may('approve') && (
        <div class="bar">
          <Act
            lack={isOwn || isSigned}
            label={`Sign the review of operation ${id}`}
            describedBy={isOwn ? `own-${id}` : undefined}
            onAct={review}
          >
            Sign the review
          </Act>
          {isOwn ? (
            <span id={`own-${id}`}>It is of your own principal, {principal}: another principal reviews it.</span>
          ) : (
            <Copy text={['jobsctl', 'plans', 'review', String(id)]}>Copy as jobsctl</Copy>
          )}
          <span role="status">{isSigned && 'You have signed it.'}</span>
        </div>
      )}
      <ActProblem act={act} onReload={onReload} />
    </li>
  )
}
