import { Command, CommanderError } from 'commander'
import { Failure, failures } from '../shared/errors.ts'
import { exits } from '../shared/exits.ts'
import { version } from '../shared/version.ts'
import { verbFirst } from './command-line/argv.ts'
import { commandsHere } from './command-line/commands-here.ts'
import { meantInstead, unknownCommand, unknownTopic } from './command-line/suggestions.ts'
import { namesOf } from './command-line/words.ts'
import { commandHelp, commandList, programHelp } from './commands/help/help-text.ts'
import { topicNames, topicOn } from './commands/help/topics.ts'
import type { CommandSpec } from './context.ts'
import { refuseGuardFlags } from './guard/guard-flags.ts'
import type { Io } from './io.ts'
import type { Ending } from './output/print.ts'
import { runWithTimes } from './run-with-times.ts'
import type { Flag } from './settings/flags/flag.ts'
import { globalFlags, guardFlags } from './settings/flags/global-flags.ts'
import type { GlobalFlags } from './settings/settings.ts'

type Commands = readonly CommandSpec[]

/** Runs one command line by one of `commands`, and returns its exit code. It never throws. */
export async function main(commands: Commands, argv: readonly string[], io: Io): Promise<number> {
  const ended: { as: Ending } = { as: 'ok' }
  let words = argv
  const program = programOf(commands, io)
  try {
    words = verbFirst(commands, argv)
    refuseUnknown(commands, words[0])
    const specs = commandsFor(commands, words[0])
    addGuardFlags(program, specs)
    for (const spec of specs) {
      addCommand(program, spec, {
        io,
        commands,
        end: (ending) => {
          ended.as = ending
        },
      })
    }
    await program.parseAsync(words, { from: 'user' })
    return exits[ended.as].code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exits.ok.code
    const failure = withHelp(await withHabit(failureOf(error, commands, words[0]), commands, argv), commands, words[0])
    const { printFailure } = await import('./output/tell-failure.ts')
    printFailure(failure, io, program.opts<GlobalFlags>(), argv)
    return exits[failures[failure.code].exit].code
  }
}

function programOf(commands: Commands, io: Io): Command {
  const program = new Command('jobsctl')
  program
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: () => {}, outputError: () => {} })
    .version(version, '-V, --version')
    .helpCommand(false)
    .configureHelp({ formatHelp: (command) => helpOf(commands, command) })
    .argument('[command]')
    .action((word?: string) => {
      if (word === undefined) return io.out(programHelp(commands))
      throw unknownCommand(commands, word)
    })
  for (const { flags } of globalFlags) program.option(flags)
  return program
}

/**
 * The flags of the guard are read before or after any command that does not define a flag of the same name itself, so that a script
 * can put them before the command.
 */
function addGuardFlags(program: Command, specs: Commands): void {
  const [only, ...others] = specs
  const own = others.length === 0 ? (only?.flags ?? []) : []
  const isOwn = (guard: Flag) =>
    own.some((flag) => flag !== guard && namesOf(flag.flags).some((name) => namesOf(guard.flags).includes(name)))
  for (const flag of guardFlags) if (!isOwn(flag)) program.option(flag.flags)
}

/** The command of a verb; all commands where the first word is no verb. */
function commandsFor(commands: Commands, verb: string | undefined): Commands {
  const named = commands.filter(({ name }) => name === verb)
  return named.length > 0 ? named : commands
}

interface Running {
  io: Io
  commands: Commands
  /** Called when the command has ended. */
  end: (ending: Ending) => void
}

