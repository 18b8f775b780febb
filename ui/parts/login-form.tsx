import { useRef, useState } from 'preact/hooks'
import { signOnPath } from '../../shared/access/sign-on-path.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { logIn } from '../api/session.ts'
import { base } from '../state/page.ts'
import { ways } from '../state/session.ts'
import { ProblemNote } from './problem.tsx'

interface LoginFormProps {
  onDone?: () => void
  /** True where single sign-on opens in another tab, so that this one stays as it is. */
  keepsPage?: boolean
}

/** Asks for a key or a token, which goes into the body of one request and stays nowhere on the page. */
export function LoginForm({ onDone, keepsPage = false }: LoginFormProps) {
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
    setProblem(undefined)
    await logIn(secret).then(onDone, (error: unknown) => setProblem(problemOf(error)))
    setBusy(false)
    field.current?.focus()
  }
  return (
    <>
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
          <a href={`${base}${signOnPath}`} {...(keepsPage && { target: '_blank', rel: 'noopener' })}>
            Log in by single sign-on{keepsPage && ' in another tab'}
          </a>
        </p>
      )}
      {problem && <ProblemNote problem={problem} />}
    </>
  )
}
