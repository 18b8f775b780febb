import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'

export const mcp: CommandSpec = {
  name: 'mcp',
  group: 'READ',
  summary: 'let a language model look and propose',
  about:
    'Speaks Model Context Protocol over stdin and stdout, for the program that starts it, until that closes stdin. It opens the session of an agent with the key of the command line: an agent sees no payloads, and pseudonyms in place of owners; it changes nothing, and a person decides each plan that it proposes. docs/operate/agents.md says how a client is set up.',
  examples: ['jobsctl mcp', 'jobsctl mcp --profile staging'],
  flags: [],
  async run(context) {
    const { io } = context
    const { addressOf } = await import('../settings/server-address.ts')
    const { configPath, readConfig } = await import('../settings/config-file.ts')
    const address = await addressOf(context.flags, io, async () => readConfig(configPath(io)))
    if (address.database)
      throw new Failure('usage', 'an agent goes through a server, and the target is a database; nothing was started', {
        hint: 'name a server in place of --db: jobsctl mcp --url <url>',
      })
    const { relay } = await import('./mcp/relay.ts')
    await relay(context)
    return io.signal.reason === 'SIGTERM' ? 'terminated' : io.signal.aborted ? 'interrupted' : 'ok'
  },
}
