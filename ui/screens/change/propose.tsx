import { useState } from 'preact/hooks'
import type { EndpointName } from '../../../shared/endpoint-names.ts'
import { commandLine, flagWords } from '../../../shared/text/shell.ts'
import { call, confirmed, type Fields, pathOf, reasonHeader } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Copy, Why } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { navigate } from '../../state/address.ts'
import { type Acting, useAct } from '../../state/calls.ts'
import { may } from '../../state/session.ts'

/** A change that may wait for a second person. */
export interface Proposal {
  endpoint: EndpointName
  /** The body of the change, and what its path names; with `limit` where some jobs go first. */
  fields: Fields
  /** Its command without confirmation; absent where the command line has none. */
  words?: readonly string[] | undefined
}

interface ProposeProps {
  proposal: Proposal
  reason: string
  act: Acting
  isPrimary?: boolean
}

/** Has the server plan a change for another principal, in place of making it. The second person decides by its reason. */
export function Propose({ proposal: { endpoint, fields, words }, reason, act, isPrimary = false }: ProposeProps) {
  const { dry_run: _dryRun, preview_token: _token, max: _max, ...request } = fields
  const propose = async () => {
    const headers = { ...confirmed, ...reasonHeader(reason) }
    const plan = await call('proposePlan', { path: pathOf(endpoint), request }, { headers })
    navigate(`/plans/${plan.id}`)
  }
  const lacksReason = reason.trim() === ''
  return (
    <div class="bar">
      <Act
        look={isPrimary ? 'primary' : undefined}
        lack={lacksReason}
        describedBy="propose-needs"
        onAct={() => act.run(propose)}
      >
        Propose
      </Act>
      <span id="propose-needs" class="faint">
        {lacksReason ? 'A plan for another principal needs a reason.' : 'It waits until another principal approves it.'}
      </span>
      {words && !lacksReason && (
        <Copy text={[...words, '--propose', ...flagWords('--reason', reason.trim())]}>Copy as jobsctl</Copy>
      )}
    </div>
  )
}

/** The way out where the server refuses a change that nobody has approved. */
export function ProposeInstead({ proposal, reason: given }: { proposal: Proposal; reason: string }) {
  const [reason, setReason] = useState(given)
  const act = useAct()
  return (
    <section class="confirm" aria-label="Propose">
      <Why reason={reason} onChange={setReason} />
      <Propose proposal={proposal} reason={reason} act={act} isPrimary />
      {may('break_glass') && proposal.words && <Emergency words={proposal.words} reason={reason} />}
      <ActProblem act={act} />
    </section>
  )
}

/** A change past its approval is made at the terminal alone, by a caller who may. */
function Emergency({ words, reason }: { words: readonly string[]; reason: string }) {
  const command = commandLine([...words, '--emergency', ...flagWords('--reason', reason.trim() || '…')])
  return (
    <p>
      In an emergency your token goes past the approval at the terminal, and another principal reviews it later:{' '}
      <code>{command}</code> <Copy text={command}>Copy the command</Copy>
    </p>
  )
}
