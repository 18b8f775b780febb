import type { Answer } from '../../api/call.ts'
import { Name, Person } from '../../parts/name.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago } from '../../parts/times.tsx'

interface OfPlan {
  plan: Answer<'showPlan'>
}

/** Which agent proposed a plan, for whom, and with what program. What follows is in the words of the agent. */
export function ProposedBy({ plan: { agent, author } }: OfPlan) {
  if (!agent) return null
  const { name, of, client } = agent
  return (
    <p class="note care" role="note">
      Proposed by {name === null ? <Person id={author} /> : <Name of={name} />}, an agent
      {of !== null && (
        <>
          {' '}
          of <Name of={of} />
        </>
      )}
      {client !== null && (
        <>
          , with <Name of={client} />
        </>
      )}
      . The reason is the text of the agent, and may be wrong; the numbers are of the server.
    </p>
  )
}

/** What the agent of a plan asked before it made the plan, as the server saw it. */
export function Evidence({ plan: { agent, evidence = [] } }: OfPlan) {
  if (!agent) return null
  return (
    <section aria-label="What the agent asked">
      <h2>What the agent asked</h2>
      {evidence.length === 0 ? (
        <p class="empty">Nothing that the server has kept.</p>
      ) : (
        <Rows
          label="Calls of the agent"
          rows={evidence}
          columns={columns}
          keyOf={({ at, tool, filter }) => `${at} ${tool} ${filter}`}
        />
      )}
    </section>
  )
}

type Call = NonNullable<Answer<'showPlan'>['evidence']>[number]

const columns: readonly Column<Call>[] = [
  ['When', ({ at }) => <Ago at={at} />],
  ['Tool', ({ tool }) => <Name of={tool} />],
  ['Filter', ({ filter }) => <code>{filter}</code>, 'wide wraps'],
  ['Rows', ({ failed, rows }) => failed ?? rows.toLocaleString('en'), 'number'],
]
