import { useRef, useState } from 'preact/hooks'
import { signOnPath } from '../../shared/access/sign-on-path.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { logIn } from '../api/session.ts'
import { ProblemNote } from '../parts/problem.tsx'
import { base } from '../state/page.ts'
import { ways } from '../state/session.ts'

/** Asks for a key or a token, which goes into the body of one request and stays nowhere on the page. */
export function Login() {
  const field = useRef<HTMLInputElement>(null)
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    const input = field.current
    if (!input || input.value === '' || isBusy) return
    const secret = input.value
    input.value = ''
    setBusy(true)
    await logIn(secret).catch((error: unknown) => setProblem(problemOf(error)))
    setBusy(false)
    field.current?.focus()
  }
  return (
    <main class="login">
      <h1>jobsctl</h1>
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
            autofocus
          />
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          Log in
        </button>
      </form>
      {ways.value.includes('single_sign_on') && (
        <p>
          {/* The answer is a page of the provider, and no screen. */}
          <a href={`${base}${signOnPath}`}>Log in by single sign-on</a>
        </p>
      )}
      {problem && <ProblemNote problem={problem} />}
      <p class="faint">
        The key of single-user mode, or a token that <code>jobs-server token create</code> printed.
      </p>
    </main>
  )
}
