import type { Verb } from '../../shared/engine/verbs.ts'
import type { CommandDescription } from '../command.ts'

/** The commands whose verbs have other names than they. */
const verbsOf: Readonly<Record<string, readonly Verb[]>> = {
  cancel: ['cancel_queued', 'cancel_running'],
  sweep: ['sweep_queued', 'sweep_running'],
  resume: ['pause'],
  wait: ['list'],
  mark: ['marks'],
  operations: ['records'],
  hold: ['holds'],
  apply: ['plans'],
  approve: ['plans'],
  reject: ['plans'],
}

/**
 * The commands that a server has a use for.
 * @param lacks the verbs that none of its engines can; a command with one verb that is left stays
 */
export const commandsHere = <Command extends Pick<CommandDescription, 'name'>>(
  commands: readonly Command[],
  lacks: ReadonlySet<string>,
): readonly Command[] => commands.filter(({ name }) => (verbsOf[name] ?? [name]).some((verb) => !lacks.has(verb)))
