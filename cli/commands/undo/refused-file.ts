import { type FileHandle, open, rm } from 'node:fs/promises'
import type { z } from 'zod'
import type { Conflict, undo } from '../../../shared/changes/undo.ts'
import { Failure } from '../../../shared/errors.ts'
import { listConflicts } from '../../../shared/records/conflicts.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { OneUndo, UndoChange } from '../../changes/undo/undo.ts'
import type { Context } from '../../context.ts'
import type { Client } from '../../http/client.ts'
import type { Ending } from '../../output/print.ts'
import { fileErrorText } from '../../system.ts'

interface Refusing {
  path: string
  request: OneUndo
  change: UndoChange
  /** Runs the change, or its dry run. */
  run: (change: UndoChange) => Promise<Ending>
}

/**
 * Runs an undo, and writes the jobs that cannot come back to a new file, a line of JSON each. The file is made before anything
 * is changed, with mode 600, and is removed where the undo was not made.
 * @throws Failure `usage` where the file exists or cannot be written, or nobody waits for the undo; what `run` throws
 */
export async function withRefusedFile(context: Context, { path, request, change, run }: Refusing): Promise<Ending> {
  if (context.settings.curl) throw new Failure('usage', '--refused-to and --curl exclude each other')
  if (context.settings.detach) {
    throw new Failure(
      'usage',
      '--refused-to and --detach exclude each other: the list follows the undo; nothing was changed',
    )
  }
  const file = await newFile(path)
  let listed: readonly Conflict[] = []
  const watched: UndoChange = {
    ...change,
    beside: (answer) => {
      listed = answer.conflicts
      return change.beside?.(answer) ?? { facts: {}, note: undefined }
    },
    noneMatch: async (client, answers) => {
      listed = answers.flatMap(({ conflicts }: z.output<typeof undo.output>) => conflicts)
      return (await change.noneMatch?.(client, answers)) ?? new Failure('conflict', 'nothing was changed')
    },
  }
  const write = async () => writeAll(file, context, { request, listed })
  let isNeeded = true
  try {
    const ending = await run(watched)
    await write().catch((cause: unknown) => rethrowUnlisted(cause, path))
    return ending
  } catch (error) {
    // Nothing could be given back, or the undo stopped half-way: what is refused is known all the same.
    if (error instanceof Unlisted) isNeeded = true
    else if (error instanceof Failure && listing.has(error.code)) isNeeded = await write().then(isTrue, isFalse)
    else isNeeded = false
    throw error
  } finally {
    await file.close()
    if (!isNeeded) await rm(path, { force: true })
  }
}

const listing: ReadonlySet<string> = new Set(['conflict', 'partial'])
const isTrue = () => true
const isFalse = () => false

/** The undo was made, or previewed, and its list could not be written to its end. */
class Unlisted extends Failure {}

function rethrowUnlisted(cause: unknown, path: string): never {
  const why = fileErrorText(cause)
  throw new Unlisted('partial', `the undo went well, but ${path} does not have all jobs that it left out: ${why}`, {
    cause,
  })
}

async function newFile(path: string): Promise<FileHandle> {
  if (path === '-' || path.trim() === '') throw new Failure('usage', '--refused-to: needs a file; nothing was changed')
  try {
    return await open(path, 'wx', 0o600)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    const why =
      cause.code === 'EEXIST'
        ? `${path} exists, and is not overwritten`
        : `cannot write ${path}: ${fileErrorText(cause)}`
    throw new Failure('usage', `--refused-to: ${why}; nothing was changed`, { hint: 'name another file', cause })
  }
}

interface Refused {
  request: OneUndo
  /** The jobs that the answer names: those that the database rejected are nowhere else. */
  listed: readonly Conflict[]
}

async function writeAll(file: FileHandle, context: Context, { request, listed }: Refused): Promise<void> {
  const client = await context.client()
  const { id, ids, hold_until: _, ...scope } = request
  const wanted = ids && new Set(ids)
  const rest = new Map(listed.map((conflict) => [conflict.job_id, conflict]))
  let after: JobId | null = 0
  while (after !== null) {
    const { conflicts, next_after_id } = await pageOf(client, { id, ...scope, after_id: String(after) })
    const page = conflicts.filter(({ job_id }) => wanted?.has(job_id) ?? true)
    for (const { job_id } of page) rest.delete(job_id)
    await writeLines(file, page)
    after = next_after_id
  }
  await writeLines(file, [...rest.values()])
}

/** A page of conflicts; none of a server that does not list them. */
const pageOf = (client: Client, input: z.input<typeof listConflicts.input>) =>
  client.call(listConflicts, input).then(
    ({ body }) => body,
    (error: unknown) => {
      if (error instanceof Failure && error.code === 'not_found') return { conflicts: [], next_after_id: null }
      throw error
    },
  )

const writeLines = (file: FileHandle, conflicts: readonly Conflict[]) =>
  file.appendFile(conflicts.map(({ job_id, reason }) => `${JSON.stringify({ id: job_id, reason })}\n`).join(''))
