import { scopeText } from '../../shared/access/scope-text.ts'
import type { Problem } from '../api/problem.ts'
import { caller } from '../state/session.ts'
import { Button } from './controls.tsx'

/** Why something did not work, what the server says to do next, and a button to try it again. */
export function ProblemNote({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  // The message of a call with one fault is that fault.
  const faults = problem.faults.filter(({ path, message }) => !problem.message.startsWith(`${path} ${message}`))
  return (
    <div class="note bad" role="alert">
      <p>{problem.message}</p>
      {faults.length > 0 && (
        <ul>
          {faults.map(({ path, message }) => (
            <li key={path}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {problem.status === 404 && caller.value?.scope && (
        <p>You see {scopeText(caller.value.scope)} alone: what is elsewhere is not shown to you.</p>
      )}
      {problem.hint && <p class="hint">{problem.hint}</p>}
      {problem.requestId && <p class="faint">Request {problem.requestId}</p>}
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  )
}
