import { fieldTable } from '../../../server/http/agents/field-table.ts'
import { prompts } from '../../../server/http/mcp/prompts.ts'
import { tools } from '../../../server/http/mcp/tools.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { code, page, table } from '../markdown.ts'

const nameOf = (path: string, method: string): string =>
  Object.entries(endpoints).find(
    ([, endpoint]) => endpoint.path === path && ('method' in endpoint ? endpoint.method : 'GET') === method,
  )?.[0] ?? path

/** The tools of agents, and what each field of their answers is to an agent. */
export const agentToolsPage = (): string =>
  page(
    'Tools of agents',
    'What `jobsctl mcp` and `POST /mcp` offer. [Agents](../operate/agents.md) says how they are let in, and who decides.',
    '## Tools',
    table(
      ['tool', 'when to use it', 'calls'],
      tools.map(({ name, when, calls }) => [
        code(name),
        when,
        calls.map(({ endpoint }) => code(nameOf(endpoint.path, endpoint.method))).join(', '),
      ]),
    ),
    'Resources are the pages of docs/operate (`docs://operate/plans`) and the record of a change (`jobs://operations/812`). Prompts are ' +
      `${prompts.map(({ name }) => code(name)).join(', ')}.`,
    '## What an agent is given',
    'Numbers, times, switches and words of a list are given. A text is given as this table says, and one that is not in the table is ' +
      'withheld. `jobs-server agents --fields` prints the table with the fields of `JOBS_AGENT_FIELDS`.',
    table(
      ['field', 'an agent gets', 'tools'],
      fieldTable(new Set()).map(({ field, given, tools }) => [code(field), given, tools.map(code).join(', ')]),
    ),
  )
