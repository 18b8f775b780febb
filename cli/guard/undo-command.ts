import type { Context } from '../context.ts'

/** The command line that undoes operations, at the same target. */
export const undoCommand = ({ another }: Context, ids: readonly number[]): string =>
  ids.map((id) => another(['undo', String(id)])).join(' && ')
