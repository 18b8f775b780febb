import { useState } from 'preact/hooks'
import { Act } from '../../parts/act.tsx'
import { Why } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { useAct } from '../../state/calls.ts'
import { caller, hasPlans } from '../../state/session.ts'
import type { ChangeKind } from './kinds.ts'
import { jobsText, type Preview } from './preview.tsx'
import { type Proposal, Propose } from './propose.tsx'
import { previewsAgain } from './started.ts'

/** Above this number of jobs their number is typed. */
const typedAbove = 100

export interface Confirmed {
  reason: string
  goesOn: boolean
  /** The most jobs that may change, where the preview could not count all. */
  most: number | undefined
}

interface ConfirmProps {
  kind: Pick<ChangeKind, 'label'> & Partial<Pick<ChangeKind, 'ends'>>
  preview: Pick<Preview, 'count' | 'complete' | 'dependents'>
  /** How many jobs go first. */
  canary?: number | string | undefined
  onConfirm: (confirmed: Confirmed) => void
  /** The same change as a plan; absent for a change that is one already, and has its reason. */
  proposal?: Proposal
}

/** The last step before a change: why, what happens when the tab closes, the number of jobs where it is large; or a plan in place of it. */
export function Confirm({ kind, preview, canary, onConfirm, proposal }: ConfirmProps) {
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [goesOn, setGoesOn] = useState(true)
  const act = useAct()
  const isCounted = preview.complete !== false
  const mustType = preview.count > typedAbove || !isCounted
  const number = typed.replaceAll(/[\s,.']/g, '')
  const isTyped = isCounted ? !mustType || number === String(preview.count) : /^[1-9]\d{0,14}$/.test(number)
  const above = proposal && aboveOf(preview)
  const submit = (event: Event) => {
    event.preventDefault()
    if (isTyped) onConfirm({ reason: reason.trim(), goesOn, most: isCounted ? undefined : Number(number) })
  }
  const jobs = isCounted ? jobsText(preview.count) : `at most ${number || '…'} jobs`
  const primary = kind.ends ? 'primary danger' : 'primary'
  return (
    <>
      <form class="confirm" aria-label="Confirm" onSubmit={submit}>
        {previewsAgain() === 'missing' && (
          <p class="note care">
            The server has no record of the change that you confirmed: so far it has changed nothing. Confirm it again.
          </p>
        )}
        {proposal && <Why reason={reason} onChange={setReason} />}
        <fieldset>
          <legend>When this tab closes</legend>
          <label class="switch">
            <input type="radio" name="course" checked={goesOn} onChange={() => setGoesOn(true)} />
            the change goes on
          </label>
          <label class="switch">
            <input type="radio" name="course" checked={!goesOn} onChange={() => setGoesOn(false)} />
            it stops after its batch
          </label>
        </fieldset>
        {mustType && (
          <label>
            {isCounted
              ? `Type the number of jobs, ${preview.count.toLocaleString('en')}, to confirm`
              : 'There are too many to count here. Type the most that may change; if more match, nothing is changed'}
            <input
              value={typed}
              inputMode="numeric"
              autocomplete="off"
              onInput={({ currentTarget }) => setTyped(currentTarget.value)}
            />
          </label>
        )}
        {above !== undefined && (
          <p>
            <b class="care">A change of more than {jobsText(above)} needs an approval.</b> Propose it to another
            principal.
          </p>
        )}
        <Act type="submit" look={above === undefined ? primary : undefined} lack={!isTyped}>
          {kind.label} {canary === undefined ? jobs : `${canary.toLocaleString('en')} of ${jobs} first`}
        </Act>
        {proposal && hasPlans.value && (
          <Propose proposal={proposal} reason={reason} act={act} isPrimary={above !== undefined} />
        )}
        <p class="faint">
          Jobs that come to match from now on stay as they are. So do those that somebody changes meanwhile.
        </p>
      </form>
      <ActProblem act={act} />
    </>
  )
}

/** The number above which this change needs an approval; undefined where it needs none, as far as this page knows. */
function aboveOf({ count, dependents = 0 }: ConfirmProps['preview']): number | undefined {
  const above = caller.value?.approval_above ?? undefined
  return above !== undefined && count + dependents > above ? above : undefined
}
