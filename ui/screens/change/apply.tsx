import type { Fields } from '../../api/call.ts'
import { navigate, path } from '../../state/address.ts'
import { whyOnlyLooking } from '../../state/engine.ts'
import { may, thatYouSee } from '../../state/session.ts'
import { Confirm, type Confirmed } from './confirm.tsx'
import { Course } from './course.tsx'
import type { ChangeKind } from './kinds.ts'
import type { Preview } from './preview.tsx'
import { sendChange } from './sent.ts'
import { again, keepStarted, type StartedChange, startedChange } from './started.ts'

interface ApplyProps {
  kind: ChangeKind
  fields: Fields
  preview: Preview | undefined
  started: StartedChange | undefined
  /** Called when the change has begun. */
  onStart: () => void
  /** How many jobs go first; undefined for all at once. */
  canary?: number | string | undefined
  /** The change as words of the command line. */
  words?: readonly string[] | undefined
}

/** Confirms the change of a preview, and shows its course. The change is bound to the set of the preview, whatever else matches by then. */
export function Apply({ kind, fields, preview, started, onStart, canary, words }: ApplyProps) {
  /** The click on a confirmation sends the change, and nothing else does. */
  const begin = (change: StartedChange) => {
    sendChange(kind.endpoint, change)
    keepStarted(change)
    onStart()
  }
  if (started) {
    const proposal = { endpoint: kind.endpoint, fields: started.body, words }
    return (
      <Course
        key={started.key}
        kind={kind}
        change={started}
        onStartAgain={(why) => navigate(`${path.peek()}${location.search}`, why && again(why))}
        onGoOn={begin}
        proposal={proposal}
      />
    )
  }
  if (!preview || !may('change')) return null
  const why = whyOnlyLooking()
  if (why !== undefined) return <p class="note">{why}</p>
  if (preview.count === 0 && preview.complete !== false)
    return <p class="empty">No job{thatYouSee()} matches: there is nothing to change.</p>
  const isAll = typeof canary === 'number' && canary >= preview.count && preview.complete !== false
  const first = isAll ? undefined : canary
  const proposed = first === undefined ? fields : { ...fields, limit: first }
  const proposal = { endpoint: kind.endpoint, fields: proposed, words }
  const start = ({ reason, goesOn, most }: Confirmed) => {
    if (startedChange()) return
    const { dry_run: _dryRun, ...rest } = fields
    const total = most ?? preview.count
    const bound = { preview_token: preview.token, ...(most !== undefined && { max: most }) }
    const change = {
      body: { ...rest, ...bound },
      key: crypto.randomUUID(),
      reason,
      goesOn,
      count: total,
      isMost: most !== undefined,
      since: preview.as_of,
    }
    begin(first === undefined ? change : canaryOf(change, first))
  }
  return <Confirm kind={kind} preview={preview} canary={first} onConfirm={start} proposal={proposal} />
}

/** The same change of some jobs first. The server answers which, with a token for the others, so that this page waits for the answer. */
const canaryOf = (change: StartedChange, first: number | string): StartedChange => ({
  ...change,
  body: { ...change.body, limit: first },
  goesOn: false,
  count: Math.min(Number(first) || change.count, change.count),
  canary: { total: change.count, goesOn: change.goesOn },
})
