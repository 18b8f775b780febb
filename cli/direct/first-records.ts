import { Failure } from '../../shared/errors.ts'
import type { OnceReached } from '../../shared/once.ts'
import { escaped } from '../../shared/text/escape.ts'
import type { Context } from '../context.ts'
import { interrupted } from '../io.ts'

/**
 * Has somebody agree to the tables of records that the first change makes beside the jobs of another engine: by `--make-records`, or at the
 * terminal.
 * @returns the engine
 * @throws Failure `records_missing` where nobody can be asked, `confirmation_required` where the answer is no
 */
export async function agreeOnRecords(
  { io, flags, settings, print }: Pick<Context, 'io' | 'flags' | 'settings' | 'print'>,
  { at, lacks }: OnceReached,
): Promise<string> {
  if (!lacks) throw new Error('no records are lacking')
  const { engine, schema, tables } = lacks
  const what = `makes schema "${schema}" (records, archive: ${tables} tables) in ${escaped(at)}`
  if (!flags.makeRecords) {
    if (!settings.interactive)
      throw new Failure('records_missing', `the first change ${what}, and nobody has said so; nothing was changed`, {
        hint: `add --make-records, or as the owner: jobs-server migrate --engine ${engine}`,
      })
    const answer = await io.ask(`This ${what}. Type ${schema} to go ahead: `)
    if (io.signal.aborted) throw interrupted(io.signal, '; nothing was changed')
    if (answer?.trim() !== schema) throw new Failure('confirmation_required', 'not confirmed; nothing was changed')
  }
  print.aside(`This ${what}. What is over its term there is deleted by a server, or by the next such change.`)
  return engine
}
