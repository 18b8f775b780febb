import { useEffect } from 'preact/hooks'
import { Shell } from './parts/shell.tsx'
import { screenAt } from './screens/all.tsx'
import { Login } from './screens/login.tsx'
import { path } from './state/address.ts'
import { caller } from './state/session.ts'

/** The page: the login, or the screen of the address inside the shell. */
export function App() {
  const known = caller.value
  const screen = screenAt(path.value)
  const title = known === null ? 'Log in' : screen.title
  useEffect(() => {
    document.title = `${title} · jobsctl`
  }, [title])
  if (known === undefined) return <main class="waiting" aria-busy="true" />
  if (known === null) return <Login />
  return (
    <Shell at={screen.section}>
      <h1>{screen.title}</h1>
      {screen.show()}
    </Shell>
  )
}