function addCommand(program: Command, spec: CommandSpec, { io, commands, end }: Running): void {
  const command = program.command(`${spec.name}${spec.operands ? ` ${spec.operands}` : ''}`)
  for (const { flags, many } of spec.flags) {
    if (!many) command.option(flags)
    else {
      const valuesOf = many === 'list' ? listed : (value: string) => [value]
      command.option(flags, '', (value: string, before: string[] = []) => [...before, ...valuesOf(value)])
    }
  }
  command.action(async () => {
    const topic = command.args[0]
    const explained = spec.name === 'help' && commands.find(({ name }) => name === topic)
    // config is a topic and a command.
    if (explained) return io.out([topicOn(explained.name), commandHelp(explained)].filter(Boolean).join('\n'))
    const flags = program.opts<GlobalFlags>()
    if (spec.name === 'help' && (topic === 'commands' || topic === undefined)) {
      const { lacksOfTarget } = await import('./settings/known-lacks.ts')
      const here = commandsHere(commands, await lacksOfTarget(flags, io))
      return io.out(
        `${topic === undefined ? programHelp(here) : commandList(here)}${leftOut(commands.length - here.length)}`,
      )
    }
    if (spec.name === 'help' && topic !== undefined && topicOn(topic) === undefined)
      throw unknownTopic(topicNames, commands, topic)
    refuseGuardFlags(spec, flags)
    if (flags.profileTimeout !== undefined && flags.fleet === undefined)
      throw new Failure('usage', '--profile-timeout needs --fleet; --timeout is the limit of one command')
    if (flags.fleet !== undefined) {
      const { runOnFleet } = await import('./fleet/run-on-fleet.ts')
      return end(await runOnFleet({ io, flags, commands, spec, values: command.opts(), operands: command.args }))
    }
    if (flags.columns !== undefined || flags.template !== undefined) {
      const { checkSelection } = await import('./output/selection.ts')
      await checkSelection(spec, flags, { values: command.opts(), operands: command.args })
    }
    const { fullContext } = await import('./full-context.ts')
    const context = await fullContext({ io, flags, commands })
    const given = { flags: spec.flags, values: command.opts(), operands: command.args }
    try {
      end(await runWithTimes(context, given, (values) => spec.run(context, values, command.args)))
      if (context.otherDomains().length > 0 && command.args.length === 0) {
        const { tellOtherDomains } = await import('./output/other-domains.ts')
        tellOtherDomains(context, spec, command.opts())
      }
    } finally {
      await context.close()
    }
  })
}

/** What stands below a list of commands, where the engine of the server has no use for all of them. */
const leftOut = (count: number): string =>
  count === 0
    ? ''
    : `Left out: ${count} ${count === 1 ? 'command' : 'commands'} for what the engine of this server cannot (jobsctl doctor asks again).\n`

const listed = (value: string) => value.split(',').map((word) => word.trim())

function helpOf(commands: Commands, command: Command): string {
  const spec = commands.find(({ name }) => name === command.name())
  return spec ? commandHelp(spec) : programHelp(commands)
}

/** Checks the verb before its flags, since every flag of a mistyped command would be unknown. */
function refuseUnknown(commands: Commands, verb: string | undefined): void {
  if (verb === undefined || verb.startsWith('-') || commands.some(({ name }) => name === verb)) return
  throw unknownCommand(commands, verb)
}

/** The failure for an error of commander, with a hint; any other error is a bug and stays `internal`. */
function failureOf(error: unknown, commands: Commands, word: string | undefined): Failure {
  if (error instanceof Failure) return error
  // JavaScript writes some 4,000 levels of JSON, and PostgreSQL keeps more.
  if (error instanceof RangeError && /call stack/i.test(error.message)) {
    return new Failure('unexpected_answer', 'the answer has more levels of lists and objects than jobsctl can write', {
      hint: 'the same command with --curl prints a call that shows it',
      cause: error,
    })
  }
  if (!(error instanceof CommanderError)) {
    const why = error instanceof Error ? error.message : String(error)
    return new Failure('internal', `jobsctl has a bug: ${why}`, {
      hint: 'please report it with the output of --debug',
      cause: error,
    })
  }
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const verb = commands.find(({ name }) => name === word)
  const help = verb ? `jobsctl ${verb.name} --help` : 'jobsctl --help'
  if (verb?.operands && error.code === 'commander.missingArgument') {
    return new Failure('usage', `${verb.name} needs ${verb.operands}`, { hint: help })
  }
  const meant = meantInstead(verb, message) ?? suggestion?.replace(/^\(|\)$/g, '')
  return new Failure('usage', message, { hint: meant ? `${meant} See ${help}` : help })
}

/** A usage error of a line that another tool would take has the line of jobsctl as its hint. */
async function withHabit(failure: Failure, commands: Commands, argv: readonly string[]): Promise<Failure> {
  const { code, message, requestId, server, cause } = failure
  if (failures[code].exit !== 'usage') return failure
  const { habitOf } = await import('./command-line/habits.ts')
  const hint = habitOf(commands, argv)
  return hint === undefined ? failure : new Failure(code, message, { hint, requestId, server, cause })
}

/** A usage error without a hint of its own leads to the help on what is wrong. */
function withHelp(failure: Failure, commands: Commands, verb: string | undefined): Failure {
  const { code, message, hint, requestId, server, cause } = failure
  if (failures[code].exit !== 'usage' || hint !== undefined) return failure
  return new Failure(code, message, { hint: helpOn(message, verb, commands), requestId, server, cause })
}

function helpOn(message: string, verb: string | undefined, commands: Commands): string {
  if (/^(JOBSCTL_|(BASE|API_KEY):)/.test(message)) return 'jobsctl help environment'
  if (/^profiles?[. ]/.test(message)) return 'jobsctl help config'
  return commands.some(({ name }) => name === verb) ? `jobsctl ${verb} --help` : 'jobsctl --help'
}
