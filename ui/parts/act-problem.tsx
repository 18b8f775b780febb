import { useRef } from 'preact/hooks'
import type { Act } from '../state/act.ts'
import { LoginForm } from './login-form.tsx'
import { ProblemNote } from './problem.tsx'

interface ActProblemProps {
  act: Pick<Act, 'problem' | 'clear'>
  /** Reads again what the act was about; offered where the server says that it has become something else. */
  onReload?: () => void
}

/** Why an act was refused, with the login where the server wants to know that the caller is still there. */
export function ActProblem({ act: { problem, clear }, onReload }: ActProblemProps) {
  if (!problem) return null
  if (problem.code === 'login_too_old') return <LogInAgain onDone={clear} />
  if (!onReload || (problem.status !== 409 && problem.status !== 404)) return <ProblemNote problem={problem} />
  const reload = () => {
    clear()
    onReload()
  }
  return (
    <>
      <ProblemNote problem={problem} />
      <p>
        It is not as this page shows it any more.{' '}
        <button type="button" onClick={reload}>
          Load it again
        </button>
      </p>
    </>
  )
}

/** Asks for the login in the place where it is needed, and goes back to the control that needed it. */
function LogInAgain({ onDone }: { onDone: () => void }) {
  const before = useRef(document.activeElement)
  const done = () => {
    onDone()
    if (before.current instanceof HTMLElement) before.current.focus()
  }
  return (
    <section class="note care log-in-again" aria-label="Log in again">
      <p>Your login is more than 15 minutes ago. Log in again, then press the button again: nothing was changed yet.</p>
      <LoginForm onDone={done} keepsPage />
    </section>
  )
}
