import type { Command } from 'commander'
import { printOutput } from './command.ts'
import { operatorName } from './operator.ts'
import { runOnDatabase } from './run-on-database.ts'

/** Adds `agents`. */
export function addAgentCommands(program: Command): void {
  const agents = program
    .command('agents')
    .description('whether agents may look and propose, on all servers of the database')
    .option('--fields', 'print what agents are given of each field, with those of JOBS_AGENT_FIELDS')
    .action(({ fields }: { fields?: boolean }) => (fields ? printFields() : run(undefined)))
  agents
    .command('on')
    .description('let agents look and propose; a person decides')
    .action(() => run(true))
  agents
    .command('off')
    .description('refuse agents at once, as it is at first, and end their sessions')
    .action(() => run(false))
}

const run = async (on: boolean | undefined): Promise<void> =>
  printOutput(
    await runOnDatabase(process.env, { command: 'agents', by: operatorName(), ...(on !== undefined && { on }) }),
  )

async function printFields(): Promise<void> {
  const [{ fieldTable }, { agentFieldsOf }, { readEnv }] = await Promise.all([
    import('../http/agents/field-table.ts'),
    import('../env/agent-fields.ts'),
    import('../env/env.ts'),
  ])
  const rows = fieldTable(agentFieldsOf(readEnv(process.env).JOBS_AGENT_FIELDS))
  const width = Math.max(...rows.map(({ field }) => field.length))
  const lines = rows.map(({ field, given, tools }) => `${field.padEnd(width)}  ${given} (${tools.join(', ')})`)
  printOutput({ lines, warnings: [] })
}
