import { useState } from 'preact/hooks'
import type { Fields } from '../../api/call.ts'
import { navigate, path } from '../../state/address.ts'
import { may } from '../../state/session.ts'
import { Course } from './course.tsx'
import type { ChangeKind } from './kinds.ts'
import { jobsText, type Preview } from './preview.tsx'
import { keepStarted, type StartedChange } from './started.ts'

/** Above so many jobs their number is typed. */
const typedAbove = 100

interface ApplyProps {
  kind: ChangeKind
  fields: Fields
  preview: Preview | undefined
  started: StartedChange | undefined
  /** Without a change: the way back to a preview. */
  onStart: (change: StartedChange | undefined) => void
}

/** Confirms the change of a preview, and shows its course. The change is bound to the set of the preview, whatever else matches by then. */
export function Apply({ kind, fields, preview, started, onStart }: ApplyProps) {
  const startAgain = () => {
    navigate(`${path.peek()}${location.search}`)
    onStart(undefined)
  }
  if (started) return <Course kind={kind} change={started} onStartAgain={startAgain} />
  if (!preview || !may('change')) return null
  if (preview.count === 0 && preview.complete !== false)
    return <p class="empty">No job matches: there is nothing to change.</p>
  const start = ({ reason, goesOn, most }: Confirmed) => {
    const { dry_run: _dryRun, ...rest } = fields
    const count = most ?? preview.count
    const bound = { preview_token: preview.token, ...(most !== undefined && { max: most }) }
    const change = { body: { ...rest, ...bound }, key: crypto.randomUUID(), reason, goesOn, count }
    keepStarted(change)
    onStart(change)
  }
  return <Confirm kind={kind} preview={preview} onConfirm={start} />
}

interface Confirmed {
  reason: string
  goesOn: boolean
  /** The most jobs that may change, where the preview could not count all. */
  most: number | undefined
}

interface ConfirmProps {
  kind: ChangeKind
  preview: Preview
  onConfirm: (confirmed: Confirmed) => void
}

function Confirm({ kind, preview, onConfirm }: ConfirmProps) {
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [goesOn, setGoesOn] = useState(true)
  const isCounted = preview.complete !== false
  const mustType = preview.count > typedAbove || !isCounted
  const number = typed.replaceAll(/[\s,.']/g, '')
  const isTyped = isCounted ? !mustType || number === String(preview.count) : /^[1-9]\d{0,14}$/.test(number)
  const submit = (event: Event) => {
    event.preventDefault()
    if (isTyped) onConfirm({ reason: reason.trim(), goesOn, most: isCounted ? undefined : Number(number) })
  }
  return (
    <form class="confirm" aria-label="Confirm" onSubmit={submit}>
      <label>
        <span>
          Why <span class="faint">(kept with the record)</span>
        </span>
        <input value={reason} maxLength={500} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
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
      <button type="submit" class={kind.ends ? 'primary danger' : 'primary'} disabled={!isTyped}>
        {kind.verb} {isCounted ? jobsText(preview.count) : `at most ${number || '…'} jobs`}
      </button>
      <p class="faint">
        Jobs that come to match from now on stay as they are. So do those that somebody changes meanwhile.
      </p>
    </form>
  )
}
