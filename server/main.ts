#!/usr/bin/env node
import { isatty } from 'node:tty'
import { Command, CommanderError, Option } from 'commander'
import { Failure, failures } from '../shared/errors.ts'
import { exits } from '../shared/exits.ts'
import { version } from '../shared/version.ts'
import { addAdoptCommand } from './commands/adopt-command.ts'
import { addAgentCommands } from './commands/agent-commands.ts'
import { addCallerCommands } from './commands/caller-commands.ts'
import { printOutput } from './commands/command.ts'
import { demoCommand } from './commands/demo-command.ts'
import { addDirectCommand } from './commands/direct-commands.ts'
import { addFreezeCommands } from './commands/freeze-commands.ts'
import { addIndexCommands } from './commands/index-commands.ts'
import { addInitCommand } from './commands/init-command.ts'
import { addMigrateCommands } from './commands/migrate-commands.ts'
import { addRotateCommand } from './commands/rotate-command.ts'
import { addSchemaCommands } from './commands/schema-commands.ts'
import { addTokenCommands } from './commands/token/token-commands.ts'
import { type Env, readEnv, warningsOf } from './env/env.ts'
import { envHelp } from './env/env-help.ts'
import { leave } from './leave.ts'
import { createBufferedWriter } from './log/buffered-writer.ts'
import { createLog, type Log } from './log/log.ts'
import { errorText } from './log/system-error.ts'
import type { Running } from './start.ts'

const program = new Command('jobs-server')
  .description('Serves the job endpoints on the PostgreSQL database of JOBS_DB_URL, or on an embedded database.')
  .version(version)
  .exitOverride()
  .configureOutput({ outputError: () => {} })
  .option('--engine <engine>', 'as JOBS_ENGINE: own makes tables in a database that another engine uses')
  .option('--map <file>', 'as JOBS_MAP_FILE: how the rows of a table are jobs')
  .addOption(new Option('--once', 'serve the jobsctl that starts it, until that ends').hideHelp())
  .hook('preAction', (command) => takeEngine(command.opts()))
  .addHelpText('after', `\n${envHelp()}`)
  .action(run)

program
  .command('demo')
  .description('fill an empty database with sample jobs and an incident, and print what to try')
  .action(async () => printOutput({ lines: await demoCommand(process.env), warnings: [] }))

addTokenCommands(program)
addCallerCommands(program)
addAgentCommands(program)
addFreezeCommands(program)
addDirectCommand(program)
addAdoptCommand(program)
addRotateCommand(program)
addIndexCommands(program)
addMigrateCommands(program)
addInitCommand(program)
addSchemaCommands(program)

/** Each flag stands for its variable in every command, since each of them reads the environment. */
function takeEngine({ engine, map }: { engine?: string; map?: string }): void {
  if (engine !== undefined) process.env.JOBS_ENGINE = engine
  if (map !== undefined) process.env.JOBS_MAP_FILE = map
}

async function run({ once }: { once?: boolean }): Promise<void> {
  if (once) return (await import('./once/run-once.ts')).runOnce()
  // The server goes on when the program that reads its log ends, or the log finds no room.
  process.stdout.off('error', outputLost)
  process.stdout.on('error', () => {})
  const writer = createBufferedWriter((text) => void process.stdout.write(text))
  process.on('exit', writer.flush)
  const env = readEnv(process.env)
  const log = createLog({
    write: writer.write,
    readable: Boolean(process.stdout.isTTY),
    least: env.JOBS_LOG_LEVEL,
  })
  for (const warning of warningsOf(process.env)) log.warn(warning)
  const end = (code: number, threadsEnded = true) => leave({ code, threadsEnded, log, flush: writer.flush })
  // Loaded here, since no other command needs the server.
  const starting = import('./start.ts').then(({ start }) => start(env, log))
  let stopping = false
  const stop = async (signal: string) => {
    const again = stopping
    stopping = true
    const running = await starting.catch(() => undefined)
    if (again) return end(exits.failed.code, await running?.abandon())
    log.info(`${signal}: ${drainText(env)}finishing the running calls`)
    const threadsEnded = await running?.stop()
    log.info('stopped')
    end(exits.ok.code, threadsEnded)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  // A terminal that is closed sends the signal, too, and then nobody is there to end the server. Its output may go to a file.
  process.on('SIGHUP', (signal) => ([0, 1, 2].some(isatty) ? stop(signal) : readAgain(starting, log)))
  const running = await starting
  // A database that never opened rejects `prepared` with its reason, which is reported below.
  void Promise.all([running.lost, running.prepared]).then(
    async ([why]) => {
      log.error(`the embedded database has stopped: ${why}; start the server again`)
      end(exits.failed.code, await running.abandon())
    },
    () => {},
  )
  await running.prepared.catch(async (error: unknown) => {
    const threadsEnded = await running.stop()
    if (!threadsEnded) end(reportError(error), threadsEnded)
    throw error
  })
}

const drainText = ({ JOBS_DRAIN_SECONDS: seconds }: Env): string =>
  seconds > 0 ? `/readyz is 503, calls are served for ${seconds} s more; then ` : ''

/** Reads the secrets again, which may stand in other files by now. One that is of no use leaves them as they are. */
async function readAgain(starting: Promise<Running>, log: Log): Promise<void> {
  try {
    const running = await starting
    await running.reload(readEnv(process.env))
    log.info('SIGHUP: read the secrets again')
  } catch (error) {
    log.error(`SIGHUP: the secrets stay as they were: ${errorText(error)}`)
  }
}

process.stdout.on('error', outputLost)
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = reportError(error)
}

/** Prints the error with its hint to stderr, and returns the exit code. */
function reportError(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exits.ok.code
    if (error.code === 'commander.help') return exits.usage.code
    const unknown = unknownCommand(error)
    process.stderr.write(unknown ?? `${error.message}\n  hint: ${helpOfCommand()}\n`)
    return exits.usage.code
  }
  const failure = error instanceof Failure ? error : new Failure('internal', errorText(error), { cause: error })
  const { code, message, hint = code === 'usage' ? helpOfCommand() : undefined } = failure
  process.stderr.write(`error: ${message}\n${hint ? `  hint: ${hint}\n` : ''}`)
  return exits[failures[code].exit].code
}

/** A command whose output is lost has failed, and what it changed stands. A reader that leaves early, such as `head`, is no failure. */
function outputLost(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return
  process.stderr.write(`error: cannot write to stdout: ${errorText(error)}; what the command changed stands\n`)
  process.exitCode = exits.failed.code
}

/** The command line that explains the command of this process. */
function helpOfCommand(): string {
  let command: Command = program
  const names = [command.name()]
  for (const word of program.args) {
    const next = command.commands.find((one) => one.name() === word)
    if (!next) break
    names.push(word)
    command = next
  }
  return `${names.join(' ')} --help`
}

/** A word that is no command is an argument too many of the server itself. Undefined for any other error. */
function unknownCommand({ code }: CommanderError): string | undefined {
  const [word = ''] = program.args
  const names = program.commands.map((command) => command.name())
  if (code !== 'commander.excessArguments' || names.includes(word)) return undefined
  return `error: unknown command '${word}'\n  hint: the commands are ${names.join(', ')}; without one, the server starts\n`
}
