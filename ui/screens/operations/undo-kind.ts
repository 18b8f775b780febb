import { isAct } from '../../../shared/records/acts.ts'
import type { Answer } from '../../api/call.ts'
import { type ChangeKind, knownKind } from '../change/kinds.ts'

/** The undo of an operation as a change of its own. */
export const undoKind: ChangeKind = {
  ...knownKind('undo'),
  options: [],
  says: 'The jobs of this operation are as before it, where nobody has changed them since.',
}

/** True for an operation of which an undo may give something back. */
export const canUndo = ({
  kind,
  state,
  affected,
  no_way_back,
}: Pick<Answer<'getOperation'>, 'kind' | 'state' | 'affected' | 'no_way_back'>): boolean =>
  ['done', 'partial'].includes(state) && affected > 0 && !no_way_back && kind !== 'erase' && !isAct(kind)
