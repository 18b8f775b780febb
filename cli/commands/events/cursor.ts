import { Failure } from '../../../shared/errors.ts'
import {
  CursorName,
  listEventCursors as listing,
  moveEventCursor as moving,
  removeEventCursor as removing,
} from '../../../shared/records/event-cursors.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import type { Client } from '../../http/client.ts'
import type { Ending } from '../../output/print.ts'

/** The place of a reader, which the server keeps under a name. */
export interface Cursor {
  /** The id after which the reader goes on. */
  begin: number
  /** Tells the server that all events up to this id have been written. */
  moveTo: (client: Client, id: number) => Promise<void>
}

/**
 * Finds the cursor, or registers it. A new one begins with the oldest event, or after `after`; a known one moves there.
 * @throws Failure `usage` for a text that is no name, and where the cursor is further than `after`; `forbidden` for the cursor of another caller
 */
export async function openCursor(client: Client, name: string, after: number | undefined): Promise<Cursor> {
  requireName(name, '--cursor')
  const moveTo = async (client: Client, id: number) => {
    await client.call(moving, { name, after_id: id })
  }
  const { body } = await client.call(listing, {})
  const known = body.find((cursor) => cursor.name === name)?.after_id
  if (known !== undefined && after !== undefined && after < known)
    throw new Failure('usage', `--after: the cursor ${name} is at ${known}, and moves only forward`, {
      hint: `to begin again, forget it: jobsctl events --forget ${name}`,
    })
  const begin = after ?? known ?? 0
  if (begin !== known) await moveTo(client, begin)
  return { begin, moveTo }
}

/**
 * Forgets a cursor.
 * @throws Failure `usage` for a text that is no name; `not_found`; `forbidden` for the cursor of another caller
 */
export async function forgetCursor(context: Context, name: string): Promise<Ending> {
  requireName(name, '--forget')
  const { print, another } = context
  const look = another(['doctor'])
  const forgotten = await changeImmediately(context, { endpoint: removing, request: { name }, look })
  if (!forgotten) return 'ok'
  const again = another(['events', '--cursor', name, '--after', String(forgotten.after_id)])
  print.sentence(forgotten, `Forgot the cursor ${name}, which was at ${forgotten.after_id}.   Undo:  ${again}`, 'done')
  return 'ok'
}

/** @throws Failure `usage` */
function requireName(name: string, flag: string): void {
  const { error } = CursorName.safeParse(name)
  if (error) throw new Failure('usage', `${flag}: ${error.issues[0]?.message}; nothing was changed`)
}
