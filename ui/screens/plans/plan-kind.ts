import { isBulkKind } from '../../../shared/changes/kinds.ts'
import { type ChangeKind, type Counted, knownKind } from '../change/kinds.ts'

/** The change of a plan, as the confirmation and the course of its application need it. */
type PlanKind = Counted & Partial<Pick<ChangeKind, 'ends'>>

/** The kind of a plan that applies a policy, and changes no job by itself. */
export const policyKind = 'policy'

/** @param kind as the plan has it; a later server may have further ones */
export function planKind(kind: string): PlanKind {
  const endpoint = 'applyPlan'
  if (isBulkKind(kind)) return { ...knownKind(kind), endpoint }
  const label = kind === policyKind ? 'Apply policy' : `Change (${kind})`
  return { endpoint, label, done: 'changed', countedBy: 'affected' }
}
