import { useEffect } from 'preact/hooks'
import { restoreSession, sessionProblem } from './api/session.ts'
import { Login } from './parts/login.tsx'
import { ProblemNote } from './parts/problem.tsx'
import { Shell } from './parts/shell.tsx'
import { screenAt } from './screens/all.tsx'
import { path } from './state/address.ts'
import { lackOf } from './state/engine.ts'
import { caller, may } from './state/session.ts'
import { titleOf } from './state/tab.ts'

/** The page: the login, or the screen of the address inside the shell. */
export function App() {
  const known = caller.value
  const screen = screenAt(path.value)
  const lack = screen.verb && lackOf(screen.verb)
  const title = titleOf(known === null ? 'Log in' : screen.title)
  useEffect(() => {
    document.title = title
  }, [title])
  if (known === undefined) return <Waiting />
  if (known === null) return <Login />
  return (
    // Another caller sees nothing of the one before.
    <Shell key={known.id} at={screen.section}>
      <h1>{screen.title}</h1>
      {screen.needs !== undefined && !may(screen.needs) ? (
        <NotYours needs={screen.needs} />
      ) : lack === undefined ? (
        screen.show()
      ) : (
        <p class="note">{lack}</p>
      )}
    </Shell>
  )
}

/** The same as in `index.html`, which is painted while the script and the session are awaited; with the reason where no answer came. */
const Waiting = () => (
  <main class="waiting" aria-busy={sessionProblem.value === undefined}>
    <p class="brand">jobsctl</p>
    {sessionProblem.value && <ProblemNote problem={sessionProblem.value} onRetry={restoreSession} />}
  </main>
)

/** What a caller sees who came to a screen that it may not read. */
const NotYours = ({ needs }: { needs: string }) => (
  <p class="note care">
    You are logged in as {caller.value?.name}, whose role {caller.value?.role} lacks the right “{needs}” for this
    screen. An admin gives another role: <code>jobs-server token set-role {caller.value?.id} &lt;role&gt;</code>
  </p>
)
