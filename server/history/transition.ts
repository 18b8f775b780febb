/** What can become of a job. */
const transitionNames = [
  'created',
  'acquired',
  'completed',
  'failed',
  'quarantined',
  'cancelled',
  'returned',
  'revived',
  'restored',
  'other',
] as const
export type TransitionName = (typeof transitionNames)[number]

const ends: readonly TransitionName[] = ['completed', 'failed', 'quarantined', 'cancelled']

/** The name of a transition. A row that was made has no status before, which is the empty text. */
export function transitionOf({ from_status, to_status }: { from_status: string; to_status: string }): TransitionName {
  if (from_status === '') return to_status === 'queued' ? 'created' : 'restored'
  if (to_status === 'processing') return 'acquired'
  if (to_status === 'queued') return from_status === 'processing' ? 'returned' : 'revived'
  return ends.find((end) => end === to_status) ?? 'other'
}
