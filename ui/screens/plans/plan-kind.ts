import { type ChangeKind, type Counted, changeKind } from '../change/kinds.ts'
import { undoKind } from '../operations/undo-kind.ts'

/** The change of a plan, as the confirmation and the course of its application need it. */
type PlanKind = Counted & Pick<ChangeKind, 'ends'>

/** The kind of a plan that applies a policy, and changes no job by itself. */
export const policyKind = 'policy'

/** @param kind as the plan has it; a later server may have further ones */
export function planKind(kind: string): PlanKind {
  const known = kind === 'undo' ? undoKind : changeKind(kind)
  if (known) return { ...known, endpoint: 'applyPlan' }
  if (kind === policyKind) return { endpoint: 'applyPlan', verb: 'Apply policy', done: 'changed', count: 'affected' }
  const count = kind === 'integrity' ? 'fixed' : 'affected'
  return { endpoint: 'applyPlan', verb: kind === 'integrity' ? 'Repair' : `Change (${kind})`, done: 'changed', count }
}
