import { undo } from '../../shared/changes/undo.ts'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import type { Client } from '../http/client.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'

/** The command line that undoes operations, at the same target. */
export const undoCommand = ({ another }: Context, ids: readonly number[]): string =>
  ids.map((id) => another(['undo', String(id)])).join(' && ')

interface Done {
  ids: readonly number[]
  /** How many jobs the operations changed. */
  done: number
}

/**
 * The line that follows a change: how many of its jobs an undo would give back, and the command. A sweep of running
 * jobs, for one, cannot be undone. The number comes from a dry run of the undo.
 */
export async function undoLine(context: Context, client: Client, { ids, done }: Done): Promise<string> {
  const command = undoCommand(context, ids)
  const restorable = await restorableCount(client, ids)
  if (restorable === undefined) return `To undo it:  ${command}`
  if (restorable === 0) return 'note: there is no way back: jobsctl undo can give back no job of this change'
  const which = restorable < done ? `${groupedDigits(restorable)} of ${jobsText(done)}` : jobsText(restorable)
  return `To give back ${which}:  ${command}`
}

/** How many jobs an undo would give back now; undefined where the server does not say. A server that refuses the undo has kept nothing. */
async function restorableCount(client: Client, ids: readonly number[]): Promise<number | undefined> {
  let sum = 0
  for (const id of ids) {
    const count = await client.call(undo, { id: String(id), dry_run: true }).then(
      ({ body }) => body.affected,
      (error: unknown) => {
        if (error instanceof Failure) return error.code === 'conflict' ? 0 : undefined
        throw error
      },
    )
    if (count === undefined) return undefined
    sum += count
  }
  return sum
}
