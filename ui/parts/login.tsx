import { useEffect, useRef, useState } from 'preact/hooks'
import { signOnPath } from '../../shared/access/sign-on-path.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { logIn } from '../api/session.ts'
import { rememberPlace } from '../state/address.ts'
import type { Acting } from '../state/calls.ts'
import { base } from '../state/page.ts'
import { ways } from '../state/session.ts'
import { Act } from './act.tsx'
import { Button } from './controls.tsx'
import { ProblemNote } from './problem.tsx'

/** The login, in place of every screen while nobody is logged in. */
export const Login = () => (
  <main class="login">
    <h1>jobsctl</h1>
    {ways.value.includes('link') ? (
      <p>
        This dashboard belongs to a command of jobsctl, whose link logs in once. Start the command again for another
        link.
      </p>
    ) : (
      <>
        <LoginForm />
        <p class="faint">
          The key of single-user mode, or a token that <code>jobs-server token create</code> printed.
        </p>
      </>
    )}
  </main>
)

interface LoginFormProps {
  onDone?: () => void
  /** True where single sign-on opens in another tab, so that this one stays as it is. */
  keepsPage?: boolean
}

/** Asks for a key or a token, which goes into the body of one request and stays nowhere on the page. */
function LoginForm({ onDone, keepsPage = false }: LoginFormProps) {
  const field = useRef<HTMLInputElement>(null)
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const hasSignOn = ways.value.includes('single_sign_on')
  useEffect(() => {
    // A browser heeds `autofocus` once a page, and a session may end twice.
    if (!hasSignOn) field.current?.focus()
  }, [])
  const submit = async (event: Event) => {
    event.preventDefault()
    const input = field.current
    if (!input || input.value === '' || isBusy) return
    const secret = input.value
    input.value = ''
    setBusy(true)
    setProblem(undefined)
    await logIn(secret).then(onDone, (error: unknown) => setProblem(problemOf(error)))
    setBusy(false)
    field.current?.focus()
  }
  return (
    <>
      {hasSignOn && (
        // The answer is a page of the provider, and no screen.
        <a
          class="button primary"
          href={`${base}${signOnPath}`}
          onClick={rememberPlace}
          {...(keepsPage && { target: '_blank', rel: 'noopener' })}
        >
          Log in by single sign-on{keepsPage && ' in another tab'}
        </a>
      )}
      <form onSubmit={submit}>
        <label>
          Key or token
          <input
            ref={field}
            type="password"
            name="secret"
            autocomplete="current-password"
            spellcheck={false}
            required
          />
        </label>
        <Act type="submit" look={hasSignOn ? undefined : 'primary'} isBusy={isBusy}>
          Log in
        </Act>
      </form>
      {problem && <ProblemNote problem={problem} />}
    </>
  )
}

interface ActProblemProps {
  act: Pick<Acting, 'problem' | 'clear'>
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
        It is not as this page shows it any more. <Button onClick={reload}>Load it again</Button>
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
