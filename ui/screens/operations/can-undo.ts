import { isAct } from '../../../shared/records/acts.ts'
import type { Answer } from '../../api/call.ts'

/** True for an operation of which an undo may give something back. */
export const canUndo = ({
  kind,
  state,
  affected,
  no_way_back,
}: Pick<Answer<'getOperation'>, 'kind' | 'state' | 'affected' | 'no_way_back'>): boolean =>
  ['done', 'partial'].includes(state) && affected > 0 && !no_way_back && kind !== 'erase' && !isAct(kind)
